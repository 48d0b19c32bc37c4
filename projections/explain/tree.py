"""A figure as a tree of arithmetic, which anybody can add up again.

Total  92.00                       sum of
  Base plan  99.00                   leaf: invoice, #41,007
  Extra seats  16.00                 2 x 8.00
  Coupon  -23.00                     -20 % of 115.00

Each node with an operation is what the operation makes of those of its children that
count; a leaf is what an event says. Amounts are minor units.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from itertools import accumulate
from typing import Final

import attrs

from ledger.money import to_step
from projections.dunning.timelines import DAY
from projections.status import access

Exact = int | Fraction
Value = Exact | str | datetime | None
"""A number, exact; a status or the like; a time."""


class Figure(enum.StrEnum):
    """What can be explained."""

    TOTAL = "total"
    STATUS = "status"
    SEATS = "seats"
    DUNNING = "dunning"


class Unit(enum.StrEnum):
    """What a node's value counts."""

    MONEY = "money"
    SEATS = "seats"
    SEAT_CHANGE = "seat_change"
    NUMBER = "number"
    PERCENT = "percent"
    DAYS = "days"
    TIME = "time"
    WORD = "word"


class Operation(enum.StrEnum):
    """How a node's value comes from its children; those that round do so half up."""

    SAME = "same"
    SUM = "sum"
    DIFFERENCE = "difference"
    EXCESS = "excess"
    PRODUCT = "product"
    ROUNDED = "rounded"
    PERCENT_ON = "percent_on"
    PERCENT_OFF = "percent_off"
    AMOUNT_OFF = "amount_off"
    HIGHEST = "highest"
    BEST = "best"
    STRICTEST = "strictest"
    LAST = "last"
    EARLIEST = "earliest"
    DAYS_AFTER = "days_after"


@attrs.frozen(kw_only=True)
class Node:
    """A part of an explanation.

    Attributes:
        operation: What makes *value* of the operands; None for a leaf.
        operand: Whether it counts for its parent's operation, or only tells.
        detail: What else there is to say, in words.
        source: Of an amount: ``invoice``, ``draft``, ``pending`` or ``estimate``.
        at: When it happened, or since when it is so.
        until: When it ends, if that is known.
        by: Whose doing it was.
        step: What a rounded value is a multiple of.
        evidence: Positions of the events that say so.
    """

    label: str
    value: Value = None
    unit: Unit = Unit.WORD
    operation: Operation | None = None
    children: tuple[Node, ...] = ()
    operand: bool = True
    detail: str | None = None
    source: str | None = None
    at: datetime | None = None
    until: datetime | None = None
    by: str | None = None
    step: int = 1
    evidence: tuple[int, ...] = ()

    @property
    def operands(self) -> Sequence[Node]:
        """The children that its value is made of."""
        return [each for each in self.children if each.operand]


@attrs.frozen(kw_only=True)
class Explanation:
    """Why a figure of *account* is what it is.

    Attributes:
        currency: Of the amounts; None where there are none.
        period: [start, end) of a total.
        beside: What stands beside the figure and is no part of it.
    """

    account: str
    figure: Figure
    title: str
    root: Node
    currency: str | None = None
    period: tuple[datetime, datetime] | None = None
    beside: tuple[Node, ...] = ()

    @property
    def evidence(self) -> Sequence[int]:
        """Every position that it rests on, in order."""
        trees = (self.root, *self.beside)
        return sorted({at for tree in trees for one in nodes(tree) for at in one.evidence})


def nodes(tree: Node) -> Iterator[Node]:
    """Yield *tree* and all that is below it, from above."""
    yield tree
    for child in tree.children:
        yield from nodes(child)


def wrong(told: Explanation) -> Iterator[Node]:
    """Yield each node that is not what its children make: none, unless our code errs."""
    for tree in (told.root, *told.beside):
        yield from (one for one in nodes(tree) if not adds_up(one))


def adds_up(node: Node) -> bool:
    """Tell whether *node* is what its operation makes of its operands."""
    if node.operation is None:
        return True
    values = [each.value for each in node.operands]
    try:
        made = _MAKES[node.operation](node, *values)
    except (TypeError, ValueError, IndexError):
        return False
    return made == node.value


def _same(_node: Node, only: object) -> object:
    return only


def _sum(_node: Node, *parts: Exact) -> Exact:
    return sum(parts)


def _difference(_node: Node, whole: Exact, part: Exact) -> Exact:
    return whole - part


def _excess(_node: Node, whole: int, part: int) -> int:
    return max(0, whole - part)


def _product(_node: Node, one: Exact, other: Exact) -> Exact:
    return one * other


def _rounded(node: Node, *parts: Exact) -> int:
    return to_step(sum(parts), node.step)


def _percent_on(node: Node, percent: Fraction, base: int) -> int:
    return to_step(Fraction(base) * percent / 100, node.step)


def _percent_off(node: Node, percent: Fraction, base: int) -> int:
    return -max(0, min(_percent_on(node, percent, base), base))


def _amount_off(_node: Node, amount: int, base: int) -> int:
    return -max(0, min(amount, base))


def _highest(_node: Node, first: int, *changes: int) -> int:
    """Return the most that a number was: the first, and what each change made of it."""
    return max(0, *accumulate((first, *changes)))


def _best(_node: Node, *statuses: str) -> str:
    return min(statuses, key=access.rank)


def _strictest(_node: Node, *levels: str) -> str:
    return max(map(access.Level, levels), key=list(access.Level).index)


def _last(_node: Node, *stages: str) -> str:
    return stages[-1]


def _earliest(_node: Node, *moments: datetime) -> datetime:
    return min(moments)


def _days_after(_node: Node, start: datetime, days: int) -> datetime:
    return start + days * DAY


_MAKES: Final[Mapping[Operation, Callable[..., object]]] = {
    Operation.SAME: _same,
    Operation.SUM: _sum,
    Operation.DIFFERENCE: _difference,
    Operation.EXCESS: _excess,
    Operation.PRODUCT: _product,
    Operation.ROUNDED: _rounded,
    Operation.PERCENT_ON: _percent_on,
    Operation.PERCENT_OFF: _percent_off,
    Operation.AMOUNT_OFF: _amount_off,
    Operation.HIGHEST: _highest,
    Operation.BEST: _best,
    Operation.STRICTEST: _strictest,
    Operation.LAST: _last,
    Operation.EARLIEST: _earliest,
    Operation.DAYS_AFTER: _days_after,
}
