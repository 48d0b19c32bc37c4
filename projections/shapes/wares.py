"""Stripe's catalogue objects, in every shape from 2020-08-27 on, on their own or within.

plan.amount, amount_decimal, tiers_mode   as it was called before there were prices
promotion_code.promotion.coupon           since clover; before, .coupon
tiers, applies_to, currency_options       only where Stripe was asked for them
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from projections.shapes.fields import (
    Amount,
    Intervals,
    Quantity,
    Reference,
    Seconds,
    exact,
    id_of,
    moment,
    text,
)
from projections.wares import Meant, Price, Product, TaxRate, Tier


class StripeTier(msgspec.Struct):
    """One of ``tiers``; of each amount the decimal says more."""

    up_to: Quantity | None = None
    unit_amount: Amount | None = None
    unit_amount_decimal: Decimal | None = None
    flat_amount: Amount | None = None
    flat_amount_decimal: Decimal | None = None


class Transform(msgspec.Struct):
    """Packages of units."""

    divide_by: Quantity | None = None
    round: str | None = None


class StripeRecurring(msgspec.Struct):
    """How often it recurs."""

    interval: str | None = None
    interval_count: Intervals | None = None
    usage_type: str | None = None


class Typed(msgspec.Struct):
    """Of metadata only what means something here, as text."""

    billing_role: str | None = None
    included_seats: str | None = None
    seat_quantity: str | None = None
    seat_increase: str | None = None


class StripePrice(msgspec.Struct):
    """A price: ``data.object`` of ``price.*``, or within an item."""

    id: str
    created: Seconds | None = None
    active: bool | None = None
    product: Reference = None
    nickname: str | None = None
    currency: str | None = None
    billing_scheme: str | None = None
    unit_amount: Amount | None = None
    unit_amount_decimal: Decimal | None = None
    tiers_mode: str | None = None
    tiers: list[StripeTier] | None = None
    transform_quantity: Transform | None = None
    recurring: StripeRecurring | None = None
    tax_behavior: str | None = None
    metadata: Typed | None = None


class StripePlan(msgspec.Struct):
    """A plan: ``data.object`` of ``plan.*``, or within an item."""

    id: str
    created: Seconds | None = None
    active: bool | None = None
    product: Reference = None
    nickname: str | None = None
    currency: str | None = None
    billing_scheme: str | None = None
    amount: Amount | None = None
    amount_decimal: Decimal | None = None
    tiers_mode: str | None = None
    tiers: list[StripeTier] | None = None
    transform_usage: Transform | None = None
    interval: str | None = None
    interval_count: Intervals | None = None
    usage_type: str | None = None
    metadata: Typed | None = None


class StripeProduct(msgspec.Struct):
    """``data.object`` of ``product.*``."""

    id: str
    created: Seconds | None = None
    active: bool | None = None
    name: str | None = None
    metadata: Typed | None = None


class StripeTaxRate(msgspec.Struct):
    """``data.object`` of ``tax_rate.*``."""

    id: str
    created: Seconds | None = None
    active: bool | None = None
    display_name: str | None = None
    percentage: Decimal | None = None
    inclusive: bool | None = None
    country: str | None = None
    jurisdiction: str | None = None
    tax_type: str | None = None


def price(shown: StripePrice) -> Price:
    """Return *shown* in the one shape."""
    recurring = shown.recurring or StripeRecurring()
    transform = shown.transform_quantity or Transform()
    return Price(
        created=moment(shown.created),
        active=shown.active,
        product=id_of(shown.product),
        nickname=text(shown.nickname),
        currency=shown.currency,
        billing_scheme=shown.billing_scheme,
        unit_amount=_amount("unit_amount", shown.unit_amount, shown.unit_amount_decimal),
        tiers_mode=shown.tiers_mode,
        tiers=_tiers(shown.tiers),
        divide_by=transform.divide_by,
        divide_round=transform.round,
        interval=recurring.interval,
        interval_count=recurring.interval_count,
        usage_type=recurring.usage_type,
        tax_behavior=shown.tax_behavior,
        meant=_meant(shown.metadata),
    )


def plan(shown: StripePlan) -> Price:
    """Return *shown* as the price that it is."""
    transform = shown.transform_usage or Transform()
    return Price(
        created=moment(shown.created),
        active=shown.active,
        product=id_of(shown.product),
        nickname=text(shown.nickname),
        currency=shown.currency,
        billing_scheme=shown.billing_scheme,
        unit_amount=_amount("amount", shown.amount, shown.amount_decimal),
        tiers_mode=shown.tiers_mode,
        tiers=_tiers(shown.tiers),
        divide_by=transform.divide_by,
        divide_round=transform.round,
        interval=shown.interval,
        interval_count=shown.interval_count,
        usage_type=shown.usage_type,
        meant=_meant(shown.metadata),
    )


def product(shown: StripeProduct) -> Product:
    """Return *shown* in the one shape."""
    return Product(
        created=moment(shown.created),
        active=shown.active,
        name=text(shown.name),
        meant=_meant(shown.metadata),
    )


def tax_rate(shown: StripeTaxRate) -> TaxRate:
    """Return *shown* in the one shape."""
    return TaxRate(
        created=moment(shown.created),
        active=shown.active,
        name=text(shown.display_name),
        percentage=exact("percentage", shown.percentage),
        inclusive=shown.inclusive,
        country=shown.country,
        jurisdiction=shown.jurisdiction,
        tax_type=shown.tax_type,
    )


def _amount(name: str, whole: int | None, decimal: Decimal | None) -> str | None:
    """Return the decimal, which is there for every price; else the whole amount."""
    if decimal is None:
        return None if whole is None else str(whole)
    return exact(f"{name}_decimal", decimal)


def _tiers(shown: list[StripeTier] | None) -> tuple[Tier, ...] | None:
    if shown is None:
        return None
    return tuple(
        Tier(
            up_to=tier.up_to,
            unit_amount=_amount("tiers", tier.unit_amount, tier.unit_amount_decimal),
            flat_amount=_amount("tiers", tier.flat_amount, tier.flat_amount_decimal),
        )
        for tier in shown
    )


def _meant(shown: Typed | None) -> Meant:
    if shown is None:
        return _NOTHING
    return Meant(
        billing_role=shown.billing_role,
        included_seats=shown.included_seats,
        seat_quantity=shown.seat_quantity,
        seat_increase=shown.seat_increase,
    )


_NOTHING: Final = Meant()
