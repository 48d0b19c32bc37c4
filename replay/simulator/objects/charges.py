"""Charges: one attempt to take money from a card or an account."""

from __future__ import annotations

from replay.simulator.keys import of_version
from replay.simulator.methods import Method, MethodType
from replay.simulator.objects.addresses import checks
from replay.simulator.objects.methods import billing_details, details
from replay.simulator.objects.refunds import refund
from replay.simulator.payments import Attempt, Payment
from replay.simulator.shapes import Shape


def charge(tried: Attempt, payment: Payment, shape: Shape) -> dict[str, object]:
    """Render a charge: succeeded, failed, or still under way."""
    decline = tried.decline
    paid = tried.succeeded
    back = sum(each.amount for each in payment.refunds) if paid else 0
    rendered: dict[str, object] = {
        "id": tried.charge_id,
        "object": "charge",
        "amount": payment.amount,
        "amount_captured": payment.amount if paid else 0,
        "amount_refunded": back,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": tried.balance_transaction if paid else None,
        "billing_details": billing_details(None, None),
        "calculated_statement_descriptor": "ACME",
        "captured": paid,
        "created": tried.created,
        "currency": payment.currency,
        "customer": payment.customer_id,
        "description": payment.description,
        "destination": None,
        "dispute": None,
        "disputed": payment.disputed,
        "failure_balance_transaction": None,
        "failure_code": None if decline is None else decline.code,
        "failure_message": None if decline is None else decline.message,
        "fraud_details": {},
        "invoice": payment.invoice_id,
        "livemode": False,
        "metadata": {},
        "on_behalf_of": None,
        "order": None,
        "outcome": _outcome(tried),
        "paid": paid,
        "payment_intent": payment.intent_id,
        "payment_method": tried.method.method_id,
        "payment_method_details": {
            tried.method.type.value: _details(tried, payment.amount, shape),
            "type": tried.method.type.value,
        },
        "radar_options": {},
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": _receipt(tried) if paid else None,
        "refunded": back == payment.amount and bool(back),
        **(_refunds(tried, payment, shape) if shape.traits.inlined_charges else {}),
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": _status(tried),
        "transfer_data": None,
        "transfer_group": None,
    }
    return of_version(rendered, shape)


def _status(tried: Attempt) -> str:
    if tried.pending:
        return "pending"
    return "succeeded" if tried.succeeded else "failed"


def _refunds(tried: Attempt, payment: Payment, shape: Shape) -> dict[str, object]:
    """Render the list of refunds, as charges held it until 2022-11-15."""
    made = payment.refunds if tried.succeeded else []
    return {
        "refunds": {
            "object": "list",
            "data": [refund(each, payment, shape) for each in reversed(made)],
            "has_more": False,
            "total_count": len(made),
            "url": f"/v1/charges/{tried.charge_id}/refunds",
        }
    }


def _receipt(tried: Attempt) -> str:
    return f"https://pay.stripe.com/receipts/payment/{tried.charge_id}"


def _outcome(tried: Attempt) -> dict[str, object]:
    decline, risk_score = tried.decline, tried.risk_score
    if decline is None:
        return {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": risk_score,
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    return {
        "advice_code": decline.advice,
        "network_advice_code": None,
        "network_decline_code": decline.network_code,
        "network_status": "declined_by_network",
        "reason": decline.decline_code,
        "risk_level": "normal",
        "risk_score": risk_score,
        "seller_message": "The bank declined the payment.",
        "type": "issuer_declined",
    }


def _details(tried: Attempt, amount: int, shape: Shape) -> dict[str, object]:
    method = tried.method
    if method.type is not MethodType.CARD:
        return {**details(method, shape), "mandate": method.mandate_id}
    if shape is Shape.Y2020:
        return _plain_card(method)
    paid = tried.succeeded
    keys = {
        "amount_authorized": amount if paid else None,
        "authorization_code": tried.authorization if paid else None,
        **_plain_card(method),
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "multicapture": {"status": "unavailable"},
        "network_token": {"used": False},
        "network_transaction_id": tried.network_transaction,
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "regulated_status": "unregulated",
    }
    return dict(sorted(keys.items()))


def _plain_card(card: Method) -> dict[str, object]:
    return {
        "brand": card.brand,
        "checks": checks(),
        "country": card.country,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "fingerprint": card.fingerprint,
        "funding": "credit",
        "installments": None,
        "last4": card.last4,
        "mandate": None,
        "network": card.brand,
        "three_d_secure": None,
        "wallet": None,
    }
