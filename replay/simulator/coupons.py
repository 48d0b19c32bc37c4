"""Coupons, the discounts they give, and what these take off the lines of an invoice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

import attrs

from replay.simulator.lines import Line
from replay.simulator.money import rounded, shares
from replay.simulator.renewals import months_after

_WHOLE: Final = 100


class Duration(StrEnum):
    """For how long a coupon takes something off."""

    ONCE = "once"
    REPEATING = "repeating"
    FOREVER = "forever"


@attrs.define(kw_only=True, eq=False)
class Coupon:
    """What is taken off: a share of the amount, or a fixed amount of one currency.

    Attributes:
        percent_off: Of what is left on each line; None for a fixed amount.
        amount_off: Minor units of *currency*.
        months: Of a repeating one, counted from the start of its discount.
        products: It takes off these only; empty for all.
        redeem_by: From then on nobody may redeem it; whole seconds since 1970.
    """

    coupon_id: str
    created: int
    name: str
    duration: Duration
    percent_off: Decimal | None = None
    amount_off: int | None = None
    currency: str | None = None
    months: int | None = None
    products: frozenset[str] = frozenset()
    max_redemptions: int | None = None
    redeem_by: int | None = None
    times_redeemed: int = 0
    deleted: bool = False

    def valid(self, at: int) -> bool:
        """Tell whether somebody may redeem it."""
        spent = self.max_redemptions is not None and (
            self.times_redeemed >= self.max_redemptions
        )
        late = self.redeem_by is not None and at >= self.redeem_by
        return not (self.deleted or spent or late)

    def end(self, start: int) -> int | None:
        """Return when a discount that begins at *start* ends by itself."""
        return None if self.months is None else months_after(start, self.months)


@attrs.define(kw_only=True, eq=False)
class Code:
    """A promotion code: what a customer types to get a coupon.

    Attributes:
        customer_id: The only one who may; None for everybody.
    """

    code_id: str
    code: str
    coupon: Coupon
    created: int
    customer_id: str | None = None
    expires_at: int | None = None
    max_redemptions: int | None = None
    times_redeemed: int = 0
    active: bool = True


@attrs.define(kw_only=True, eq=False)
class Discount:
    """A coupon redeemed: on a customer, a subscription or an item of one.

    Attributes:
        item_id: Of the subscription item it is for; None where it is for all.
        end: From then on it takes nothing off; None when nobody knows yet.
        used: Whether it has taken something off.
    """

    discount_id: str
    coupon: Coupon
    customer_id: str
    start: int
    subscription_id: str | None = None
    item_id: str | None = None
    code_id: str | None = None
    end: int | None = None
    used: bool = False

    def takes(self, at: int) -> bool:
        """Tell whether an invoice made at *at* gets it."""
        spent = self.used and self.coupon.duration is Duration.ONCE
        return not spent and (self.end is None or at < self.end)


def reduced(
    lines: Sequence[Line], discounts: Iterable[Discount], currency: str
) -> tuple[Line, ...]:
    """Return *lines* with what each discount takes off them, in the order given.

    Those of an item come first, whatever their place; each one takes from what the ones
    before it have left, and never more than that.
    """
    left = [max(0, line.amount) if line.discountable else 0 for line in lines]
    taken: list[list[tuple[str, int]]] = [[] for _ in lines]
    for discount in sorted(discounts, key=lambda each: each.item_id is None):
        weights = [
            amount if _covers(discount, line) else 0
            for line, amount in zip(lines, left, strict=True)
        ]
        amount = _amount(discount.coupon, sum(weights), currency)
        parts = shares(amount, weights, currency)
        for number, (part, weight) in enumerate(zip(parts, weights, strict=True)):
            if weight or (not amount and _covers(discount, lines[number])):
                taken[number].append((discount.discount_id, part))
                left[number] -= part
    return tuple(
        attrs.evolve(line, taken=tuple(off)) if off else line
        for line, off in zip(lines, taken, strict=True)
    )


def _covers(discount: Discount, line: Line) -> bool:
    if not line.discountable:
        return False
    if discount.item_id is not None and discount.item_id != line.item_id:
        return False
    limited = discount.coupon.products
    return not limited or line.price.product_id in limited


def _amount(coupon: Coupon, whole: int, currency: str) -> int:
    """Return what *coupon* takes off *whole*: rounded half up once, not line by line."""
    if coupon.percent_off is not None:
        return rounded(Fraction(coupon.percent_off) * whole / _WHOLE, currency)
    if coupon.currency != currency:
        return 0
    return min(coupon.amount_off or 0, whole)
