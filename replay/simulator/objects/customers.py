"""Customers and their tax ids."""

from __future__ import annotations

from replay.simulator.customers import Customer
from replay.simulator.keys import of_version
from replay.simulator.objects.addresses import address
from replay.simulator.objects.reductions import discount
from replay.simulator.shapes import Shape


def customer(known: Customer, shape: Shape) -> dict[str, object]:
    """Render a customer; its metadata may name the account at the product."""
    rendered: dict[str, object] = {
        "id": known.customer_id,
        "object": "customer",
        "address": address(known.address) if known.address else None,
        "balance": known.balance,
        "created": known.created,
        "currency": known.currency,
        "default_source": None,
        "delinquent": known.delinquent,
        "description": None,
        "discount": discount(known.discount, shape) if known.discount else None,
        "email": known.email,
        "invoice_prefix": known.invoice_prefix,
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": known.method.method_id if known.method else None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {"account_id": known.account_id} if known.named else {},
        "name": known.name,
        "next_invoice_sequence": known.invoices_made + 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": known.tax_exempt,
        "test_clock": None,
    }
    return of_version(rendered, shape)


def tax_id(
    known: Customer, tax_id: str, value: str, created: int, *, status: str, shape: Shape
) -> dict[str, object]:
    """Render a European tax id, which the tax office verifies after a while."""
    verified = status == "verified"
    rendered: dict[str, object] = {
        "id": tax_id,
        "object": "tax_id",
        "country": value[:2],
        "created": created,
        "customer": known.customer_id,
        "customer_account": None,
        "livemode": False,
        "owner": _owner(known, shape),
        "type": "eu_vat",
        "value": value,
        "verification": {
            "status": status,
            "verified_address": "Somewhere 1" if verified else None,
            "verified_name": known.name if verified else None,
        },
    }
    return of_version(rendered, shape)


def _owner(known: Customer, shape: Shape) -> dict[str, object]:
    owner: dict[str, object] = {"customer": known.customer_id, "type": "customer"}
    if shape.age >= Shape.DAHLIA.age:
        owner["customer_account"] = None
    return owner
