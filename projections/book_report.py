"""The movements of all customers, as the read API and the command line ask for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

import attrs

from ledger.book_months import BookMonth, BookMonthError, months_between
from projections.accounting.movements import CELLS, Cell, Moved, Movements, Row, Span
from projections.accounting.recurring import Recurring, recurring
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


class Adding:
    """The figures of some customers, added up as they come."""

    def __init__(self, asked: Asked) -> None:
        self.accounts = 0
        self._asked = asked
        self._figures = Movements(asked.months)
        self._parts: list[Moved] = []
        self._unpriced: set[str] = set()

    def add(self, account: str, told: Recurring) -> None:
        """Add what recurs of *account*."""
        found = self._figures.add(account, told)
        if self._asked.cell is not None:
            self._parts += (each for each in found if self._asked.wants(each))
        self._unpriced |= told.unpriced
        self.accounts += 1

    def told(self) -> Told:
        """Return what all of them come to.

        Raises:
            UnbalancedError: The figures do not add up.
        """
        return Told(
            rows=self._figures.rows(),
            parts=sorted(
                self._parts, key=lambda each: (each.currency, each.at, each.account)
            ),
            unpriced=sorted(self._unpriced),
            accounts=self.accounts,
        )


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
    total, adding = await counted(reader, PARTS[0]), Adding(asked)
    async for account in everyone(reader, PARTS):
        adding.add(account.linked.account, recurring(account, now))
        tick(adding.accounts, total)
    return adding.told()


def rendered(row: Row) -> dict[str, Any]:
    """Return *row* as JSON has it."""
    return {
        "month": row.month,
        "currency": row.currency,
        **{str(cell): row.amounts[cell] for cell in CELLS},
        "accounts": {str(cell): row.accounts[cell] for cell in CELLS},
    }
