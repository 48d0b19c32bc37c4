"""The lines of an invoice: what one subscription item costs for one period."""

from __future__ import annotations

from typing import Final

from replay.simulator.invoices import Invoice, Line
from replay.simulator.keys import of_version
from replay.simulator.objects.catalogue import legacy_plan, price
from replay.simulator.shapes import Shape

_TIMES: Final = "\u00d7"
_SIGNS: Final = {"usd": "$", "eur": "\u20ac"}


def line(billed: Line, invoice: Invoice, shape: Shape) -> dict[str, object]:
    """Render a line, its keys sorted as Stripe sorts them."""
    keys = {
        "amount": billed.amount,
        "currency": billed.price.currency,
        "description": _description(billed),
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": invoice.invoice_id,
        "livemode": False,
        "metadata": {},
        "period": {"end": billed.end, "start": billed.start},
        "pretax_credit_amounts": [],
        "quantity": billed.quantity,
        "quantity_decimal": str(billed.quantity),
        "subtotal": billed.amount,
        **(
            _parents(billed, invoice)
            if shape.traits.parents
            else _flat_links(billed, invoice, shape)
        ),
    }
    head: dict[str, object] = {"id": billed.line_id, "object": "line_item"}
    return of_version(head | {name: keys[name] for name in sorted(keys)}, shape)


def _description(billed: Line) -> str:
    """Return Stripe's words for a whole period, such as "Team seat (at $9.00 / month)"."""
    sold = billed.price
    if billed.trial:
        return f"Trial period for {sold.nickname}"
    units, cents = divmod(billed.unit_amount, 100)
    sign = _SIGNS[sold.currency]
    what = f"{billed.quantity} {_TIMES} {sold.nickname}"
    return f"{what} (at {sign}{units}.{cents:02d} / {sold.interval})"


def _parents(billed: Line, invoice: Invoice) -> dict[str, object]:
    return {
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": False,
                "proration_details": {"credited_items": None},
                "subscription": invoice.subscription_id,
                "subscription_item": billed.item_id,
            },
            "type": "subscription_item_details",
        },
        "pricing": {
            "price_details": {
                "price": billed.price.price_id,
                "product": billed.price.product_id,
            },
            "type": "price_details",
            "unit_amount_decimal": str(billed.unit_amount),
        },
        "taxes": [],
    }


def _flat_links(billed: Line, invoice: Invoice, shape: Shape) -> dict[str, object]:
    return {
        "amount_excluding_tax": billed.amount,
        "plan": legacy_plan(billed.price, shape),
        "price": price(billed.price, shape),
        "proration": False,
        "proration_details": {"credited_items": None},
        "subscription": invoice.subscription_id,
        "subscription_item": billed.item_id,
        "tax_amounts": [],
        "tax_rates": [],
        "type": "subscription",
        "unit_amount_excluding_tax": str(billed.unit_amount),
    }
