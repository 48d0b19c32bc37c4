"""All entries of an account: its invoices, and the money that came and went.

charge      that no invoice tells of
refund      against what a credit note had given, else income that goes back
dispute     what the bank holds; won it returns, lost it is an expense
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, tzinfo
from operator import attrgetter
from typing import Final, TypeVar

import attrs

from ledger.book_months import day_of
from projections.account import Account
from projections.accounting.invoice_entries import Owed, invoice_entries
from projections.accounting.journal import Book, Entry, Kind, entry
from projections.dunning.tries import Paying, paying
from projections.history import Current
from projections.models.charged import CreditNote
from projections.objects import Invoice, Value
from projections.payment_objects import Payment, Tie
from projections.shapes.payments import CHARGE

V = TypeVar("V", bound=Value)
PAID: Final = "succeeded"
_WARNING: Final = "warning"
_NOTED: Final = frozenset({Kind.CREDIT_NOTE, Kind.CREDIT_NOTE_VOIDED})
_OUTCOMES: Final = {
    "won": (Kind.DISPUTE_WON, Book.CLEARING),
    "lost": (Kind.DISPUTE_LOST, Book.LOST),
}


@attrs.frozen(kw_only=True)
class _Money:
    """What an account's payments are, and which invoices they paid.

    Attributes:
        refunded_at: By charge, when it was told of what has gone back by now.
    """

    account: str
    zone: tzinfo
    payments: Mapping[str, Current[Payment]]
    ties: Mapping[str, Current[Tie]]
    owners: Mapping[str, str]
    refunded_at: Mapping[str, datetime]

    def entry(
        self,
        kind: Kind,
        name: str,
        at: datetime,
        currency: str | None,
        amounts: Mapping[Book, int],
    ) -> Entry:
        """Return an entry about a payment or what hangs on one."""
        told = self.ties.get(name) or self.payments[name]
        charge = _charge_of(self, name)
        return Entry(
            day=day_of(at, self.zone),
            kind=kind,
            id=name,
            account=self.account,
            currency=currency or "",
            amounts=amounts,
            evidence=told.position,
            invoice=None if charge is None else self.owners.get(charge),
        )


def entries(account: Account, today: date, zone: tzinfo) -> list[Entry]:
    """Return the entries of *account*, by day.

    Args:
        today: What is earned on this day and later is not yet.
    """
    invoices = account.currents(account.invoices)
    payments, ties = account.currents(account.payments), account.currents(account.ties)
    paid = paying(invoices, payments, ties)
    notes = account.alive(account.credit_notes)
    found: list[Entry] = []
    for name, current in invoices.items():
        owed = Owed(
            id=name,
            account=account.linked.account,
            current=current,
            notes=_notes(notes, name),
            charges=_charges(paid.get(name)),
            today=today,
            zone=zone,
        )
        found += invoice_entries(owed)
    money = _Money(
        account=account.linked.account,
        zone=zone,
        payments=payments,
        ties=ties,
        owners={charge: name for name, each in paid.items() for charge in each.charges},
        refunded_at=dict(_told_refunds(account, payments)),
    )
    found += [*_uninvoiced(money, invoices), *_refunds(money), *_disputes(money)]
    return list(_matched(sorted(found, key=attrgetter("day", "kind", "id"))))


def _matched(found: Iterable[Entry]) -> Iterator[Entry]:
    """Yield entries, refunds set off against credit notes of the same invoice.

    Whichever comes first waits for the other: a credit in the customer's balance, a refund
    in the income that it took back. No entry depends on one of a later day.
    """
    credit: defaultdict[str | None, int] = defaultdict(int)
    back: defaultdict[str | None, int] = defaultdict(int)
    for each in found:
        given = -each.amounts.get(Book.CREDIT, 0)
        if each.kind is Kind.REFUND and each.invoice is not None:
            amount = each.amounts[Book.REFUNDS]
            part = max(0, min(amount, credit[each.invoice]))
            credit[each.invoice] -= part
            back[each.invoice] += amount - part
            amounts = {**each.amounts, Book.REFUNDS: amount - part, Book.CREDIT: part}
            yield from entry(attrs.evolve(each, amounts=amounts))
        elif each.kind in _NOTED and given:
            part = max(0, min(given, back[each.invoice]))
            back[each.invoice] -= part
            credit[each.invoice] += given - part
            amounts = {**each.amounts, Book.REFUNDS: -part, Book.CREDIT: part - given}
            yield from entry(attrs.evolve(each, amounts=amounts))
        else:
            yield each


def _notes(
    notes: Mapping[str, Current[CreditNote]], invoice: str
) -> list[tuple[str, Current[CreditNote]]]:
    own = [(name, each) for name, each in notes.items() if each.value.invoice == invoice]
    return sorted(own, key=lambda one: (one[1].value.created or one[1].first_at, one[0]))


def _charges(paid: Paying | None) -> list[tuple[str, Current[Payment]]]:
    own = () if paid is None else paid.charges.items()
    done = [(name, each) for name, each in own if each.value.status == PAID]
    return sorted(done, key=lambda one: (one[1].since, one[0]))


def _uninvoiced(money: _Money, invoices: Mapping[str, Current[Invoice]]) -> Iterator[Entry]:
    for name, charge in money.payments.items():
        shown = charge.value
        if (
            shown.kind != CHARGE
            or shown.status != PAID
            or money.owners.get(name) in invoices
        ):
            continue
        amount = shown.amount or 0
        amounts = {Book.CLEARING: amount, Book.UNINVOICED: -amount}
        at = _when(charge, shown.created)
        yield from entry(money.entry(Kind.CHARGE, name, at, shown.currency, amounts))


def _refunds(money: _Money) -> Iterator[Entry]:
    known: defaultdict[str | None, int] = defaultdict(int)
    dated = sorted(
        (_when(tie, tie.value.created), name, tie)
        for name, tie in money.ties.items()
        if tie.value.kind == "refund" and tie.value.status in {PAID, None}
    )
    for at, name, tie in dated:
        known[_charge_of(money, name)] += tie.value.amount or 0
        yield from _refund(money, name, at, tie.value.amount or 0, tie.value.currency)
    for name, charge in money.payments.items():
        # A charge tells that money went back where no refund of its own was told.
        untold = (charge.value.refunded or 0) - known[name]
        if charge.value.kind == CHARGE and untold > 0:
            at = money.refunded_at.get(name, charge.value.created or charge.first_at)
            yield from _refund(money, name, at, untold, charge.value.currency)


def _told_refunds(
    account: Account, payments: Mapping[str, Current[Payment]]
) -> Iterator[tuple[str, datetime]]:
    for name, history in account.payments.items():
        refunded = payments[name].value.refunded if name in payments else None
        told = [f.occurred_at for f in history.recent if f.value.refunded == refunded]
        if refunded and told:
            yield name, min(told)


def _refund(
    money: _Money, name: str, at: datetime, amount: int, currency: str | None
) -> Iterator[Entry]:
    amounts = {Book.REFUNDS: amount, Book.CLEARING: -amount}
    yield from entry(money.entry(Kind.REFUND, name, at, currency, amounts))


def _disputes(money: _Money) -> Iterator[Entry]:
    for name, tie in money.ties.items():
        shown = tie.value
        status = shown.status or ""
        if shown.kind != "dispute" or status.startswith(_WARNING):
            continue
        amount, at = shown.amount or 0, shown.created or tie.first_at
        held = {Book.DISPUTED: amount, Book.CLEARING: -amount}
        yield from entry(money.entry(Kind.DISPUTE, name, at, shown.currency, held))
        if status in _OUTCOMES:
            kind, book = _OUTCOMES[status]
            ended = {book: amount, Book.DISPUTED: -amount}
            yield from entry(money.entry(kind, name, tie.since, shown.currency, ended))


def _charge_of(money: _Money, name: str) -> str | None:
    """Return the charge that *name* is, or hangs on."""
    tie = money.ties.get(name)
    if tie is None:
        return name
    if tie.value.charge is not None:
        return tie.value.charge
    intent = money.payments.get(tie.value.payment_intent or "")
    if intent is not None and intent.value.charge is not None:
        return intent.value.charge
    of_intent = (
        charge
        for charge, each in money.payments.items()
        if each.value.payment_intent == tie.value.payment_intent
        and tie.value.payment_intent is not None
        and each.value.status == PAID
    )
    return next(of_intent, None)


def _when(current: Current[V], created: datetime | None) -> datetime:
    """Return when it came to its status: when it was made, if it never had another."""
    if created is not None and current.since == current.first_at:
        return created
    return current.since
