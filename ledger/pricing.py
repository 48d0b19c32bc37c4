"""What a quantity costs: per unit, in packages, or in tiers.

    per unit         3 of 8.25                       24.75
    packages of 5    12, rounded up                  3 packages
    graduated        5 included for 99.00, then 15   8 cost 99.00 + 3 x 15
    volume           1 to 5 cost 7.00, more 6.50     6 cost 6 x 6.50

Amounts are exact minor units; they are rounded once, half up, over all parts together.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

import attrs

from ledger.money import half_up


class NoPriceError(ValueError):
    """A quantity has no price here: it is negative, or the tiers do not reach so far."""


class Mode(enum.StrEnum):
    """How tiers count."""

    GRADUATED = "graduated"
    VOLUME = "volume"


@attrs.frozen(kw_only=True)
class Tier:
    """A tier, up to and with *up_to* units; None is the last, without end."""

    up_to: int | None
    unit: Decimal = Decimal()
    flat: Decimal = Decimal()


@attrs.frozen(kw_only=True)
class Tariff:
    """How a price is made; by *tiers* if there are any, else by *unit*.

    Attributes:
        divide_by: Units that are sold as one.
        round_up: Whether a package that was begun counts whole; else not at all.
    """

    unit: Decimal = Decimal()
    tiers: tuple[Tier, ...] = ()
    mode: Mode = Mode.GRADUATED
    divide_by: int = 1
    round_up: bool = False


@attrs.frozen(kw_only=True)
class Part:
    """A part of what a quantity costs: *quantity* x *unit* + *flat*."""

    quantity: int
    unit: Decimal
    flat: Decimal = Decimal()

    @property
    def exact(self) -> Fraction:
        """What it costs, before it is rounded."""
        return self.quantity * Fraction(self.unit) + Fraction(self.flat)


def parts(tariff: Tariff, quantity: int) -> tuple[Part, ...]:
    """Return what makes up the price of *quantity*.

    Raises:
        NoPriceError: It has none.
    """
    if quantity < 0:
        raise NoPriceError("a negative quantity has no price")
    if not tariff.tiers:
        return (Part(quantity=_packages(tariff, quantity), unit=tariff.unit),)
    return tuple(_TIERED[tariff.mode](tariff.tiers, quantity))


def exact_price(tariff: Tariff, quantity: int) -> Fraction:
    """Return what *quantity* costs, before it is rounded; errors as `parts`."""
    return sum((part.exact for part in parts(tariff, quantity)), Fraction())


def price(tariff: Tariff, quantity: int) -> int:
    """Return what *quantity* costs, its parts rounded half up together."""
    return half_up(exact_price(tariff, quantity))


def _packages(tariff: Tariff, quantity: int) -> int:
    whole, begun = divmod(quantity, tariff.divide_by)
    return whole + (1 if begun and tariff.round_up else 0)


def _graduated(tiers: Sequence[Tier], quantity: int) -> Iterator[Part]:
    """Price each unit in its tier; the first tier is reached by no unit at all, too."""
    before = 0
    for place, tier in enumerate(tiers):
        if place and quantity <= before:
            return
        upper = quantity if tier.up_to is None else min(quantity, tier.up_to)
        yield Part(quantity=max(0, upper - before), unit=tier.unit, flat=tier.flat)
        before = upper if tier.up_to is None else tier.up_to
    if quantity > before:
        raise NoPriceError("the tiers end before this quantity")


def _volume(tiers: Sequence[Tier], quantity: int) -> Iterator[Part]:
    """Price all units by the tier that the quantity reaches."""
    for tier in tiers:
        if tier.up_to is None or quantity <= tier.up_to:
            yield Part(quantity=quantity, unit=tier.unit, flat=tier.flat)
            return
    raise NoPriceError("the tiers end before this quantity")


_TIERED: Final = {Mode.GRADUATED: _graduated, Mode.VOLUME: _volume}
