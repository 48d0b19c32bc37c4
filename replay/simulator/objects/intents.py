"""Payment intents: what joins the attempts to collect one invoice."""

from __future__ import annotations

from replay.simulator.customers import Customer
from replay.simulator.objects.customers import payment_method
from replay.simulator.payments import Attempt, Payment
from replay.simulator.shapes import TRAITS, Shape

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


def intent(payment: Payment, payer: Customer, shape: Shape) -> dict[str, object]:
    """Render an intent after its latest attempt."""
    traits = TRAITS[shape]
    tried = payment.latest
    paid = tried is not None and tried.decline is None
    return {
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
        "client_secret": f"{payment.intent_id}_secret_simulated",
        "confirmation_method": "automatic",
        "created": payment.created,
        "currency": payment.currency,
        "customer": payment.customer_id,
        "description": payment.description,
        **({"excluded_payment_method_types": None} if traits.payments_apart else {}),
        **({} if traits.payments_apart else {"invoice": payment.invoice_id}),
        "last_payment_error": _error(tried, payer),
        "latest_charge": tried.charge_id if tried else None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        **(_details(payment, traits.order_reference_chars)),
        "payment_method": tried.card.method_id if tried and paid else None,
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
        "status": "succeeded" if paid else "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


def _details(payment: Payment, reference_chars: int) -> dict[str, object]:
    """Render the reference to the invoice, cut as it was seen cut in recordings."""
    if not reference_chars:
        return {}
    reference = payment.invoice_id[:reference_chars]
    return {"payment_details": {"customer_reference": None, "order_reference": reference}}


def _error(tried: Attempt | None, payer: Customer) -> dict[str, object] | None:
    if tried is None or tried.decline is None:
        return None
    decline = tried.decline
    return {
        "advice_code": decline.advice,
        "charge": tried.charge_id,
        "code": "card_declined",
        "decline_code": decline.decline_code,
        "doc_url": "https://docs.stripe.com/error-codes/card-declined",
        "message": decline.message,
        "network_decline_code": decline.network_code,
        "payment_method": payment_method(tried.card, payer),
        "type": "card_error",
    }
