"""Credit notes, before and after an invoice is paid, and the customer's balance."""

from __future__ import annotations

from typing import Final

from replay.simulator import billing
from replay.simulator.account import Account
from replay.simulator.credit_notes import CreditNote
from replay.simulator.invoices import Invoice
from replay.simulator.objects.credits import credit_note
from replay.simulator.refunds import give_back, refundable
from replay.simulator.subscriptions import Status, Subscription

_GOODWILL: Final = (500, 1000, 2500)
_OWED: Final = (500, 1500)
_GIVEN_PER_MILLE: Final = 800
_REFUNDED_PER_MILLE: Final = 400
_STEP: Final = 10


def credit(account: Account, held: Subscription, at: int) -> None:
    """Credit a part of an invoice: of what is due, or else of what was paid."""
    still_open = _open(account, held)
    if still_open is not None:
        _before_payment(account, held, still_open, at)
        return
    paid = refundable(account, held)
    if paid is not None:
        _after_payment(account, paid, at)


def adjust(account: Account, held: Subscription, at: int) -> None:
    """Let the seller give the customer a credit, or note a debt, for the next invoice."""
    if not held.healthy:
        return
    given = account.luck.happens(_GIVEN_PER_MILLE)
    amount = -account.luck.pick(_GOODWILL) if given else account.luck.pick(_OWED)
    account.outbox.begin(at, requested=True)
    billing.change_balance(account, amount)


def _open(account: Account, held: Subscription) -> Invoice | None:
    for billed in account.books.periods.get(held.subscription_id, []):
        tried = billed.payment.latest if billed.payment else None
        pending = tried is not None and tried.pending
        first = billed.billing_reason == "subscription_create" and not billed.by_mail
        if billed.open and not pending and not first and not held.ended:
            return billed
    return None


def _before_payment(account: Account, held: Subscription, billed: Invoice, at: int) -> None:
    """Credit a part of what is due; what is left is collected as before."""
    amount = _part(account, billed.amount_remaining)
    if not amount or held.status is Status.PAUSED:
        return
    account.outbox.begin(at, requested=True)
    made = _note(account, billed, amount, at, before=True)
    account.outbox.tell("credit_note.created", credit_note(made, account.shape))
    with billing.amended(account, billed):
        billed.credited_before += amount
    if billed.payment is not None:
        billed.payment.amount -= amount


def _after_payment(account: Account, billed: Invoice, at: int) -> None:
    """Credit a part of what was paid: to the card, or to the balance."""
    amount = _part(account, billed.amount_paid - billed.refunded - billed.credited_after)
    if not amount:
        return
    account.outbox.begin(at, requested=True)
    made = _note(account, billed, amount, at, before=False)
    if account.luck.happens(_REFUNDED_PER_MILLE):
        made.refund_id = give_back(account, billed, amount, at)
    else:
        made.balance_transaction = account.ids.dated("cbtxn", at)
    account.outbox.tell("credit_note.created", credit_note(made, account.shape))
    with billing.amended(account, billed):
        billed.credited_after += amount
    if made.refund_id is None:
        billing.change_balance(account, -amount)


def _part(account: Account, whole: int) -> int:
    """Return between a tenth and a half of *whole*, by tens, or nothing."""
    return whole * account.luck.between(1, 5) // _STEP // _STEP * _STEP


def _note(
    account: Account, billed: Invoice, amount: int, at: int, *, before: bool
) -> CreditNote:
    billed.credit_notes += 1
    return CreditNote(
        credit_note_id=account.ids.dated("cn", at),
        line_id=account.ids.dated("cnli", at),
        invoice_id=billed.invoice_id,
        customer_id=billed.customer_id,
        number=f"{billed.number}-CN-{billed.credit_notes:02d}",
        created=at,
        amount=amount,
        currency=billed.currency,
        before_payment=before,
    )
