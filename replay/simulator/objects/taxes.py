"""Tax rates, and the taxes of invoices and lines."""

from __future__ import annotations

from collections.abc import Iterable

from replay.simulator.keys import of_version
from replay.simulator.lines import LineTax
from replay.simulator.shapes import Shape
from replay.simulator.taxes import TaxRate


def tax_rate(made: TaxRate, shape: Shape) -> dict[str, object]:
    """Render a tax rate; Stripe writes the percentage as a number."""
    rendered: dict[str, object] = {
        "id": made.rate_id,
        "object": "tax_rate",
        "active": made.active,
        "country": made.country,
        "created": made.created,
        "description": f"{made.display_name} {made.country}",
        "display_name": made.display_name,
        "effective_percentage": None,
        "flat_amount": None,
        "inclusive": made.inclusive,
        "jurisdiction": made.country,
        "jurisdiction_level": None,
        "livemode": False,
        "metadata": {},
        "percentage": float(made.percentage),
        "rate_type": "percentage",
        "state": None,
        "tax_type": made.tax_type,
    }
    return of_version(rendered, shape)


def tax_rates(made: Iterable[TaxRate], shape: Shape) -> list[dict[str, object]]:
    """Render the rates something is taxed by."""
    return [tax_rate(each, shape) for each in made]


def taxes(put: Iterable[LineTax]) -> list[dict[str, object]]:
    """Render taxes as lines and invoices list them since basil."""
    return [
        {
            "amount": tax.amount,
            "tax_behavior": "inclusive" if tax.inclusive else "exclusive",
            "tax_rate_details": {"tax_rate": tax.rate_id},
            "taxability_reason": tax.reason,
            "taxable_amount": tax.taxable,
            "type": "tax_rate_details",
        }
        for tax in put
    ]


def tax_amounts(put: Iterable[LineTax]) -> list[dict[str, object]]:
    """Render taxes as lines and invoices listed them before basil."""
    return [
        {
            "amount": tax.amount,
            "inclusive": tax.inclusive,
            "tax_rate": tax.rate_id,
            "taxability_reason": tax.reason,
            "taxable_amount": tax.taxable,
        }
        for tax in put
    ]
