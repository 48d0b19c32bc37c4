"""What is sold and how, as Stripe's catalogue says: objects that belong to no account.

    Price, its Tiers     Product     Coupon     PromotionCode     TaxRate

Amounts per unit are exact decimals of a minor unit, as text (``"1500"``, ``"0.0125"``);
percentages too (``"33.3"``). Of metadata only what means something here is kept. Fields
are only added at the end.
"""

from __future__ import annotations

from datetime import datetime

import msgspec


class Meant(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """What an object's metadata says about seats, as it was typed; None if nothing."""

    billing_role: str | None = None
    included_seats: str | None = None
    seat_quantity: str | None = None
    seat_increase: str | None = None


class Tier(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A tier of a price, up to and with *up_to* units; None is the last, without end."""

    up_to: int | None
    unit_amount: str | None
    flat_amount: str | None


class Price(msgspec.Struct, tag="price", frozen=True, array_like=True, kw_only=True):
    """A price, or a plan as it was called before.

    Attributes:
        unit_amount: None where tiers or the customer decide.
        tiers: None where they are not shown: Stripe's events never show them.
        divide_by: Units that are sold as one, rounded by *divide_round* (``up``,
            ``down``).
    """

    created: datetime | None = None
    active: bool | None = None
    product: str | None = None
    nickname: str | None = None
    currency: str | None = None
    billing_scheme: str | None = None
    unit_amount: str | None = None
    tiers_mode: str | None = None
    tiers: tuple[Tier, ...] | None = None
    divide_by: int | None = None
    divide_round: str | None = None
    interval: str | None = None
    interval_count: int | None = None
    usage_type: str | None = None
    tax_behavior: str | None = None
    meant: Meant = Meant()


class Product(msgspec.Struct, tag="product", frozen=True, array_like=True, kw_only=True):
    """A product; its name has no card number in it."""

    created: datetime | None = None
    active: bool | None = None
    name: str | None = None
    meant: Meant = Meant()


class Coupon(msgspec.Struct, tag="coupon", frozen=True, array_like=True, kw_only=True):
    """A coupon: a percentage, or an amount in one currency or in several.

    Attributes:
        amounts_off: By currency, the coupon's own first.
        products: The products it is limited to; None where Stripe does not show it.
    """

    created: datetime | None = None
    name: str | None = None
    percent_off: str | None = None
    amounts_off: tuple[tuple[str, int], ...] = ()
    duration: str | None = None
    duration_in_months: int | None = None
    redeem_by: datetime | None = None
    valid: bool | None = None
    products: tuple[str, ...] | None = None


class PromotionCode(
    msgspec.Struct, tag="promotion_code", frozen=True, array_like=True, kw_only=True
):
    """A code that stands for a coupon."""

    created: datetime | None = None
    code: str | None = None
    coupon: str | None = None
    active: bool | None = None
    customer: str | None = None
    expires_at: datetime | None = None


class TaxRate(msgspec.Struct, tag="tax_rate", frozen=True, array_like=True, kw_only=True):
    """A tax rate; *inclusive* tax is part of the amounts, other tax comes on top."""

    created: datetime | None = None
    active: bool | None = None
    name: str | None = None
    percentage: str | None = None
    inclusive: bool | None = None
    country: str | None = None
    jurisdiction: str | None = None
    tax_type: str | None = None


Ware = Price | Product | Coupon | PromotionCode | TaxRate
