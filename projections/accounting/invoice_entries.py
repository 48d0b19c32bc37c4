"""The entries of an invoice: what is owed, how that ends, and what is earned of it.

finalized       receivable, tax payable, deferred revenue
balance         what the customer's balance pays, or takes on
credit note     before it is paid: less is owed; afterwards: the balance grows
paid            from what was charged; what no charge tells was paid outside Stripe
uncollectible   written off; paid after all, it comes back first
void            everything undone, also what was earned by then
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, tzinfo
from typing import Final

import attrs

from ledger.book_months import day_of
from ledger.money import shares
from projections.accounting.earning import Earned, earned, portions, tax_of
from projections.accounting.journal import Book, Entry, Kind, entry
from projections.history import Current
from projections.models.charged import CreditNote
from projections.models.traces import UNCOLLECTIBLE, VOID
from projections.objects import Invoice
from projections.payment_objects import Payment

_UNFINISHED: Final = frozenset({None, "draft"})
Notes = Sequence[tuple[str, Current[CreditNote]]]
Charges = Sequence[tuple[str, Current[Payment]]]


@attrs.frozen(kw_only=True)
class Owed:
    """An invoice with all that bears on what is owed of it.

    Attributes:
        notes: Its credit notes, in order of time.
        charges: Those that paid for it, in order of time.
        today: What is earned on this day and later is not yet.
    """

    id: str
    account: str
    current: Current[Invoice]
    notes: Notes
    charges: Charges
    today: date
    zone: tzinfo

    @property
    def shown(self) -> Invoice:
        """The invoice as it is."""
        return self.current.value

    @property
    def made(self) -> datetime:
        """When it was finalized, as far as is known."""
        shown = self.shown
        return shown.finalized_at or shown.created or self.current.first_at

    @property
    def paid_at(self) -> datetime | None:
        """When it was paid, whether or not anything was left to pay."""
        if self.shown.status != "paid":
            return None
        return self.shown.paid_at or self.current.since

    def reached(self, what: str, told: datetime | None) -> datetime | None:
        """Return when it came to a status that it may have left since."""
        traced = (each.at for each in self.current.traces if each.what == what)
        return told or next(traced, None)


def invoice_entries(owed: Owed) -> Iterator[Entry]:
    """Yield the entries of an invoice, by kind; none while it is a draft."""
    if owed.shown.status in _UNFINISHED or owed.current.deleted:
        return
    yield from _finalized(owed)
    left = (owed.shown.total or 0) - applied(owed.shown)
    for name, note in owed.notes:
        if _before_payment(owed, note):
            left -= 0 if note.value.status == VOID else note.value.total or 0
        yield from _note(owed, name, note)
    yield from _settled(owed, left)
    yield from _earned(owed)


def applied(invoice: Invoice) -> int:
    """Return what the customer's balance took of the total; negative if it took on more.

    Whether credit notes are in ``amount_due`` already, the starting balance tells.
    """
    if invoice.amount_due is None:
        return 0
    total = invoice.total or 0
    rest = total - invoice.amount_due
    before = invoice.pre_payment_credit or 0
    starting = invoice.starting_balance or 0
    expected = min(total, -starting) if total > 0 else total
    return rest if not before or rest == expected else rest - before


def _finalized(owed: Owed) -> Iterator[Entry]:
    total, tax, used = owed.shown.total or 0, tax_of(owed.shown), applied(owed.shown)
    amounts = {Book.RECEIVABLE: total, Book.TAX: -tax, Book.DEFERRED: tax - total}
    yield from _entry(owed, Kind.INVOICE, owed.made, amounts)
    yield from _entry(
        owed, Kind.BALANCE, owed.made, {Book.CREDIT: used, Book.RECEIVABLE: -used}
    )


def _note(owed: Owed, name: str, note: Current[CreditNote]) -> Iterator[Entry]:
    """Tax goes back in proportion: the note's own share of it is not read."""
    amount, shown = note.value.total or 0, owed.shown
    tax = tax_of(shown)
    net, back = shares(amount, [max(0, (shown.total or 0) - tax), max(0, tax)])
    against = Book.RECEIVABLE if _before_payment(owed, note) else Book.CREDIT
    amounts = {Book.CREDIT_NOTES: net, Book.TAX: back, against: -amount}
    told = Entry(
        day=day_of(note.value.created or note.first_at, owed.zone),
        kind=Kind.CREDIT_NOTE,
        id=name,
        account=owed.account,
        currency=note.value.currency or shown.currency or "",
        amounts=amounts,
        evidence=note.position,
        invoice=owed.id,
    )
    yield from entry(told)
    if note.value.status == VOID:
        yield from entry(
            attrs.evolve(
                told,
                day=day_of(note.since, owed.zone),
                kind=Kind.CREDIT_NOTE_VOIDED,
                amounts={book: -each for book, each in amounts.items()},
            )
        )


def _before_payment(owed: Owed, note: Current[CreditNote]) -> bool:
    paid_at = owed.paid_at
    return paid_at is None or (note.value.created or note.first_at) <= paid_at


def _settled(owed: Owed, left: int) -> Iterator[Entry]:
    """Yield how what is *left* to pay ended, or began to."""
    shown, paid_at = owed.shown, owed.paid_at
    given_up = owed.reached(UNCOLLECTIBLE, shown.uncollectible_at)
    if given_up is not None and shown.status != VOID:
        lost = {Book.UNCOLLECTIBLE: left, Book.RECEIVABLE: -left}
        yield from _entry(owed, Kind.UNCOLLECTIBLE, given_up, lost)
        if paid_at is not None:
            found = {book: -amount for book, amount in lost.items()}
            yield from _entry(owed, Kind.RECOVERED, paid_at, found)
    for name, charge in owed.charges:
        amount = charge.value.amount or 0
        part = max(0, min(amount, left))
        left -= part
        amounts = {
            Book.CLEARING: amount,
            Book.RECEIVABLE: -part,
            Book.CREDIT: part - amount,
        }
        at = charge.since if paid_at is None else min(charge.since, paid_at)
        yield from _entry(owed, Kind.PAYMENT, at, amounts, name, charge.position)
    if paid_at is not None and left:
        charged = sum(each.value.amount or 0 for _, each in owed.charges)
        outside = max(0, min(left, (shown.amount_paid or 0) - charged))
        amounts = {
            Book.OUTSIDE: outside,
            Book.CREDIT_NOTES: left - outside,
            Book.RECEIVABLE: -left,
        }
        yield from _entry(owed, Kind.PAYMENT, paid_at, amounts)
    voided_at = owed.reached(VOID, shown.voided_at)
    if shown.status == VOID:
        yield from _voided(owed, voided_at or owed.current.since, left)


def _voided(owed: Owed, at: datetime, left: int) -> Iterator[Entry]:
    """Undo all of the invoice; what the balance had paid goes back to it."""
    shown, tax, used = owed.shown, tax_of(owed.shown), applied(owed.shown)
    gone = (shown.total or 0) - used - left
    parts = _parts(owed)
    gross, off = sum(each.gross for each in parts), sum(each.off for each in parts)
    amounts = {
        Book.RECEIVABLE: -left,
        Book.CREDIT: -used,
        Book.CREDIT_NOTES: -gone,
        Book.TAX: tax,
        Book.DEFERRED: (shown.total or 0) - tax - gross + off,
        Book.REVENUE: gross,
        Book.DISCOUNTS: -off,
    }
    yield from _entry(owed, Kind.VOIDED, at, amounts)


def _parts(owed: Owed) -> list[Earned]:
    """Return what is earned by today, or was when it was voided."""
    made = day_of(owed.made, owed.zone)
    until = owed.today
    if owed.shown.status == VOID:
        voided_at = owed.reached(VOID, owed.shown.voided_at) or owed.current.since
        until = min(until, day_of(voided_at, owed.zone))
    return earned(portions(owed.shown, made, owed.zone), until)


def _earned(owed: Owed) -> Iterator[Entry]:
    for part in _parts(owed):
        yield from entry(
            Entry(
                day=part.day,
                kind=Kind.EARNED,
                id=owed.id,
                account=owed.account,
                currency=owed.shown.currency or "",
                amounts={
                    Book.DEFERRED: part.gross - part.off,
                    Book.DISCOUNTS: part.off,
                    Book.REVENUE: -part.gross,
                },
                evidence=owed.current.position,
                invoice=owed.id,
            )
        )


def _entry(
    owed: Owed,
    kind: Kind,
    at: datetime,
    amounts: Mapping[Book, int],
    name: str | None = None,
    evidence: int | None = None,
) -> Iterator[Entry]:
    yield from entry(
        Entry(
            day=day_of(at, owed.zone),
            kind=kind,
            id=name or owed.id,
            account=owed.account,
            currency=owed.shown.currency or "",
            amounts=amounts,
            evidence=owed.current.position if evidence is None else evidence,
            invoice=owed.id,
        )
    )
