"""Invoices on their way: made, finalized, settled, voided, written off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from replay.simulator import drafting
from replay.simulator.account import Account
from replay.simulator.drafting import Occasion
from replay.simulator.invoices import Invoice
from replay.simulator.objects.invoice_items import invoice_item
from replay.simulator.objects.invoices import invoice, invoice_payment
from replay.simulator.payments import Payment
from replay.simulator.subscriptions import Collection, Subscription

_DESCRIPTIONS: Final = {
    "subscription_create": "Subscription creation",
    "manual": "Payment for Invoice",
}


@contextmanager
def amended(account: Account, billed: Invoice) -> Iterator[None]:
    """Tell afterwards what became of an invoice within, settled as it may be."""
    account.outbox.remember(invoice(billed, account.customer, account.shape))
    yield
    tell(account, "updated", billed)
    if not billed.open:
        account.outbox.forget(billed.invoice_id)


def draft(
    account: Account, held: Subscription, at: int, *, reason: str, collect: bool
) -> Invoice:
    """Make the invoice for the current period; the caller tells of it."""
    since = held.previous_start if reason == "subscription_cycle" else at
    why = Occasion(at=at, reason=reason, since=since, collect=collect)
    billed = drafting.for_period(account, held, why)
    held.latest_invoice = billed.invoice_id
    account.books.open(billed, period=True)
    tell_items(account, billed)
    return billed


def tell_items(account: Account, billed: Invoice) -> None:
    """Tell that what waited is on an invoice now, as long as Stripe told so."""
    on_it = [each for each in account.billed if each.invoice_id == billed.invoice_id]
    for item in on_it:
        rendered = invoice_item(item, account.shape)
        account.outbox.tell("invoiceitem.updated", rendered)
        account.outbox.forget(item.invoice_item_id)
    account.billed.clear()


def finalize(account: Account, billed: Invoice, at: int) -> None:
    """Give the invoice its number and its intent; the caller has begun the events.

    What the customer has in credit, or owes from before, goes into it.
    """
    payer = account.customer
    payer.invoices_made += 1
    billed.balance_start, billed.payer = payer.balance, payer.payer
    number = f"{payer.invoice_prefix}-{payer.invoices_made:04d}"
    billed.finalize(at, number)
    if billed.amount_due:
        billed.payment = _payment(account, billed, at)
    change_balance(account, (billed.balance_end or 0) - billed.balance_start)
    tell(account, "finalized", billed)
    tell(account, "updated", billed)


def settle(account: Account, billed: Invoice, at: int) -> None:
    """Take the invoice as paid; the caller has begun the events."""
    billed.settle(at)
    joined_id = account.ids.dated("inpay", at)
    if billed.payment is not None and not billed.paid_elsewhere:
        joined = invoice_payment(billed, billed.payment, joined_id)
        account.outbox.tell("invoice_payment.paid", joined)
    tell(account, "paid", billed)
    tell(account, "payment_succeeded", billed)
    tell(account, "updated", billed)
    account.outbox.forget(billed.invoice_id)


def void(account: Account, billed: Invoice, at: int) -> None:
    """Make it as if it had never been; the caller has begun the events.

    What the balance gave to it goes back.
    """
    billed.void(at)
    tell(account, "voided", billed)
    tell(account, "updated", billed)
    change_balance(account, billed.balance_start - (billed.balance_end or 0))
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


def change_balance(account: Account, by: int) -> None:
    """Let the customer owe more, or less, before the next invoice."""
    if by:
        account.customer.balance += by
        account.tell_customer("customer.updated")


def tell(account: Account, what: str, billed: Invoice) -> None:
    """Tell what became of an invoice."""
    account.books.record(billed)
    rendered = invoice(billed, account.customer, account.shape)
    account.outbox.tell(f"invoice.{what}", rendered)


def _payment(account: Account, billed: Invoice, at: int) -> Payment:
    return Payment(
        intent_id=account.ids.dated("pi", at),
        invoice_id=billed.invoice_id,
        customer_id=billed.customer_id,
        created=at,
        amount=billed.amount_due,
        currency=billed.currency,
        description=_DESCRIPTIONS.get(billed.billing_reason, "Subscription update"),
    )
