"""Prices: what a unit, a tier or a flat amount costs for a month or a year, or once.

Amounts are minor units.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

import attrs

from replay.simulator.money import rounded

MONTHS_A_YEAR: Final = 12


class TiersMode(StrEnum):
    """How tiers are read.

    Attributes:
        GRADUATED: Each unit is priced in its own tier.
        VOLUME: All units are priced in the tier that the last one reaches.
    """

    GRADUATED = "graduated"
    VOLUME = "volume"


@attrs.frozen(kw_only=True)
class Tier:
    """A step of a tiered price.

    Attributes:
        up_to: Its last unit; None for the step without an end.
        flat: Due once the step is reached.
        unit: Due for each unit within it.
    """

    up_to: int | None
    flat: int
    unit: int


@attrs.frozen(kw_only=True)
class Packs:
    """Units sold by the pack: the quantity is divided before it is priced."""

    divide_by: int
    round: str = "up"

    def packs(self, quantity: int) -> int:
        """Return how many packs so many units are."""
        started = self.divide_by - 1 if self.round == "up" else 0
        return (quantity + started) // self.divide_by


@attrs.frozen(kw_only=True)
class Charged:
    """Units at one amount each, and what they come to with the flat part."""

    quantity: int
    unit_amount: int | Decimal
    amount: int


# Compared by identity: a renderer keeps what it made of each.
@attrs.frozen(kw_only=True, eq=False)
class Price:
    """A price, of a month or a year, or to be paid once.

    Attributes:
        unit_amount: For one unit and interval; None where tiers or a decimal say it.
        unit_decimal: Where the unit costs a part of a minor unit.
        created: Whole seconds since 1970.
        metadata: Terms the ledger reads; empty where it must infer them.
        months: The interval, 1 or 12; 0 for a thing sold once.
        tiers: Empty for a price per unit.
        packs: What the quantity is divided by; None when it is not.
    """

    price_id: str
    product_id: str
    nickname: str | None
    unit_amount: int | None
    currency: str
    created: int
    metadata: dict[str, str]
    months: int = 1
    tiers: tuple[Tier, ...] = ()
    tiers_mode: TiersMode = TiersMode.GRADUATED
    unit_decimal: Decimal | None = None
    packs: Packs | None = None
    active: bool = True

    @property
    def interval(self) -> str:
        """Stripe's word for the interval."""
        return "year" if self.months == MONTHS_A_YEAR else "month"

    def charged(self, quantity: int) -> Iterator[Charged]:
        """Yield what *quantity* units cost: one part, or one for each tier reached."""
        unit = self.unit_amount if self.unit_decimal is None else self.unit_decimal
        if unit is not None:
            units = quantity if self.packs is None else self.packs.packs(quantity)
            amount = rounded(Fraction(unit) * units, self.currency)
            yield Charged(quantity=quantity, unit_amount=unit, amount=amount)
        elif self.tiers_mode is TiersMode.VOLUME:
            yield self._by_volume(quantity)
        else:
            yield from self._by_steps(quantity)

    def _by_volume(self, quantity: int) -> Charged:
        tier = next(
            each for each in self.tiers if each.up_to is None or quantity <= each.up_to
        )
        amount = tier.flat + tier.unit * quantity
        return Charged(quantity=quantity, unit_amount=tier.unit, amount=amount)

    def _by_steps(self, quantity: int) -> Iterator[Charged]:
        before = 0
        for number, tier in enumerate(self.tiers):
            last = quantity if tier.up_to is None else min(quantity, tier.up_to)
            # The first tier is always reached: its flat amount is due for no unit, too.
            if last > before or number == 0:
                units = last - before
                amount = tier.flat + tier.unit * units
                yield Charged(quantity=units, unit_amount=tier.unit, amount=amount)
            before = max(before, last)
