"""Stripe's coupons and promotion codes, in every shape from 2020-08-27 on.

promotion_code.promotion.coupon   since clover; before, .coupon
applies_to, currency_options      only where Stripe was asked for them
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from projections.shapes.fields import (
    Amount,
    Quantity,
    Reference,
    Seconds,
    exact,
    id_of,
    moment,
    text,
)
from projections.wares import Coupon, PromotionCode


class CurrencyOption(msgspec.Struct):
    """What a coupon takes off in another currency."""

    amount_off: Amount | None = None


class AppliesTo(msgspec.Struct):
    """What a coupon is limited to."""

    products: list[str] | None = None


class StripeCoupon(msgspec.Struct):
    """``data.object`` of ``coupon.*``, or within a discount."""

    id: str
    created: Seconds | None = None
    name: str | None = None
    percent_off: Decimal | None = None
    amount_off: Amount | None = None
    currency: str | None = None
    currency_options: dict[str, CurrencyOption] | None = None
    duration: str | None = None
    duration_in_months: Quantity | None = None
    redeem_by: Seconds | None = None
    valid: bool | None = None
    applies_to: AppliesTo | None = None


class Promotion(msgspec.Struct):
    """What a promotion code stands for, since clover."""

    coupon: str | StripeCoupon | None = None


class StripePromotionCode(msgspec.Struct):
    """``data.object`` of ``promotion_code.*``."""

    id: str
    created: Seconds | None = None
    code: str | None = None
    coupon: str | StripeCoupon | None = None
    promotion: Promotion | None = None
    active: bool | None = None
    customer: Reference = None
    expires_at: Seconds | None = None


def coupon(shown: StripeCoupon) -> Coupon:
    """Return *shown* in the one shape."""
    applies = None if shown.applies_to is None else shown.applies_to.products
    return Coupon(
        created=moment(shown.created),
        name=text(shown.name),
        percent_off=exact("percent_off", shown.percent_off),
        amounts_off=_amounts_off(shown),
        duration=shown.duration,
        duration_in_months=shown.duration_in_months,
        redeem_by=moment(shown.redeem_by),
        valid=shown.valid,
        products=None if applies is None else tuple(sorted(applies)),
    )


def promotion_code(shown: StripePromotionCode) -> PromotionCode:
    """Return *shown* in the one shape."""
    named = shown.coupon if shown.promotion is None else shown.promotion.coupon
    return PromotionCode(
        created=moment(shown.created),
        code=text(shown.code),
        coupon=named.id if isinstance(named, StripeCoupon) else named,
        active=shown.active,
        customer=id_of(shown.customer),
        expires_at=moment(shown.expires_at),
    )


def _amounts_off(shown: StripeCoupon) -> tuple[tuple[str, int], ...]:
    found: dict[str, int] = {}
    if shown.currency is not None and shown.amount_off is not None:
        found[shown.currency] = shown.amount_off
    options = shown.currency_options or {}
    for currency in sorted(options):
        amount = options[currency].amount_off
        if amount is not None:
            found.setdefault(currency, amount)
    return tuple(found.items())
