"""The lines of an invoice: what one item costs for one period, or a thing sold once."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Final

from replay.simulator.invoices import Invoice
from replay.simulator.keys import of_version
from replay.simulator.lines import Line
from replay.simulator.money import rounded, shown
from replay.simulator.objects.catalogue import legacy_plan, price
from replay.simulator.objects.taxes import tax_amounts, taxes
from replay.simulator.shapes import Shape

_TIMES: Final = "\u00d7"


def line(billed: Line, invoice: Invoice, shape: Shape) -> dict[str, object]:
    """Render a line, its keys sorted as Stripe sorts them."""
    keys = {
        "amount": billed.amount,
        "currency": billed.price.currency,
        "description": billed.description or _description(billed),
        "discount_amounts": discount_amounts(billed.taken),
        "discountable": billed.discountable,
        "discounts": list(billed.discounts),
        "invoice": invoice.invoice_id,
        "livemode": False,
        "metadata": {},
        "period": {"end": billed.end, "start": billed.start},
        "pretax_credit_amounts": pretax_credits(billed.taken),
        "quantity": billed.quantity,
        "quantity_decimal": str(billed.quantity),
        "subtotal": billed.amount,
        **(_parents(billed) if shape.traits.parents else _flat_links(billed, shape)),
    }
    head: dict[str, object] = {"id": billed.line_id, "object": "line_item"}
    return of_version(head | {name: keys[name] for name in sorted(keys)}, shape)


def discount_amounts(taken: tuple[tuple[str, int], ...]) -> list[dict[str, object]]:
    """Render what each discount takes off."""
    return [{"amount": amount, "discount": discount} for discount, amount in taken]


def pretax_credits(taken: tuple[tuple[str, int], ...]) -> list[dict[str, object]]:
    """Render the same once more, as what is taken off before tax."""
    return [
        {"amount": amount, "discount": discount, "type": "discount"}
        for discount, amount in taken
    ]


def _description(billed: Line) -> str:
    """Return Stripe's words for a whole period, such as "Team seat (at $9.00 / month)"."""
    sold = billed.price
    if billed.trial:
        return f"Trial period for {sold.nickname}"
    each = shown(rounded(Fraction(billed.unit_amount or 0), sold.currency), sold.currency)
    what = f"{billed.quantity} {_TIMES} {sold.nickname}"
    return f"{what} (at {each} / {sold.interval})"


def _unit(amount: int | Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def _credited(billed: Line) -> dict[str, object]:
    if billed.credited is None:
        return {"credited_items": None}
    invoice_id, lines = billed.credited
    return {"credited_items": {"invoice": invoice_id, "invoice_line_items": list(lines)}}


def _parents(billed: Line) -> dict[str, object]:
    made_from = {
        "invoice_item": billed.invoice_item,
        "proration": billed.proration,
        "proration_details": _credited(billed),
        "subscription": billed.subscription_id,
    }
    of_item = billed.item_id is not None
    kind = "subscription_item_details" if of_item else "invoice_item_details"
    return {
        "parent": {
            "invoice_item_details": None if of_item else made_from,
            "subscription_item_details": (
                {**made_from, "subscription_item": billed.item_id} if of_item else None
            ),
            "type": kind,
        },
        "pricing": {
            "price_details": {
                "price": billed.price.price_id,
                "product": billed.price.product_id,
            },
            "type": "price_details",
            "unit_amount_decimal": _unit(billed.unit_amount),
        },
        "taxes": taxes(billed.taxes),
    }


def _flat_links(billed: Line, shape: Shape) -> dict[str, object]:
    kind = "subscription" if billed.invoice_item is None else "invoiceitem"
    links: dict[str, object] = {
        "amount_excluding_tax": billed.amount - billed.tax_within,
        "plan": legacy_plan(billed.price, shape) if billed.price.months else None,
        "price": price(billed.price, shape),
        "proration": billed.proration,
        "proration_details": _credited(billed),
        "subscription": billed.subscription_id,
        "tax_amounts": tax_amounts(billed.taxes),
        "tax_rates": [],
        "type": kind,
        "unit_amount_excluding_tax": _unit(billed.unit_amount),
    }
    if billed.item_id is not None:
        links["subscription_item"] = billed.item_id
    if billed.invoice_item is not None:
        links["invoice_item"] = billed.invoice_item
    return links
