"""How recurring revenue moves from month to month: what it was, what came, what went.

    2026-05  USD   opening 104,300   new 9,900   expansion 1,600   reactivation 0
                   contraction -800   churn -4,900   closing 110,100

Every step of every account is a movement of the month it falls in. Opening and closing are
read off the accounts themselves, so that opening + movements = closing is a check.
"""

from __future__ import annotations

import enum
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import attrs

from ledger.errors import LedgerError
from projections.accounting.recurring import Recurring, Step


class UnbalancedError(LedgerError):
    """Figures that must add up do not; report it, and trust none of them."""


class Movement(enum.StrEnum):
    """Why recurring revenue changes."""

    NEW = "new"
    EXPANSION = "expansion"
    REACTIVATION = "reactivation"
    CONTRACTION = "contraction"
    CHURN = "churn"


class Edge(enum.StrEnum):
    """What a month begins and ends with."""

    OPENING = "opening"
    CLOSING = "closing"


Cell = Movement | Edge
CELLS: Final[tuple[Cell, ...]] = (Edge.OPENING, *Movement, Edge.CLOSING)


@attrs.frozen(kw_only=True)
class Span:
    """A month by its name, [start, end)."""

    name: str
    start: datetime
    end: datetime


@attrs.frozen(kw_only=True)
class Moved:
    """One account's part of a cell; *amount* is what it adds to it.

    Attributes:
        at: When it moved; of an edge, the edge.
        before: What the account was worth before the step, and *after* it.
    """

    month: str
    currency: str
    cell: Cell
    account: str
    at: datetime
    amount: int
    before: int
    after: int
    subscriptions: tuple[str, ...] = ()
    evidence: tuple[int, ...] = ()


@attrs.frozen(kw_only=True)
class Row:
    """A month of one currency, minor units; *accounts* counts those behind each cell."""

    month: str
    currency: str
    amounts: dict[Cell, int]
    accounts: dict[Cell, int]


def movement(step: Step, *, ever: bool) -> Movement:
    """Return what *step* is; *ever* tells whether the account was worth anything before."""
    if step.before == 0:
        return Movement.REACTIVATION if ever else Movement.NEW
    if step.after == 0:
        return Movement.CHURN
    return Movement.EXPANSION if step.after > step.before else Movement.CONTRACTION


def moved(account: str, told: Recurring, months: Sequence[Span]) -> Iterator[Moved]:
    """Yield the parts that *account* has in the cells of *months*.

    Args:
        months: In order, one after the other.
    """
    starts = [month.start for month in months]
    ever = False
    for step in told.steps:
        if not months or step.at >= months[-1].end:
            break
        place = bisect_right(starts, step.at) - 1
        if place >= 0:
            yield _moved(account, step, months[place].name, movement(step, ever=ever))
        ever = True
    for month in months:
        yield from _edges(account, told.steps, month, Edge.OPENING)
        yield from _edges(account, told.steps, month, Edge.CLOSING)


def _edges(account: str, steps: Sequence[Step], month: Span, edge: Edge) -> Iterator[Moved]:
    at = month.start if edge is Edge.OPENING else month.end
    for step in {step.currency: step for step in steps if step.at < at}.values():
        if step.after:
            part = _moved(account, step, month.name, edge)
            yield attrs.evolve(part, at=at, amount=step.after)


def _moved(account: str, step: Step, month: str, cell: Cell) -> Moved:
    return Moved(
        month=month,
        currency=step.currency,
        cell=cell,
        account=account,
        at=step.at,
        amount=step.after - step.before,
        before=step.before,
        after=step.after,
        subscriptions=step.subscriptions,
        evidence=step.evidence,
    )


@attrs.define
class Movements:
    """Adds up what accounts have in each cell; flat in the number of accounts."""

    months: Sequence[Span]
    _amounts: defaultdict[tuple[str, str, Cell], int] = attrs.field(
        factory=lambda: defaultdict(int), init=False
    )
    _accounts: defaultdict[tuple[str, str, Cell], int] = attrs.field(
        factory=lambda: defaultdict(int), init=False
    )

    def add(self, account: str, told: Recurring) -> list[Moved]:
        """Add the steps of *account*; return its parts."""
        parts = list(moved(account, told, self.months))
        for each in parts:
            self._amounts[each.month, each.currency, each.cell] += each.amount
        for key in {(each.month, each.currency, each.cell) for each in parts}:
            self._accounts[key] += 1
        return parts

    def rows(self) -> list[Row]:
        """Return a row for each month and currency that has anything, re-added.

        Raises:
            UnbalancedError: One does not add up, or begins with other than the one before
                ended with.
        """
        found = []
        for currency in sorted({key[1] for key in self._amounts}):
            carried: int | None = None
            for month in self.months:
                row = self._row(month.name, currency)
                check(row, carried)
                carried = row.amounts[Edge.CLOSING]
                if any(row.accounts.values()):
                    found.append(row)
        names = [month.name for month in self.months]
        return sorted(found, key=lambda row: (names.index(row.month), row.currency))

    def _row(self, month: str, currency: str) -> Row:
        return Row(
            month=month,
            currency=currency,
            amounts={cell: self._amounts[month, currency, cell] for cell in CELLS},
            accounts={cell: self._accounts[month, currency, cell] for cell in CELLS},
        )


def check(row: Row, carried: int | None) -> None:
    """Add *row* up once more; *carried* is what the month before ended with.

    Raises:
        UnbalancedError: It does not come to its closing, or does not go on from there.
    """
    opening, closing = row.amounts[Edge.OPENING], row.amounts[Edge.CLOSING]
    if opening + sum(row.amounts[kind] for kind in Movement) != closing:
        raise UnbalancedError(f"{row.month} {row.currency} does not come to its closing")
    if carried is not None and carried != opening:
        raise UnbalancedError(f"{row.month} {row.currency} opens with another figure")
