"""Money that goes back to the customer: all of a charge, or a part."""

from __future__ import annotations

from replay.simulator.account import Account
from replay.simulator.envelope import previous_attributes
from replay.simulator.invoices import Invoice, InvoiceStatus
from replay.simulator.objects.charges import charge
from replay.simulator.objects.refunds import refund as rendered_refund
from replay.simulator.payments import Payment, Refund
from replay.simulator.subscriptions import Subscription

_WHOLE_PER_MILLE = 400


def refund(account: Account, held: Subscription, at: int) -> None:
    """Give back a charge of the period, or a part of it."""
    billed = refundable(account, held)
    if billed is None:
        return
    account.outbox.begin(at, requested=True)
    left = billed.amount_paid - billed.refunded
    whole = account.luck.happens(_WHOLE_PER_MILLE)
    amount = left if whole else account.luck.between(1, max(1, left // 2 // 10)) * 10
    give_back(account, billed, min(amount, left), at)


def refundable(account: Account, held: Subscription) -> Invoice | None:
    """Return an invoice of the latest period that was paid through Stripe."""
    for billed in reversed(account.books.periods.get(held.subscription_id, [])):
        paid = billed.status is InvoiceStatus.PAID and not billed.paid_elsewhere
        payment = billed.payment
        if paid and payment and payment.latest and payment.latest.succeeded:
            spent = billed.refunded + billed.credited_after
            if not payment.disputed and billed.amount_paid > spent:
                return billed
    return None


def give_back(account: Account, billed: Invoice, amount: int, at: int) -> str | None:
    """Refund so many minor units; return the refund's id. The caller began the events."""
    payment = billed.payment
    if payment is None or payment.latest is None or amount <= 0:
        return None
    before = charge(payment.latest, payment, account.shape)
    made = Refund(
        refund_id=account.ids.dated("re", at),
        created=at,
        amount=amount,
        balance_transaction=account.ids.dated("txn", at),
    )
    payment.refunds.append(made)
    billed.refunded += amount
    account.books.record(billed)
    _tell(account, payment, made, before)
    return made.refund_id


def _tell(
    account: Account, payment: Payment, made: Refund, before: dict[str, object]
) -> None:
    if payment.latest is None:
        return
    after = charge(payment.latest, payment, account.shape)
    changed = previous_attributes(before, after)
    account.outbox.tell("charge.refunded", after, previous=changed)
    shown = rendered_refund(made, payment, account.shape)
    account.outbox.tell("refund.created", shown)
    account.outbox.forget(made.refund_id)
