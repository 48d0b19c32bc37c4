"""Prices: what a unit, a tier or a flat amount costs for a month or a year.

Amounts are minor units.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

MONTHS_A_YEAR: Final = 12


@attrs.frozen(kw_only=True)
class Tier:
    """A step of a graduated price.

    Attributes:
        up_to: Its last unit; None for the step without an end.
        flat: Due once the step is reached.
        unit: Due for each unit within it.
    """

    up_to: int | None
    flat: int
    unit: int


@attrs.frozen(kw_only=True)
class Charged:
    """Units at one amount each, and what they come to with the flat part."""

    quantity: int
    unit_amount: int
    amount: int


# Compared by identity: a renderer keeps what it made of each.
@attrs.frozen(kw_only=True, eq=False)
class Price:
    """A recurring price.

    Attributes:
        unit_amount: For one unit and interval; None where tiers say it.
        created: Whole seconds since 1970.
        metadata: Terms the ledger reads; empty where it must infer them.
        months: The interval, 1 or 12.
        tiers: Graduated; empty for a price per unit.
    """

    price_id: str
    product_id: str
    nickname: str
    unit_amount: int | None
    currency: str
    created: int
    metadata: dict[str, str]
    months: int = 1
    tiers: tuple[Tier, ...] = ()
    active: bool = True

    @property
    def interval(self) -> str:
        """Stripe's word for the interval."""
        return "year" if self.months == MONTHS_A_YEAR else "month"

    def charged(self, quantity: int) -> Iterator[Charged]:
        """Yield what *quantity* units cost: one part, or one for each tier reached."""
        if self.unit_amount is not None:
            amount = self.unit_amount * quantity
            yield Charged(quantity=quantity, unit_amount=self.unit_amount, amount=amount)
            return
        before = 0
        for number, tier in enumerate(self.tiers):
            last = quantity if tier.up_to is None else min(quantity, tier.up_to)
            # The first tier is always reached: its flat amount is due for no unit, too.
            if last > before or number == 0:
                units = last - before
                amount = tier.flat + tier.unit * units
                yield Charged(quantity=units, unit_amount=tier.unit, amount=amount)
            before = max(before, last)
