"""Charges: one attempt to take money from a card."""

from __future__ import annotations

from replay.simulator.customers import Card
from replay.simulator.objects.customers import billing_details, checks
from replay.simulator.payments import Attempt, Decline, Payment
from replay.simulator.shapes import TRAITS, Shape


def charge(tried: Attempt, payment: Payment, shape: Shape) -> dict[str, object]:
    """Render a charge, succeeded or failed."""
    decline = tried.decline
    paid = decline is None
    return {
        "id": tried.charge_id,
        "object": "charge",
        "amount": payment.amount,
        "amount_captured": payment.amount if paid else 0,
        "amount_refunded": 0,
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
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None if paid else "card_declined",
        "failure_message": None if decline is None else decline.message,
        "fraud_details": {},
        **({} if TRAITS[shape].payments_apart else {"invoice": payment.invoice_id}),
        "livemode": False,
        "metadata": {},
        "on_behalf_of": None,
        "order": None,
        "outcome": _outcome(decline, tried.risk_score),
        "paid": paid,
        "payment_intent": payment.intent_id,
        "payment_method": tried.card.method_id,
        "payment_method_details": {
            "card": _card_details(tried, payment.amount),
            "type": "card",
        },
        "radar_options": {},
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": _receipt(tried) if paid else None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded" if paid else "failed",
        "transfer_data": None,
        "transfer_group": None,
    }


def _receipt(tried: Attempt) -> str:
    return f"https://pay.stripe.com/receipts/payment/{tried.charge_id}"


def _outcome(decline: Decline | None, risk_score: int) -> dict[str, object]:
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


def _card_details(tried: Attempt, amount: int) -> dict[str, object]:
    card: Card = tried.card
    paid = tried.decline is None
    return {
        "amount_authorized": amount if paid else None,
        "authorization_code": tried.authorization if paid else None,
        "brand": card.brand,
        "checks": checks(),
        "country": "US",
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "extended_authorization": {"status": "disabled"},
        "fingerprint": card.fingerprint,
        "funding": "credit",
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": card.last4,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "network_token": {"used": False},
        "network_transaction_id": tried.network_transaction,
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": None,
        "wallet": None,
    }
