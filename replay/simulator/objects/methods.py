"""Ways to pay, the setup that made them chargeable, and mandates."""

from __future__ import annotations

from replay.simulator.keys import of_version
from replay.simulator.methods import Method, MethodType
from replay.simulator.objects.addresses import address, checks
from replay.simulator.shapes import Shape


def billing_details(email: str | None, name: str | None) -> dict[str, object]:
    """Render what is known of the payer on a payment method or charge."""
    return {
        "address": address(None),
        "email": email,
        "name": name,
        "phone": None,
        "tax_id": None,
    }


def payment_method(
    method: Method, customer_id: str | None, shape: Shape
) -> dict[str, object]:
    """Render a payment method; a detached one has no customer."""
    rendered: dict[str, object] = {
        "id": method.method_id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(method.email, method.name),
        method.type.value: details(method, shape),
        "created": method.created,
        "customer": customer_id,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": method.type.value,
    }
    return of_version(rendered, shape)


def details(method: Method, shape: Shape) -> dict[str, object]:
    """Render what the method shows of a card or an account."""
    if method.type is MethodType.CARD:
        return _card(method, shape)
    shown: dict[str, object] = {"fingerprint": method.fingerprint, "last4": method.last4}
    return dict(sorted((shown | _ACCOUNTS[method.type]).items()))


def mandate(method: Method, *, status: str) -> dict[str, object]:
    """Render the leave to debit an account; it names no customer."""
    online = {"ip_address": "192.0.2.7", "user_agent": "Mozilla/5.0"}
    return {
        "id": method.mandate_id,
        "object": "mandate",
        "customer_acceptance": {
            "accepted_at": method.created,
            "online": online,
            "type": "online",
        },
        "livemode": False,
        "multi_use": {},
        "payment_method": method.method_id,
        "payment_method_details": _mandate_details(method, status),
        "status": status,
        "type": "multi_use",
    }


def setup_intent(
    setup_id: str, method: Method, customer_id: str, shape: Shape
) -> dict[str, object]:
    """Render the setup that made a method chargeable later on."""
    rendered: dict[str, object] = {
        "id": setup_id,
        "object": "setup_intent",
        "application": None,
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": f"{setup_id}_secret_simulated",
        "created": method.created,
        "customer": customer_id,
        "description": None,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": setup_id.replace("seti", "setatt"),
        "livemode": False,
        "mandate": method.mandate_id or None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": method.method_id,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": [method.type.value],
        "single_use_mandate": None,
        "status": "succeeded",
        "usage": "off_session",
    }
    return of_version(rendered, shape)


def _card(method: Method, shape: Shape) -> dict[str, object]:
    newer: dict[str, object] = {}
    if shape.age >= Shape.Y2024.age:
        newer["display_brand"] = method.brand
    if shape.age >= Shape.ACACIA.age:
        newer["regulated_status"] = "unregulated"
    keys: dict[str, object] = {
        "brand": method.brand,
        "checks": checks(),
        "country": method.country,
        "exp_month": method.exp_month,
        "exp_year": method.exp_year,
        "fingerprint": method.fingerprint,
        "funding": "credit",
        "generated_from": None,
        "last4": method.last4,
        "networks": {"available": [method.brand], "preferred": None},
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
        **newer,
    }
    return dict(sorted(keys.items()))


_ACCOUNTS: dict[MethodType, dict[str, object]] = {
    MethodType.US_BANK_ACCOUNT: {
        "account_holder_type": "company",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "financial_connections_account": None,
        "networks": {"preferred": "ach", "supported": ["ach"]},
        "routing_number": "110000000",
        "status_details": {},
    },
    MethodType.SEPA_DEBIT: {
        "bank_code": "37040044",
        "branch_code": "",
        "country": "DE",
        "generated_from": {"charge": None, "setup_attempt": None},
    },
    MethodType.BACS_DEBIT: {"sort_code": "108800"},
}


def _mandate_details(method: Method, status: str) -> dict[str, object]:
    kind = method.type.value
    if method.type is MethodType.BACS_DEBIT:
        network = "accepted" if status == "active" else status
        reference = method.mandate_id[-6:].upper()
        shown: dict[str, object] = {
            "network_status": network,
            "reference": reference,
            "revocation_reason": None,
        }
    elif method.type is MethodType.SEPA_DEBIT:
        shown = {"reference": method.mandate_id[-8:].upper()}
    else:
        shown = {"collection_method": None}
    return {kind: shown, "type": kind}
