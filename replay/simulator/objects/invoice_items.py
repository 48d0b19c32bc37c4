"""Invoice items, while they wait and once they are billed."""

from __future__ import annotations

from replay.simulator.invoice_items import InvoiceItem
from replay.simulator.keys import of_version
from replay.simulator.objects.catalogue import legacy_plan, price
from replay.simulator.shapes import Shape


def invoice_item(item: InvoiceItem, shape: Shape) -> dict[str, object]:
    """Render an invoice item, its keys sorted as Stripe sorts them."""
    keys: dict[str, object] = {
        "amount": item.amount,
        "currency": item.price.currency,
        "customer": item.customer_id,
        "customer_account": None,
        "date": item.created,
        "description": item.description,
        "discountable": not item.proration,
        "discounts": [],
        "invoice": item.invoice_id,
        "livemode": False,
        "metadata": {},
        "net_amount": item.amount,
        "period": {"end": item.end, "start": item.start},
        "proration": item.proration,
        "quantity": item.quantity,
        "quantity_decimal": str(item.quantity),
        "tax_rates": [],
        "test_clock": None,
        **(_parents(item) if shape.traits.parents else _flat_links(item, shape)),
    }
    head: dict[str, object] = {"id": item.invoice_item_id, "object": "invoiceitem"}
    return of_version(head | dict(sorted(keys.items())), shape)


def _decimal(item: InvoiceItem) -> str | None:
    return None if item.unit_amount is None else str(item.unit_amount)


def _parents(item: InvoiceItem) -> dict[str, object]:
    details = {
        "subscription": item.subscription_id,
        "subscription_item": item.item_id,
    }
    if item.item_id is None:
        del details["subscription_item"]
    parent = {"subscription_details": details, "type": "subscription_details"}
    return {
        "parent": parent if item.subscription_id else None,
        "pricing": {
            "price_details": {
                "price": item.price.price_id,
                "product": item.price.product_id,
            },
            "type": "price_details",
            "unit_amount_decimal": _decimal(item),
        },
    }


def _flat_links(item: InvoiceItem, shape: Shape) -> dict[str, object]:
    unit = item.unit_amount
    links: dict[str, object] = {
        "plan": legacy_plan(item.price, shape) if item.price.months else None,
        "price": price(item.price, shape),
        "subscription": item.subscription_id,
        "unit_amount": unit if isinstance(unit, int) else None,
        "unit_amount_decimal": _decimal(item),
    }
    if item.item_id is not None:
        links["subscription_item"] = item.item_id
    return links
