"""Which part of a total a line is: base, seats or other, as the terms tell.

Of an item that is both, as a tiered price is, the first tier's flat amount is base and
the rest is seats.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import attrs

from ledger.money import rounded
from projections.lines import Line
from projections.marks import Mark
from projections.terms import Terms
from projections.totals.period_lines import Kind
from projections.wares import Price


@attrs.frozen(kw_only=True)
class Roles:
    """What the items of a subscription are in one period.

    Attributes:
        mark: What was sold when it began.
        tiered: The price of the item that is base and seats at once; None without one.
    """

    terms: Terms
    mark: Mark
    tiered: Price | None = None

    def kind(self, item: str | None, price: str | None) -> Kind:
        """Return what a line of *item*, or else of *price*, is."""
        if item is None:
            sold = [each.item for each in self.mark.sold if each.price == price]
            item = sold[0] if price is not None and sold else None
        if item is not None and item == self.terms.seat:
            return Kind.SEAT
        if item is not None and item == self.terms.base:
            return Kind.BASE
        return Kind.OTHER

    def split(self, line: Line, *, first: bool) -> Iterator[tuple[Kind, int]]:
        """Yield what *line* is, or each of both with its amount.

        Args:
            first: Whether it is the first of its item and span: there the base stands.
        """
        kind = self.kind(line.item, line.price)
        if line.invoice_item is not None and line.item is None:
            kind = Kind.OTHER
        both = self.terms.base is not None and self.terms.base == self.terms.seat
        if not both or kind is not Kind.SEAT or line.proration or line.amount < 0:
            yield kind, line.amount
            return
        base = min(line.amount, self.flat(line.amount)) if first else 0
        if base:
            yield Kind.BASE, base
        if line.amount > base or not base:
            yield Kind.SEAT, line.amount - base

    def flat(self, unknown: int = 0) -> int:
        """Return the base within a tiered price; *unknown* where its tiers are."""
        if self.tiered is None or not self.tiered.tiers:
            return unknown
        flat = Decimal(self.tiered.tiers[0].flat_amount or 0)
        return rounded(flat, self.tiered.currency or "")
