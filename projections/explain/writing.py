"""Values and arithmetic of an explanation as somebody from finance writes them.

99.00 + 16.00 - 23.00 = 92.00            a sum
2 x 8.00 = 16.00                         a product
-20 % of 115.00 = -23.00                 a coupon
1 Apr 2026 01:00:00 + 7 x 86,400 s       a boundary
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from fractions import Fraction
from typing import Final

import attrs

from ledger.money import decimal_text, exponent
from projections.explain.tree import Node, Operation, Unit, Value

SUMMANDS_MAX: Final = 12
_THOUSAND: Final = 1000
_SHOWN: Final = 1_000_000
_FOLDED: Final = frozenset({Operation.PRODUCT, Operation.EXCESS})


@attrs.frozen(kw_only=True)
class Writing:
    """How values are written; only characters of ASCII where *plain*."""

    currency: str | None = None
    zone: tzinfo = UTC
    plain: bool = False

    @property
    def minus(self) -> str:
        """The sign of a negative number."""
        return "-" if self.plain else "\N{MINUS SIGN}"

    @property
    def dots(self) -> str:
        """What stands for what is left out."""
        return "..." if self.plain else "\N{HORIZONTAL ELLIPSIS}"

    @property
    def dash(self) -> str:
        """What stands between two days."""
        return "-" if self.plain else "\N{EN DASH}"

    @property
    def times(self) -> str:
        """The sign of a product."""
        return "x" if self.plain else "\N{MULTIPLICATION SIGN}"

    def value(self, node: Node) -> str:
        """Write the value of *node*; nothing where it has none."""
        return self.written(node.value, node.unit)

    def written(self, value: Value, unit: Unit) -> str:
        """Write *value*, which counts *unit*."""
        if value is None:
            return ""
        if isinstance(value, datetime):
            local = value.astimezone(self.zone)
            return f"{local.day} {local:%b %Y %H:%M:%S}"
        if isinstance(value, str):
            return value
        size = abs(Fraction(value))
        sign = self.minus if value < 0 else "+" if unit is Unit.SEAT_CHANGE else ""
        return sign + (self._money(size) if unit is Unit.MONEY else _number(size))

    def arithmetic(self, node: Node) -> str | None:
        """Write how *node* comes from its operands; None for what is no arithmetic."""
        formula = self.formula(node)
        return None if formula is None else f"{formula} = {self.value(node)}"

    def drawn(self, node: Node) -> Iterator[Node]:
        """Yield what is to be shown below *node*: not what its formula says already."""
        has_formula = self.formula(node) is not None
        for child in node.children:
            if child.operand and has_formula and _is_said(child):
                yield from self.drawn(child)
            else:
                yield child

    def formula(self, node: Node) -> str | None:
        """Write the operands of *node* with their signs between; None for a leaf."""
        if node.operation is None:
            return None
        write = _FORMULAS.get(node.operation)
        return None if write is None else write(self, node.operands)

    def _money(self, minor: Fraction) -> str:
        places = exponent(self.currency or "")
        major = minor / 10**places
        text, dots = decimal_text(major), ""
        if text is None:
            # Its digits never end; what is added up is exact all the same.
            cut = Fraction(int(major * _SHOWN), _SHOWN)
            text, dots = decimal_text(cut) or "", self.dots
        whole, _, part = text.partition(".")
        digits = part.ljust(places, "0") + dots
        return f"{int(whole):,}.{digits}" if digits else f"{int(whole):,}"


def _number(value: Fraction) -> str:
    if value.denominator == 1:
        return f"{value.numerator:,}"
    exact = decimal_text(value)
    if exact is not None and value.denominator < _THOUSAND:
        return exact
    return f"{value.numerator:,}/{value.denominator:,}"


def _is_said(node: Node) -> bool:
    """Tell whether its parent's formula says all of *node*: it is but a number."""
    return (node.operation is None or node.operation in _FOLDED) and not any(
        (node.source, node.at, node.by, node.evidence, node.detail)
    )


def _sum(writing: Writing, parts: Sequence[Node]) -> str:
    """Write a sum, its signs between its parts; of many parts only how many."""
    if len(parts) > SUMMANDS_MAX:
        return f"{len(parts)} parts"
    text = ""
    for place, part in enumerate(parts):
        is_minus = isinstance(part.value, int | Fraction) and part.value < 0
        shown = writing.value(part).removeprefix("+")
        if place and is_minus:
            text += f" {writing.minus} {shown.removeprefix(writing.minus)}"
        else:
            text += f" + {shown}" if place else shown
    return text or "0"


def _rounded(writing: Writing, parts: Sequence[Node]) -> str:
    """Write a price: of one part how it is reckoned, of several their sum."""
    if len(parts) == 1:
        only = writing.formula(parts[0])
        return writing.value(parts[0]) if only is None else only
    return _sum(writing, parts)


def _difference(writing: Writing, parts: Sequence[Node]) -> str:
    whole, part = parts
    included = " included" if part.label == "included" else ""
    return f"{writing.value(whole)} {writing.minus} {writing.value(part)}{included}"


def _product(writing: Writing, parts: Sequence[Node]) -> str:
    return f" {writing.times} ".join(_factor(writing, each) for each in parts)


def _factor(writing: Writing, node: Node) -> str:
    if node.operation not in _FOLDED:
        return writing.value(node)
    return writing.arithmetic(node) or writing.value(node)


def _percent_on(writing: Writing, parts: Sequence[Node]) -> str:
    percent, base = parts
    return f"{writing.value(percent)} % of {writing.value(base)}"


def _percent_off(writing: Writing, parts: Sequence[Node]) -> str:
    return f"{writing.minus}{_percent_on(writing, parts)}"


def _amount_off(writing: Writing, parts: Sequence[Node]) -> str:
    amount, base = parts
    return f"{writing.minus}{writing.value(amount)}, at most {writing.value(base)}"


def _highest(writing: Writing, parts: Sequence[Node]) -> str:
    first, *changes = parts
    if len(parts) > SUMMANDS_MAX:
        return f"the highest of {writing.value(first)} and {len(changes)} changes"
    if not changes:
        return writing.value(first)
    return f"the highest of {_sum(writing, parts)}, step by step"


def _days_after(writing: Writing, parts: Sequence[Node]) -> str:
    start, days = parts
    return f"{writing.value(start)} + {writing.value(days)} {writing.times} 86,400 s"


_FORMULAS: Final[Mapping[Operation, Callable[[Writing, Sequence[Node]], str]]] = {
    Operation.SUM: _sum,
    Operation.DIFFERENCE: _difference,
    Operation.EXCESS: _difference,
    Operation.PRODUCT: _product,
    Operation.ROUNDED: _rounded,
    Operation.PERCENT_ON: _percent_on,
    Operation.PERCENT_OFF: _percent_off,
    Operation.AMOUNT_OFF: _amount_off,
    Operation.HIGHEST: _highest,
    Operation.DAYS_AFTER: _days_after,
}
