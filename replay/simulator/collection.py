"""Collecting an invoice: finalize it, charge the card, try again when that fails.

day 0 the first attempt, an hour after the invoice was made
day 3, 5, 7 the retries; after the last one the subscription is unpaid or canceled
"""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import Final

import attrs

from replay.simulator import cancellation, cards
from replay.simulator.account import Account
from replay.simulator.chances import PER_MILLE
from replay.simulator.invoices import Invoice
from replay.simulator.objects.charges import charge
from replay.simulator.objects.intents import intent
from replay.simulator.objects.invoices import invoice, invoice_payment
from replay.simulator.payments import DECLINES, Attempt, Payment
from replay.simulator.renewals import DAY_S
from replay.simulator.shapes import TRAITS
from replay.simulator.subscriptions import Status, Subscription

_RETRY_DAYS: Final = (3, 5, 7)
_ATTEMPTS_MAX: Final = len(_RETRY_DAYS) + 1


class Ending(StrEnum):
    """What becomes of a subscription whose invoice is never paid."""

    UNPAID = "unpaid"
    CANCELED = "canceled"


@attrs.frozen(kw_only=True)
class Fate:
    """How the collection of an invoice will go.

    Attributes:
        failures: Attempts that fail; all of them when it is never paid.
        new_card_after: Days until another card pays it, between two retries, if one does.
        ending: What follows when every attempt fails.
    """

    failures: int = 0
    new_card_after: int | None = None
    ending: Ending = Ending.UNPAID


# Per mille; the rest is paid at once.
_FATES: Final = (
    (22, Fate(failures=1)),
    (14, Fate(failures=2)),
    (8, Fate(failures=3)),
    (14, Fate(failures=2, new_card_after=4)),
    (12, Fate(failures=_ATTEMPTS_MAX, ending=Ending.CANCELED)),
    (8, Fate(failures=_ATTEMPTS_MAX, ending=Ending.UNPAID)),
)


def choose_fate(account: Account) -> Fate:
    """Draw how the next collection will go."""
    drawn = account.chance.between(1, PER_MILLE)
    for weight, fate in _FATES:
        drawn -= weight
        if drawn <= 0:
            return fate
    return Fate()


def finalize(account: Account, held: Subscription, billed: Invoice, at: int) -> None:
    """Give the invoice its number and its intent; the caller has begun the events."""
    account.customer.invoices_made += 1
    first = held.renewals == 0
    payment = Payment(
        intent_id=account.ids.dated("pi", at),
        invoice_id=billed.invoice_id,
        customer_id=billed.customer_id,
        created=at,
        amount=billed.total,
        currency=billed.lines[0].price.currency,
        description="Subscription creation" if first else "Subscription update",
    )
    number = f"{account.customer.invoice_prefix}-{account.customer.invoices_made:04d}"
    billed.finalize(at, number, payment)
    _tell_invoice(account, "invoice.finalized", billed)
    _tell_invoice(account, "invoice.updated", billed)


def collect(account: Account, held: Subscription, billed: Invoice, at: int) -> None:
    """Finalize a renewal's draft and make the first attempt."""
    account.outbox.begin(at, requested=False)
    if held.ended or held.paused:
        billed.auto_advance = False
        billed.next_attempt = None
        _tell_invoice(account, "invoice.updated", billed)
        return
    finalize(account, held, billed, at)
    fate = choose_fate(account)
    _attempt(account, held, billed, fate, at)
    if fate.new_card_after is not None:
        day = at + fate.new_card_after * DAY_S
        account.agenda.plan(day, partial(_pay_with_new_card, account, held, billed))


def pay(account: Account, held: Subscription, billed: Invoice, at: int) -> None:
    """Charge the card with success; the caller has begun the events."""
    payment = _charged(account, billed, at, failed=False)
    if payment is None:
        return
    billed.settle(at)
    if TRAITS[account.shape].payments_apart:
        joined = invoice_payment(billed, payment, account.ids.dated("inpay", at))
        account.outbox.tell("invoice_payment.paid", joined)
    _tell_invoice(account, "invoice.paid", billed)
    _tell_invoice(account, "invoice.payment_succeeded", billed)
    _tell_invoice(account, "invoice.updated", billed)
    account.outbox.forget(billed.invoice_id)
    _standing(account, held, Status.ACTIVE, delinquent=False)


def _attempt(
    account: Account, held: Subscription, billed: Invoice, fate: Fate, at: int
) -> None:
    """Charge the card as fate has it."""
    billed.attempts += 1
    billed.attempted = True
    if billed.attempts > fate.failures:
        pay(account, held, billed, at)
    else:
        _fail(account, held, billed, fate, at)


def _retry(
    account: Account, held: Subscription, billed: Invoice, fate: Fate, at: int
) -> None:
    """Try again, unless the invoice was paid or its subscription ended meanwhile."""
    if billed.paid_at is not None or held.ended:
        return
    account.outbox.begin(at, requested=False)
    _attempt(account, held, billed, fate, at)


def _fail(
    account: Account, held: Subscription, billed: Invoice, fate: Fate, at: int
) -> None:
    """Be declined; plan the next attempt, or end the subscription after the last."""
    _charged(account, billed, at, failed=True)
    last = billed.attempts == _ATTEMPTS_MAX
    billed.next_attempt = None
    if not last:
        days = _RETRY_DAYS[billed.attempts - 1]
        billed.next_attempt = (billed.finalized_at or at) + days * DAY_S
        retry = partial(_retry, account, held, billed, fate)
        account.agenda.plan(billed.next_attempt, retry)
    _tell_invoice(account, "invoice.payment_failed", billed)
    _tell_invoice(account, "invoice.updated", billed)
    if not last:
        _standing(account, held, Status.PAST_DUE, delinquent=True)
    elif fate.ending is Ending.UNPAID:
        _standing(account, held, Status.UNPAID, delinquent=True)
        cancellation.plan_giving_up(account, held, at)
    else:
        cancellation.end(account, held, at, "payment_failed")


def _pay_with_new_card(
    account: Account, held: Subscription, billed: Invoice, at: int
) -> None:
    """Let the customer enter another card and pay the open invoice with it."""
    if billed.paid_at is not None or held.ended:
        return
    cards.attach(account, at)
    pay(account, held, billed, at)


def _charged(account: Account, billed: Invoice, at: int, *, failed: bool) -> Payment | None:
    """Charge the card and tell of charge and intent; None when there is nothing to pay."""
    payment, card = billed.payment, account.customer.card
    if payment is None or card is None:
        return None
    ids = account.ids
    tried = Attempt(
        charge_id=ids.dated("ch", at),
        created=at,
        card=card,
        balance_transaction=ids.dated("txn", at),
        authorization=ids.number(6),
        network_transaction=ids.number(15),
        risk_score=account.chance.between(0, 64),
        decline=account.chance.pick(DECLINES) if failed else None,
    )
    payment.latest = tried
    word, result = ("failed", "payment_failed") if failed else ("succeeded", "succeeded")
    account.outbox.tell(f"charge.{word}", charge(tried, payment, account.shape))
    rendered = intent(payment, account.customer, account.shape)
    account.outbox.tell(f"payment_intent.{result}", rendered)
    return payment


def _standing(
    account: Account, held: Subscription, status: Status, *, delinquent: bool
) -> None:
    """Let the outcome show on the subscription and on the customer."""
    held.status = status
    account.tell_subscription("customer.subscription.updated", held)
    if account.customer.delinquent is not delinquent:
        account.customer.delinquent = delinquent
        account.tell_customer("customer.updated")


def _tell_invoice(account: Account, kind: str, billed: Invoice) -> None:
    account.outbox.tell(kind, invoice(billed, account.customer, account.shape))
