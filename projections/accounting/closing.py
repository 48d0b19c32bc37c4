"""The figures of a month of the books, and how they are sealed.

    entries       all of the journal dated in the month, one line each
    books         what each account of the books held before, what moved, what it holds then
    receivables   the invoices that are open at its end
    movements     recurring revenue: opening, movements, closing

Figures are written as canonical JSON (keys sorted, no spaces, UTF-8), and known again by
its SHA-256. They are a function of the events up to a position, of month and zone.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final

import attrs
import msgspec

from ledger.book_months import BookMonth
from projections.account import Account
from projections.accounting.account_entries import entries
from projections.accounting.journal import Book, Entry
from projections.accounting.movements import CELLS, Movements, Span
from projections.accounting.recurring import recurring

FORM: Final = 1
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


@attrs.frozen(kw_only=True)
class Adjustment:
    """What was learnt of a closed month afterwards: an entry as it *was* and *is*.

    Attributes:
        was: None where there was no such entry.
        now: None where there is none any more.
    """

    month: str
    was: Entry | None
    now: Entry | None

    @property
    def changes(self) -> dict[Book, int]:
        """By how much it changes each account of the books."""
        found: Counter[Book] = Counter()
        if self.now is not None:
            found.update(self.now.amounts)
        if self.was is not None:
            found.subtract(self.was.amounts)
        return {book: amount for book, amount in found.items() if amount}


@attrs.define(kw_only=True)
class Figures:
    """Adds up a month, account by account.

    Attributes:
        entries: Those of the month; nothing else is held.
    """

    month: BookMonth
    zone: tzinfo
    entries: list[Entry] = attrs.Factory(list)
    adjustments: list[Adjustment] = attrs.Factory(list)
    _before: Counter[tuple[str, str]] = attrs.field(factory=Counter, init=False)
    _open: Counter[str] = attrs.field(factory=Counter, init=False)
    _movements: Movements = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        start, end = self.month.start(self.zone), self.month.end(self.zone)
        span = Span(name=str(self.month), start=start, end=end)
        self._movements = Movements([span])

    def add(self, account: Account) -> None:
        """Add what *account* has in the month, and had before it."""
        owed: Counter[tuple[str, str]] = Counter()
        for each in entries(account, self.month.next.first_day, self.zone):
            if each.day > self.month.last_day:
                continue
            if each.invoice is not None:
                receivable = each.amounts.get(Book.RECEIVABLE, 0)
                owed[each.currency, each.invoice] += receivable
            if each.day >= self.month.first_day:
                self.entries.append(each)
            else:
                for book, amount in each.amounts.items():
                    self._before[book, each.currency] += amount
        for (currency, _), amount in owed.items():
            self._open[currency] += bool(amount)
        told = recurring(account, self.month.end(self.zone))
        self._movements.add(account.linked.account, told)

    def document(self) -> dict[str, Any]:
        """Return the figures as they are sealed.

        Raises:
            UnbalancedError: They do not add up.
        """
        self.entries.sort(key=_place)
        self.adjustments.sort(key=by_place)
        moved: Counter[tuple[str, str]] = Counter()
        for each in self.entries:
            for book, amount in each.amounts.items():
                moved[book, each.currency] += amount
        lines = b"".join(entry_lines(self.entries))
        return {
            "form": FORM,
            "month": str(self.month),
            "zone": str(self.zone),
            "entries": {
                "count": len(self.entries),
                "sha256": hashlib.sha256(lines).hexdigest(),
            },
            "kinds": _kinds(self.entries),
            "books": _books(self._before, moved),
            "receivables": self._receivables(moved),
            "movements": [
                {
                    "currency": row.currency,
                    **{str(cell): row.amounts[cell] for cell in CELLS},
                }
                for row in self._movements.rows()
            ],
            "adjustments": [adjustment_document(each) for each in self.adjustments],
        }

    def _receivables(self, moved: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
        return [
            {
                "currency": currency,
                "invoices": self._open[currency],
                "amount": self._before[Book.RECEIVABLE, currency]
                + moved.get((Book.RECEIVABLE, currency), 0),
            }
            for currency in sorted(self._open)
        ]


def canonical(document: Mapping[str, Any]) -> bytes:
    """Write *document* in the one way that its digest is taken of."""
    return _ENCODER.encode(document)


def digest(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of *document*, in hex."""
    return hashlib.sha256(canonical(document)).hexdigest()


def entry_lines(found: Iterable[Entry]) -> Iterator[bytes]:
    """Yield each entry as a line of canonical JSON."""
    for each in found:
        yield canonical(entry_document(each)) + b"\n"


def entry_document(entry: Entry) -> dict[str, Any]:
    """Return *entry* as JSON has it."""
    return {
        "day": entry.day.isoformat(),
        "kind": str(entry.kind),
        "id": entry.id,
        "account": entry.account,
        "invoice": entry.invoice,
        "currency": entry.currency,
        "amounts": {str(book): amount for book, amount in entry.amounts.items()},
        "evidence": entry.evidence,
    }


def adjustment_document(adjustment: Adjustment) -> dict[str, Any]:
    """Return *adjustment* as JSON has it."""
    was, now = adjustment.was, adjustment.now
    return {
        "month": adjustment.month,
        "was": None if was is None else entry_document(was),
        "now": None if now is None else entry_document(now),
    }


def adjustments(
    last: BookMonth, before: Account | None, after: Account, zone: tzinfo
) -> Iterator[Adjustment]:
    """Yield what *after* tells of the months up to *last* otherwise than *before* did.

    Which event tells a thing makes no difference.
    """
    old, new = (
        {} if each is None else _by_identity(each, last, zone) for each in (before, after)
    )
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        if _content(was) != _content(now):
            yield Adjustment(month=key[0][:7], was=was, now=now)


def totals(document: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    """Return the control totals of figures: entries, and what moved in each account."""
    found = [("entries", document["entries"]["count"])]
    found += [
        (f"{each['account']} {each['currency']}", each["closing"])
        for each in document["books"]
    ]
    return tuple(found)


def _by_identity(
    account: Account, last: BookMonth, zone: tzinfo
) -> dict[tuple[str, ...], Entry]:
    """Return entries up to *last*; of the same day, kind and object, counted apart."""
    found: dict[tuple[str, ...], Entry] = {}
    seen: Counter[tuple[str, ...]] = Counter()
    for each in entries(account, last.next.first_day, zone):
        if each.day <= last.last_day:
            key = each.day.isoformat(), str(each.kind), each.id, each.currency
            seen[key] += 1
            found[*key, str(seen[key])] = each
    return found


def _content(entry: Entry | None) -> object:
    return None if entry is None else {**entry_document(entry), "evidence": None}


def _kinds(found: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return count and sum of debits of each kind."""
    counts: Counter[tuple[str, str]] = Counter()
    sums: defaultdict[tuple[str, str], int] = defaultdict(int)
    for each in found:
        key = str(each.kind), each.currency
        counts[key] += 1
        sums[key] += sum(amount for amount in each.amounts.values() if amount > 0)
    return [
        {"kind": kind, "currency": currency, "count": counts[key], "debits": sums[key]}
        for key in sorted(counts)
        for kind, currency in [key]
    ]


def _books(
    before: Mapping[tuple[str, str], int], moved: Mapping[tuple[str, str], int]
) -> list[dict[str, Any]]:
    return [
        {
            "account": str(book),
            "currency": currency,
            "opening": before.get((book, currency), 0),
            "change": moved.get((book, currency), 0),
            "closing": before.get((book, currency), 0) + moved.get((book, currency), 0),
        }
        for book, currency in sorted(before.keys() | moved.keys())
    ]


def _place(entry: Entry) -> tuple[str, ...]:
    day = entry.day.isoformat()
    return day, str(entry.kind), entry.id, entry.account, entry.currency


def by_place(adjustment: Adjustment) -> tuple[str, ...]:
    """Return what adjustments are put in order by: month, day, kind, object."""
    entry = adjustment.now or adjustment.was
    return (adjustment.month, *(() if entry is None else _place(entry)))
