"""Payment intents: what joins the attempts to collect one invoice."""

from __future__ import annotations

from replay.simulator.keys import of_version
from replay.simulator.objects.charges import charge
from replay.simulator.objects.methods import payment_method
from replay.simulator.payments import Attempt, Payment
from replay.simulator.shapes import Shape

_METHOD_TYPES = ("acss_debit", "card", "cashapp", "link", "us_bank_account")

_METHOD_OPTIONS = {
    "acss_debit": {
        "mandate_options": {
            "interval_description": None,
            "payment_schedule": None,
            "transaction_type": None,
        },
        "verification_method": "automatic",
    },
    "card": {
        "installments": None,
        "mandate_options": None,
        "network": None,
        "request_three_d_secure": "automatic",
    },
    "cashapp": {},
    "link": {"persistent_token": None},
    "us_bank_account": {"mandate_options": {}, "verification_method": "automatic"},
}


def intent(payment: Payment, shape: Shape) -> dict[str, object]:
    """Render an intent after its latest attempt."""
    tried = payment.latest
    paid = tried is not None and tried.succeeded
    taken = paid or (tried is not None and tried.pending)
    rendered: dict[str, object] = {
        "id": payment.intent_id,
        "object": "payment_intent",
        "amount": payment.amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": payment.amount if paid else 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        **(_charges(payment, shape) if shape.traits.inlined_charges else {}),
        "client_secret": f"{payment.intent_id}_secret_simulated",
        "confirmation_method": "automatic",
        "created": payment.created,
        "currency": payment.currency,
        "customer": payment.customer_id,
        "customer_account": None,
        "description": payment.description,
        "excluded_payment_method_types": None,
        "invoice": payment.invoice_id,
        "last_payment_error": None if payment.asks else _error(tried, payment, shape),
        "latest_charge": tried.charge_id if tried else None,
        "livemode": False,
        "managed_payments": None,
        "metadata": {},
        "next_action": _next_action(payment, shape),
        "on_behalf_of": None,
        **_details(payment, shape.traits.order_reference_chars),
        "payment_method": _method(payment, tried if taken else None),
        "payment_method_configuration_details": None,
        "payment_method_options": _METHOD_OPTIONS,
        "payment_method_types": _METHOD_TYPES,
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": "off_session",
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_action" if payment.asks else _status(tried),
        "transfer_data": None,
        "transfer_group": None,
    }
    return of_version(rendered, shape)


def _method(payment: Payment, tried: Attempt | None) -> str | None:
    known = payment.asks or (tried.method if tried else None)
    return known.method_id if known else None


def _next_action(payment: Payment, shape: Shape) -> dict[str, object] | None:
    """Render how the customer confirms; the card's own directory is left out."""
    if payment.asks is None:
        return None
    newer: dict[str, object] = {"three_ds_frontend_optimizations": None}
    source = payment.intent_id.replace("pi_", "payatt_")
    return {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {
            "directory_server_encryption": {
                "algorithm": "RSA",
                "certificate": "",
                "directory_server_id": "A000000003",
                "root_certificate_authorities": "",
            },
            "directory_server_name": payment.asks.brand,
            "merchant": "acct_acme",
            "one_click_authn": None,
            "server_transaction_id": "",
            "three_d_secure_2_source": source,
            **(newer if shape.age >= Shape.CLOVER.age else {}),
            "three_ds_method_url": "",
            "three_ds_optimizations": "kf",
            "type": "stripe_3ds2_fingerprint",
        },
    }


def _status(tried: Attempt | None) -> str:
    if tried is None or tried.decline is not None:
        return "requires_payment_method"
    return "processing" if tried.pending else "succeeded"


def _charges(payment: Payment, shape: Shape) -> dict[str, object]:
    """Render the latest charge within, as intents held them until 2022-11-15."""
    tried = payment.latest
    return {
        "charges": {
            "object": "list",
            "data": [charge(tried, payment, shape)] if tried else [],
            "has_more": False,
            "total_count": 1 if tried else 0,
            "url": f"/v1/charges?payment_intent={payment.intent_id}",
        }
    }


def _details(payment: Payment, reference_chars: int | None) -> dict[str, object]:
    """Render the reference to the invoice, cut as it was seen cut in recordings."""
    if reference_chars is None:
        return {}
    reference = payment.invoice_id[:reference_chars] or None
    return {"payment_details": {"customer_reference": None, "order_reference": reference}}


def _error(
    tried: Attempt | None, payment: Payment, shape: Shape
) -> dict[str, object] | None:
    if tried is None or tried.decline is None:
        return None
    decline = tried.decline
    newer = {
        "advice_code": decline.advice,
        "network_decline_code": decline.network_code,
    }
    return {
        **(newer if shape.age >= Shape.ACACIA.age else {}),
        "charge": tried.charge_id,
        "code": decline.code,
        "decline_code": decline.decline_code,
        "doc_url": "https://docs.stripe.com/error-codes/card-declined",
        "message": decline.message,
        "payment_method": payment_method(tried.method, payment.customer_id, shape),
        "type": "card_error",
    }
