"""Products, prices, and the plan that older code reads beside each price."""

from __future__ import annotations

from replay.simulator.plans import Plan, Price
from replay.simulator.shapes import TRAITS, Shape


def product(plan: Plan) -> dict[str, object]:
    """Render the product a plan is sold as; it is alike in every version."""
    return {
        "id": plan.product_id,
        "object": "product",
        "active": True,
        "attributes": [],
        "created": plan.created,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "name": plan.name,
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": "service",
        "unit_label": None,
        "updated": plan.created,
        "url": None,
    }


def price(sold: Price, shape: Shape) -> dict[str, object]:
    """Render a price."""
    return {
        "id": sold.price_id,
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": sold.created,
        "currency": sold.currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": sold.metadata,
        "nickname": sold.nickname,
        "product": sold.product_id,
        "recurring": {
            **_aggregate_usage(shape),
            "interval": "month",
            "interval_count": 1,
            "meter": None,
            "trial_period_days": None,
            "usage_type": "licensed",
        },
        "tax_behavior": "exclusive",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring",
        "unit_amount": sold.unit_amount,
        "unit_amount_decimal": str(sold.unit_amount),
    }


def legacy_plan(sold: Price, shape: Shape) -> dict[str, object]:
    """Render a price as the plan it was called before prices."""
    return {
        "id": sold.price_id,
        "object": "plan",
        "active": True,
        **_aggregate_usage(shape),
        "amount": sold.unit_amount,
        "amount_decimal": str(sold.unit_amount),
        "billing_scheme": "per_unit",
        "created": sold.created,
        "currency": sold.currency,
        "interval": "month",
        "interval_count": 1,
        "livemode": False,
        "metadata": sold.metadata,
        "meter": None,
        "nickname": sold.nickname,
        "product": sold.product_id,
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def _aggregate_usage(shape: Shape) -> dict[str, object]:
    return {"aggregate_usage": None} if TRAITS[shape].aggregate_usage else {}
