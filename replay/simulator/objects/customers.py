"""Customers and their payment methods, alike in every version so far."""

from __future__ import annotations

from replay.simulator.customers import Card, Customer

_NO_ADDRESS = {
    "city": None,
    "country": None,
    "line1": None,
    "line2": None,
    "postal_code": None,
    "state": None,
}


def billing_details(email: str | None, name: str | None) -> dict[str, object]:
    """Render what is known of the payer on a payment method or charge."""
    return {
        "address": _NO_ADDRESS,
        "email": email,
        "name": name,
        "phone": None,
        "tax_id": None,
    }


def checks() -> dict[str, object]:
    """Render what the bank checked when the card was entered."""
    return {
        "address_line1_check": None,
        "address_postal_code_check": None,
        "cvc_check": "pass",
    }


def customer(known: Customer) -> dict[str, object]:
    """Render a customer; its metadata names the account at the product."""
    return {
        "id": known.customer_id,
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": known.created,
        "currency": known.currency,
        "default_source": None,
        "delinquent": known.delinquent,
        "description": None,
        "discount": None,
        "email": known.email,
        "invoice_prefix": known.invoice_prefix,
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": known.card.method_id if known.card else None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {"account_id": known.account_id},
        "name": known.name,
        "next_invoice_sequence": known.invoices_made + 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def payment_method(card: Card, owner: Customer) -> dict[str, object]:
    """Render a card attached to its owner."""
    return {
        "id": card.method_id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(owner.email, owner.name),
        "card": {
            "brand": card.brand,
            "checks": checks(),
            "country": "US",
            "display_brand": card.brand,
            "exp_month": card.exp_month,
            "exp_year": card.exp_year,
            "fingerprint": card.fingerprint,
            "funding": "credit",
            "generated_from": None,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": card.created,
        "customer": owner.customer_id,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }
