"""Coupons, promotion codes and tax rates, as the catalogue holds them."""

from __future__ import annotations

from replay.simulator.keys import of_version
from replay.simulator.shapes import Shape


def coupon(
    coupon_id: str, created: int, *, percent_off: float, name: str, valid: bool = True
) -> dict[str, object]:
    """Render a coupon for three months; Stripe writes the percentage as a number."""
    return {
        "id": coupon_id,
        "object": "coupon",
        "amount_off": None,
        "created": created,
        "currency": None,
        "duration": "repeating",
        "duration_in_months": 3,
        "livemode": False,
        "max_redemptions": None,
        "metadata": {},
        "name": name,
        "percent_off": percent_off,
        "redeem_by": None,
        "times_redeemed": 0,
        "valid": valid,
    }


def promotion_code(
    code_id: str, reduces: dict[str, object], created: int, shape: Shape, *, active: bool
) -> dict[str, object]:
    """Render a code a customer may type, which stands for the coupon *reduces*."""
    source: dict[str, object] = (
        {"promotion": {"coupon": reduces["id"], "type": "coupon"}}
        if shape.traits.coupon_sources
        else {"coupon": reduces}
    )
    keys: dict[str, object] = {
        "active": active,
        "code": "SPRING25",
        "created": created,
        "customer": None,
        "customer_account": None,
        "expires_at": None,
        "livemode": False,
        "max_redemptions": None,
        "metadata": {},
        "restrictions": {
            "first_time_transaction": False,
            "minimum_amount": None,
            "minimum_amount_currency": None,
        },
        "times_redeemed": 0,
        **source,
    }
    head: dict[str, object] = {"id": code_id, "object": "promotion_code"}
    return of_version(head | dict(sorted(keys.items())), shape)


def tax_rate(
    rate_id: str, created: int, shape: Shape, *, active: bool
) -> dict[str, object]:
    """Render a value added tax."""
    rendered: dict[str, object] = {
        "id": rate_id,
        "object": "tax_rate",
        "active": active,
        "country": "DE",
        "created": created,
        "description": "VAT Germany",
        "display_name": "VAT",
        "effective_percentage": None,
        "flat_amount": None,
        "inclusive": False,
        "jurisdiction": "DE",
        "jurisdiction_level": None,
        "livemode": False,
        "metadata": {},
        "percentage": 19.0,
        "rate_type": "percentage",
        "state": None,
        "tax_type": "vat",
    }
    return of_version(rendered, shape)
