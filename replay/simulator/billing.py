"""Invoices on their way: made, finalized, settled, voided, written off."""

from __future__ import annotations

from typing import Final

from replay.simulator.account import Account
from replay.simulator.invoices import Invoice, new_invoice
from replay.simulator.objects.invoices import invoice, invoice_payment
from replay.simulator.payments import Payment
from replay.simulator.subscriptions import Collection, Subscription

_DESCRIPTIONS: Final = {"subscription_create": "Subscription creation"}


def draft(
    account: Account, held: Subscription, at: int, *, reason: str, collect: bool
) -> Invoice:
    """Make the invoice for the current period; the caller tells of it."""
    billed = new_invoice(held, account.ids, at, reason=reason, collect=collect)
    held.latest_invoice = billed.invoice_id
    return billed


def finalize(account: Account, billed: Invoice, at: int) -> None:
    """Give the invoice its number and its intent; the caller has begun the events."""
    account.customer.invoices_made += 1
    number = f"{account.customer.invoice_prefix}-{account.customer.invoices_made:04d}"
    billed.finalize(at, number, _payment(account, billed, at) if billed.total else None)
    tell(account, "finalized", billed)
    tell(account, "updated", billed)


def settle(account: Account, billed: Invoice, at: int) -> None:
    """Take the invoice as paid; the caller has begun the events."""
    billed.settle(at)
    joined_id = account.ids.dated("inpay", at)
    if billed.payment is not None:
        joined = invoice_payment(billed, billed.payment, joined_id)
        account.outbox.tell("invoice_payment.paid", joined)
    tell(account, "paid", billed)
    tell(account, "payment_succeeded", billed)
    tell(account, "updated", billed)
    account.outbox.forget(billed.invoice_id)


def void(account: Account, billed: Invoice, at: int) -> None:
    """Make it as if it had never been; the caller has begun the events."""
    billed.void(at)
    tell(account, "voided", billed)
    tell(account, "updated", billed)
    account.outbox.forget(billed.invoice_id)


def write_off(account: Account, billed: Invoice, at: int, reason: str) -> None:
    """Take it as never to be paid; the caller has begun the events."""
    billed.write_off(at, reason)
    tell(account, "marked_uncollectible", billed)
    tell(account, "updated", billed)
    account.outbox.forget(billed.invoice_id)


def put_aside(
    account: Account, held: Subscription, billed: Invoice, collection: Collection, at: int
) -> None:
    """Finalize an invoice of a time without collection, and void it or write it off."""
    if held.ended:
        return
    account.outbox.begin(at, requested=False)
    finalize(account, billed, at)
    if collection is Collection.VOID:
        void(account, billed, at)
    else:
        write_off(account, billed, at, "subscription_paused")


def tell(account: Account, what: str, billed: Invoice) -> None:
    """Tell what became of an invoice."""
    rendered = invoice(billed, account.customer, account.shape)
    account.outbox.tell(f"invoice.{what}", rendered)


def _payment(account: Account, billed: Invoice, at: int) -> Payment:
    return Payment(
        intent_id=account.ids.dated("pi", at),
        invoice_id=billed.invoice_id,
        customer_id=billed.customer_id,
        created=at,
        amount=billed.total,
        currency=billed.lines[0].price.currency,
        description=_DESCRIPTIONS.get(billed.billing_reason, "Subscription update"),
    )
