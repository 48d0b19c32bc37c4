"""The movements of all customers, as the read API and the command line ask for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

import attrs

from ledger.book_months import BookMonth, BookMonthError, months_between
from projections.accounting.movements import CELLS, Cell, Moved, Movements, Row, Span
from projections.accounting.recurring import recurring
from projections.everyone import counted, everyone
from projections.models.customers import CUSTOMERS
from projections.models.discounts import DISCOUNTS
from projections.models.invoices import INVOICES
from projections.models.subscriptions import SUBSCRIPTIONS
from projections.reading import Reader

PARTS: Final = (CUSTOMERS, SUBSCRIPTIONS, INVOICES, DISCOUNTS)
MONTHS_MAX: Final = 240


@attrs.frozen(kw_only=True)
class Asked:
    """Which months, and the cell to take apart, if any.

    Attributes:
        currency: Of the cell; None takes every currency.
    """

    months: Sequence[Span]
    month: str | None = None
    cell: Cell | None = None
    currency: str | None = None

    def wants(self, part: Moved) -> bool:
        """Tell whether *part* is of the cell."""
        return (part.month, part.cell) == (self.month, self.cell) and (
            self.currency is None or self.currency == part.currency
        )


@attrs.frozen(kw_only=True)
class Told:
    """The rows, what the cell is made of, and what has no known price."""

    rows: Sequence[Row]
    parts: Sequence[Moved]
    unpriced: Sequence[str]
    accounts: int


def spans(first: BookMonth, last: BookMonth, zone: tzinfo, now: datetime) -> list[Span]:
    """Return the months from *first* to *last* that have begun by *now*.

    Raises:
        BookMonthError: They are the wrong way round, or too many.
    """
    if last < first:
        raise BookMonthError(f"{last} is before {first}; give the first month first")
    if (last.year - first.year) * 12 + last.number - first.number >= MONTHS_MAX:
        raise BookMonthError(f"more than {MONTHS_MAX} months; ask for fewer")
    return [
        Span(name=str(month), start=month.start(zone), end=month.end(zone))
        for month in months_between(first, last)
        if month.start(zone) <= now
    ]


async def movements(
    reader: Reader,
    asked: Asked,
    now: datetime,
    tick: Callable[[int, int], None] = lambda _done, _total: None,
) -> Told:
    """Return how the revenue of all customers moved in the months of *asked*.

    Raises:
        UnavailableError: The database is away, or there are no read models yet.
        UnbalancedError: The figures do not add up.
    """
    total = await counted(reader, PARTS[0])
    figures, parts, unpriced, done = Movements(asked.months), list[Moved](), set[str](), 0
    async for account in everyone(reader, PARTS):
        told = recurring(account, now)
        found = figures.add(account.linked.account, told)
        parts += (each for each in found if asked.cell is not None and asked.wants(each))
        unpriced |= told.unpriced
        done += 1
        tick(done, total)
    parts.sort(key=lambda each: (each.currency, each.at, each.account))
    return Told(rows=figures.rows(), parts=parts, unpriced=sorted(unpriced), accounts=done)


def rendered(row: Row) -> dict[str, Any]:
    """Return *row* as JSON has it."""
    return {
        "month": row.month,
        "currency": row.currency,
        **{str(cell): row.amounts[cell] for cell in CELLS},
        "accounts": {str(cell): row.accounts[cell] for cell in CELLS},
    }
