"""Products, prices, and the plan that older code reads beside each price."""

from __future__ import annotations

from functools import lru_cache

from replay.simulator.keys import of_version
from replay.simulator.plans import Plan
from replay.simulator.prices import Price, Tier
from replay.simulator.shapes import Shape

# More than there are prices in a simulation, times two shapes.
_KEPT = 2048


def product(plan: Plan, shape: Shape, updated: int | None = None) -> dict[str, object]:
    """Render the product a plan is sold as."""
    rendered: dict[str, object] = {
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
        "updated": updated or plan.created,
        "url": None,
    }
    return of_version(rendered, shape)


@lru_cache(maxsize=_KEPT)
def price(sold: Price, shape: Shape) -> dict[str, object]:
    """Render a price as a delivery shows it: without its tiers."""
    unit_amount = sold.unit_amount
    rendered: dict[str, object] = {
        "id": sold.price_id,
        "object": "price",
        "active": sold.active,
        "billing_scheme": "tiered" if sold.tiers else "per_unit",
        "created": sold.created,
        "currency": sold.currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": sold.metadata,
        "nickname": sold.nickname,
        "product": sold.product_id,
        "recurring": _recurring(sold),
        "tax_behavior": "exclusive",
        "tiers_mode": _tiers_mode(sold),
        "transform_quantity": _transform(sold),
        "type": "recurring" if sold.months else "one_time",
        "unit_amount": unit_amount,
        "unit_amount_decimal": _decimal(sold),
    }
    return of_version(rendered, shape)


def expanded_price(sold: Price, shape: Shape) -> dict[str, object]:
    """Render a price as one gets it who asks the API for its tiers."""
    return price(sold, shape) | {"tiers": [_tier(each) for each in sold.tiers]}


@lru_cache(maxsize=_KEPT)
def legacy_plan(sold: Price, shape: Shape) -> dict[str, object]:
    """Render a price as the plan it was called before prices."""
    unit_amount = sold.unit_amount
    rendered: dict[str, object] = {
        "id": sold.price_id,
        "object": "plan",
        "active": sold.active,
        "aggregate_usage": None,
        "amount": unit_amount,
        "amount_decimal": _decimal(sold),
        "billing_scheme": "tiered" if sold.tiers else "per_unit",
        "created": sold.created,
        "currency": sold.currency,
        "interval": sold.interval,
        "interval_count": 1,
        "livemode": False,
        "metadata": sold.metadata,
        "meter": None,
        "nickname": sold.nickname,
        "product": sold.product_id,
        "tiers_mode": _tiers_mode(sold),
        "transform_usage": _transform(sold),
        "trial_period_days": None,
        "usage_type": "licensed",
    }
    return of_version(rendered, shape)


def _recurring(sold: Price) -> dict[str, object] | None:
    if not sold.months:
        return None
    return {
        "aggregate_usage": None,
        "interval": sold.interval,
        "interval_count": 1,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def _tiers_mode(sold: Price) -> str | None:
    return sold.tiers_mode.value if sold.tiers else None


def _transform(sold: Price) -> dict[str, object] | None:
    if sold.packs is None:
        return None
    return {"divide_by": sold.packs.divide_by, "round": sold.packs.round}


def _decimal(sold: Price) -> str | None:
    exact = sold.unit_amount if sold.unit_decimal is None else sold.unit_decimal
    return None if exact is None else str(exact)


def _tier(step: Tier) -> dict[str, object]:
    return {
        "flat_amount": step.flat or None,
        "flat_amount_decimal": str(step.flat) if step.flat else None,
        "unit_amount": step.unit,
        "unit_amount_decimal": str(step.unit),
        "up_to": step.up_to,
    }
