"""What coupons take off: in order, each on what the ones before have left.

    17400, 8700      10 % on the second item, then 10 % on all
                     0, 870          then 1740, 783

Item-level coupons come first, then those of the subscription or the invoice, in their
order. Nothing goes below zero, and what a fixed amount could not take is not carried
over. What one takes is rounded once, half up, over all it applies to, and shared among
the lines by largest remainder, so that the shares add up.

Source: the SDK's docstrings of Discount and Coupon; how Stripe itself shares a fixed
amount among several lines was seen in no recording.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

import attrs

from ledger.money import rounded, shares, step
from ledger.months import months_after

_HUNDRED: Final = 100


class Duration(enum.StrEnum):
    """For how long a coupon works."""

    ONCE = "once"
    REPEATING = "repeating"
    FOREVER = "forever"


@attrs.frozen(kw_only=True)
class Reduction:
    """What a coupon takes off: *percent*, or an amount of each currency.

    Attributes:
        products: Those that it is limited to; None is all.
        item: The subscription item that it is on; None is the whole.
    """

    percent: Decimal | None = None
    amounts: Mapping[str, int] = attrs.Factory(dict)
    products: frozenset[str] | None = None
    item: str | None = None


@attrs.frozen(kw_only=True)
class Base:
    """A line that coupons may work on."""

    amount: int
    product: str | None = None
    item: str | None = None
    discountable: bool = True


@attrs.frozen(kw_only=True)
class Taken:
    """What one coupon took off.

    Attributes:
        base: What it was taken of: all that was left of the lines it applies to.
        shares: For each line, in their order; none is negative.
    """

    base: int
    shares: tuple[int, ...]

    @property
    def amount(self) -> int:
        """All of it."""
        return sum(self.shares)


def ends_at(
    duration: str | None, months: int | None, start: datetime | None
) -> datetime | None:
    """Return when a coupon that began at *start* stops; None if no date stops it.

    Months run from *start*, during a pause as well, and count exactly: three of them
    from 31 January end on 30 April, and what is invoiced at that instant is not reduced.
    """
    if duration != Duration.REPEATING or months is None or start is None:
        return None
    try:
        return months_after(start, months)
    except (OverflowError, ValueError):
        return None


def take(
    bases: Sequence[Base], reductions: Sequence[Reduction], currency: str
) -> tuple[Taken | None, ...]:
    """Return what each of *reductions* takes off *bases*, in their order.

    Those of an item are taken first. None stands for one that has no amount in
    *currency*: it is passed over.
    """
    left = [each.amount for each in bases]
    found: dict[int, Taken | None] = {}
    order = sorted(range(len(reductions)), key=lambda at: reductions[at].item is None)
    for at in order:
        found[at] = taken = _one(bases, left, reductions[at], currency)
        if taken is not None:
            left = [
                before - share for before, share in zip(left, taken.shares, strict=True)
            ]
    return tuple(found[at] for at in range(len(reductions)))


def _one(
    bases: Sequence[Base], left: Sequence[int], reduction: Reduction, currency: str
) -> Taken | None:
    weights = [
        max(0, rest) if _applies(reduction, each) else 0
        for each, rest in zip(bases, left, strict=True)
    ]
    base = sum(weights)
    if reduction.percent is not None:
        part = Fraction(base) * Fraction(reduction.percent) / _HUNDRED
        wanted = rounded(part, currency)
    elif currency in reduction.amounts:
        wanted = reduction.amounts[currency]
    else:
        return None
    amount = max(0, min(wanted, base))
    return Taken(base=base, shares=shares(amount, weights, step(currency)))


def _applies(reduction: Reduction, base: Base) -> bool:
    return (
        base.discountable
        and (reduction.item is None or reduction.item == base.item)
        and (reduction.products is None or base.product in reduction.products)
    )
