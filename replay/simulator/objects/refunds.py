"""Refunds, and disputes of the bank."""

from __future__ import annotations

from replay.simulator.disputed import Dispute
from replay.simulator.keys import of_version
from replay.simulator.methods import MethodType
from replay.simulator.payments import Payment, Refund
from replay.simulator.shapes import Shape

_EVIDENCE = (
    *("access_activity_log", "billing_address", "cancellation_policy"),
    *("cancellation_policy_disclosure", "cancellation_rebuttal"),
    *("customer_communication", "customer_email_address", "customer_name"),
    *("customer_purchase_ip", "customer_signature", "duplicate_charge_documentation"),
    *("duplicate_charge_explanation", "duplicate_charge_id", "product_description"),
    *("receipt", "refund_policy", "refund_policy_disclosure"),
    *("refund_refusal_explanation", "service_date", "service_documentation"),
    *("shipping_address", "shipping_carrier", "shipping_date"),
    *("shipping_documentation", "shipping_tracking_number", "uncategorized_file"),
    "uncategorized_text",
)


def refund(made: Refund, payment: Payment, shape: Shape) -> dict[str, object]:
    """Render a refund; it names its charge and intent, and its customer since dahlia."""
    tried = payment.latest
    card = tried is not None and tried.method.type is MethodType.CARD
    shown = {
        "reference_status": "pending",
        "reference_type": "acquirer_reference_number",
        "type": "refund",
    }
    rendered: dict[str, object] = {
        "id": made.refund_id,
        "object": "refund",
        "amount": made.amount,
        "balance_transaction": made.balance_transaction,
        "charge": tried.charge_id if tried else None,
        "created": made.created,
        "currency": payment.currency,
        "customer": payment.customer_id,
        "customer_account": None,
        "destination_details": {"card": shown, "type": "card"} if card else None,
        "metadata": {},
        "payment_intent": payment.intent_id,
        "payment_method": tried.method.method_id if tried else None,
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
    return of_version(rendered, shape)


def dispute(made: Dispute, shape: Shape) -> dict[str, object]:
    """Render a dispute; it names its charge and intent, and no customer."""
    rendered: dict[str, object] = {
        "id": made.dispute_id,
        "object": "dispute",
        "amount": made.amount,
        "balance_transaction": made.balance_transaction,
        "balance_transactions": [],
        "charge": made.charge_id,
        "created": made.created,
        "currency": made.currency,
        "enhanced_eligibility_types": [],
        "evidence": {
            **dict.fromkeys(_EVIDENCE),
            **({"enhanced_evidence": {}} if shape.age >= Shape.ACACIA.age else {}),
        },
        "evidence_details": {
            "due_by": made.due_by,
            **({"enhanced_eligibility": {}} if shape.age >= Shape.ACACIA.age else {}),
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": made.intent_id,
        "payment_method_details": {
            "card": {
                "brand": made.brand,
                "case_type": "chargeback",
                "network": made.brand,
                "network_reason_code": "10.4",
            },
            "type": "card",
        },
        "reason": made.reason,
        "status": made.status,
    }
    return of_version(rendered, shape)
