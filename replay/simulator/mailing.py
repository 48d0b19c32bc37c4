"""Invoices sent by mail: the customer pays by himself, in time, late, or never."""

from __future__ import annotations

from functools import partial
from typing import Final

from replay.simulator import billing, crediting, standing
from replay.simulator.account import Account
from replay.simulator.invoices import Invoice
from replay.simulator.renewals import DAY_S, HOUR_S
from replay.simulator.subscriptions import Status, Subscription

_IN_TIME_PER_MILLE: Final = 700
_LATE_PER_MILLE: Final = 800
_CREDITED_PER_MILLE: Final = 250
_LATE_DAYS: Final = (1, 25)
_GIVEN_UP_DAYS: Final = 40
_PAYMENT_NOTICE_S: Final = 2 * DAY_S


def send(account: Account, held: Subscription | None, billed: Invoice, at: int) -> None:
    """Send a finalized invoice; the caller has begun the events."""
    billing.tell(account, "sent", billed)
    due = billed.due_date or at
    account.agenda.plan(due, partial(_overdue, account, held, billed))
    if due - _PAYMENT_NOTICE_S > at:
        notice = partial(_notify, account, billed)
        account.agenda.plan(due - _PAYMENT_NOTICE_S, notice)
    if held is not None and account.luck.happens(_CREDITED_PER_MILLE):
        account.agenda.plan(at + DAY_S, partial(crediting.credit, account, held))
    if account.luck.happens(_IN_TIME_PER_MILLE):
        paid_at = account.luck.between(at + HOUR_S, max(at + HOUR_S, due - HOUR_S))
    elif account.luck.happens(_LATE_PER_MILLE):
        lowest, highest = _LATE_DAYS
        paid_at = due + account.luck.between(lowest * DAY_S, highest * DAY_S)
    else:
        given_up_at = due + _GIVEN_UP_DAYS * DAY_S
        account.agenda.plan(given_up_at, partial(_give_up, account, held, billed))
        return
    account.agenda.plan(paid_at, partial(_paid, account, held, billed))


def _notify(account: Account, billed: Invoice, at: int) -> None:
    if billed.open:
        account.outbox.begin(at, requested=False)
        billing.tell(account, "will_be_due", billed)


def _overdue(account: Account, held: Subscription | None, billed: Invoice, at: int) -> None:
    """Let Stripe notice that the due date has passed."""
    if not billed.open:
        return
    billed.fail(at)
    account.outbox.begin(at, requested=False)
    billing.tell(account, "overdue", billed)
    if held is not None and held.status is Status.ACTIVE:
        standing.show(account, held, Status.PAST_DUE, delinquent=True)


def _paid(account: Account, held: Subscription | None, billed: Invoice, at: int) -> None:
    """Take what came by bank transfer, as the seller notes it."""
    if not billed.open:
        return
    account.outbox.begin(at, requested=True)
    billed.paid_elsewhere = True
    billing.settle(account, billed, at)
    if held is not None and held.status is Status.PAST_DUE:
        standing.show(account, held, Status.ACTIVE, delinquent=False)


def _give_up(account: Account, held: Subscription | None, billed: Invoice, at: int) -> None:
    """Let the seller write off what was never paid."""
    if not billed.open:
        return
    account.outbox.begin(at, requested=True)
    billing.write_off(account, billed, at, "payment_not_received")
    if held is not None and held.status is Status.PAST_DUE:
        standing.show(account, held, Status.UNPAID, delinquent=True)
