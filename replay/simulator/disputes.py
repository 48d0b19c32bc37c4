"""Charges the customer's bank takes back: money withdrawn, and won again or lost."""

from __future__ import annotations

from functools import partial
from typing import Final

from replay.simulator.account import Account
from replay.simulator.disputed import Dispute
from replay.simulator.methods import MethodType
from replay.simulator.objects.refunds import dispute as rendered_dispute
from replay.simulator.refunds import refundable
from replay.simulator.renewals import DAY_S
from replay.simulator.subscriptions import Subscription

_REASONS: Final = ("fraudulent", "product_not_received", "subscription_canceled")
_ANSWER_S: Final = 9 * DAY_S
_REVIEW_DAYS: Final = (1, 8)
_DECIDED_DAYS: Final = (15, 60)
_WON_PER_MILLE: Final = 400


def dispute(account: Account, held: Subscription, at: int) -> None:
    """Let the bank take back a card's charge of the period."""
    billed = refundable(account, held)
    payment = billed.payment if billed else None
    tried = payment.latest if payment else None
    if payment is None or tried is None or tried.method.type is not MethodType.CARD:
        return
    payment.disputed = True
    made = Dispute(
        dispute_id=account.ids.dated("dp", at),
        charge_id=tried.charge_id,
        intent_id=payment.intent_id,
        created=at,
        amount=payment.amount,
        currency=payment.currency,
        brand=tried.method.brand,
        reason=account.luck.pick(_REASONS),
        due_by=at + _ANSWER_S,
        balance_transaction=account.ids.dated("txn", at),
    )
    account.outbox.begin(at, requested=False)
    _tell(account, "created", made)
    _tell(account, "funds_withdrawn", made)
    lowest, highest = _REVIEW_DAYS
    answered_at = at + account.luck.between(lowest * DAY_S, highest * DAY_S)
    account.agenda.plan(answered_at, partial(_answer, account, made))


def _answer(account: Account, made: Dispute, at: int) -> None:
    """Let the seller say something to it."""
    made.status = "under_review"
    account.outbox.begin(at, requested=True)
    _tell(account, "updated", made)
    lowest, highest = _DECIDED_DAYS
    decided_at = at + account.luck.between(lowest * DAY_S, highest * DAY_S)
    account.agenda.plan(decided_at, partial(_decide, account, made))


def _decide(account: Account, made: Dispute, at: int) -> None:
    won = account.luck.happens(_WON_PER_MILLE)
    made.status = "won" if won else "lost"
    account.outbox.begin(at, requested=False)
    _tell(account, "closed", made)
    if won:
        _tell(account, "funds_reinstated", made)
    account.outbox.forget(made.dispute_id)


def _tell(account: Account, what: str, made: Dispute) -> None:
    rendered = rendered_dispute(made, account.shape)
    account.outbox.tell(f"charge.dispute.{what}", rendered)
