"""Coupons, promotion codes, and the discounts customers have of them."""

from __future__ import annotations

from decimal import Decimal

from replay.simulator.coupons import Code, Coupon, Discount
from replay.simulator.keys import of_version
from replay.simulator.shapes import Shape


def coupon(made: Coupon, at: int) -> dict[str, object]:
    """Render a coupon as it is at *at*; the products it is limited to are not shown."""
    return {
        "id": made.coupon_id,
        "object": "coupon",
        "amount_off": made.amount_off,
        "created": made.created,
        "currency": made.currency,
        "duration": made.duration.value,
        "duration_in_months": made.months,
        "livemode": False,
        "max_redemptions": made.max_redemptions,
        "metadata": {},
        "name": made.name,
        "percent_off": _number(made.percent_off),
        "redeem_by": made.redeem_by,
        "times_redeemed": made.times_redeemed,
        "valid": made.valid(at),
    }


def expanded_coupon(made: Coupon, at: int) -> dict[str, object]:
    """Render a coupon as one gets it who asks the API for its products."""
    limited = {"applies_to": {"products": sorted(made.products)}} if made.products else {}
    return coupon(made, at) | limited


def promotion_code(made: Code, at: int, shape: Shape) -> dict[str, object]:
    """Render a code a customer may type, with the coupon it stands for."""
    source: dict[str, object] = (
        {"promotion": {"coupon": made.coupon.coupon_id, "type": "coupon"}}
        if shape.traits.coupon_sources
        else {"coupon": coupon(made.coupon, at)}
    )
    keys: dict[str, object] = {
        "active": made.active,
        "code": made.code,
        "created": made.created,
        "customer": made.customer_id,
        "customer_account": None,
        "expires_at": made.expires_at,
        "livemode": False,
        "max_redemptions": made.max_redemptions,
        "metadata": {},
        "restrictions": {
            "first_time_transaction": False,
            "minimum_amount": None,
            "minimum_amount_currency": None,
        },
        "times_redeemed": made.times_redeemed,
        **source,
    }
    head: dict[str, object] = {"id": made.code_id, "object": "promotion_code"}
    return of_version(head | dict(sorted(keys.items())), shape)


def discount(given: Discount, shape: Shape) -> dict[str, object]:
    """Render what a customer has of a coupon, as it was when it was given."""
    made = given.coupon
    source: dict[str, object] = (
        {"source": {"coupon": made.coupon_id, "type": "coupon"}}
        if shape.traits.coupon_sources
        else {"coupon": coupon(made, given.start)}
    )
    keys: dict[str, object] = {
        "checkout_session": None,
        "customer": given.customer_id,
        "customer_account": None,
        "end": given.end,
        "invoice": None,
        "invoice_item": None,
        "promotion_code": given.code_id,
        "start": given.start,
        "subscription": given.subscription_id,
        "subscription_item": given.item_id,
        **source,
    }
    head: dict[str, object] = {"id": given.discount_id, "object": "discount"}
    return of_version(head | dict(sorted(keys.items())), shape)


def _number(percent: Decimal | None) -> int | float | None:
    """Return a percentage as Stripe writes it: with a point, 25.0 as well as 33.3."""
    return None if percent is None else float(percent)
