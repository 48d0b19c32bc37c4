"""Invoices, their lines, and what links them to a payment."""

from __future__ import annotations

from replay.simulator.customers import Customer
from replay.simulator.invoices import Invoice, InvoiceStatus, Line
from replay.simulator.keys import of_version
from replay.simulator.objects.addresses import address
from replay.simulator.objects.invoice_lines import line
from replay.simulator.payments import Payment
from replay.simulator.renewals import HOUR_S
from replay.simulator.shapes import Shape


def invoice(billed: Invoice, payer: Customer, shape: Shape) -> dict[str, object]:
    """Render an invoice with all its lines.

    The keys are sorted as Stripe sorts them: id and object first, the rest by name.
    """
    keys = {
        **_parties(billed, payer),
        **_course(billed),
        **_amounts(billed),
        **_settings(),
        "lines": _lines(billed, shape),
        **(_parents(billed) if shape.traits.parents else _flat_links(billed)),
    }
    head: dict[str, object] = {"id": billed.invoice_id, "object": "invoice"}
    return of_version(head | {name: keys[name] for name in sorted(keys)}, shape)


def invoice_payment(
    billed: Invoice, payment: Payment, payment_id: str
) -> dict[str, object]:
    """Render what joins a paid invoice to its intent, in versions that keep them apart."""
    return {
        "id": payment_id,
        "object": "invoice_payment",
        "amount_paid": billed.amount_paid,
        "amount_requested": billed.total,
        "created": payment.created,
        "currency": payment.currency,
        "invoice": billed.invoice_id,
        "is_default": True,
        "livemode": False,
        "payment": {"payment_intent": payment.intent_id, "type": "payment_intent"},
        "status": "paid",
        "status_transitions": {"canceled_at": None, "paid_at": billed.paid_at},
    }


def _parties(billed: Invoice, payer: Customer) -> dict[str, object]:
    return {
        "account_country": "US",
        "account_name": "Acme",
        "account_tax_ids": None,
        "application": None,
        "currency": billed.lines[0].price.currency,
        "customer": billed.customer_id,
        "customer_account": None,
        "customer_address": address(payer.address) if payer.address else None,
        "customer_email": payer.email,
        "customer_name": payer.name,
        "customer_phone": None,
        "customer_shipping": None,
        "customer_tax_exempt": payer.tax_exempt,
        "customer_tax_ids": [],
        "issuer": {"type": "self"},
        "on_behalf_of": None,
    }


def _course(billed: Invoice) -> dict[str, object]:
    """Render what changes from draft to paid."""
    draft = billed.status is InvoiceStatus.DRAFT
    waits = draft and billed.auto_advance
    page = f"acct_acme/test_{billed.invoice_id}"
    return {
        "attempt_count": billed.attempts,
        "attempted": billed.attempted,
        "auto_advance": billed.auto_advance,
        "automatically_finalizes_at": billed.created + HOUR_S if waits else None,
        "billing_reason": billed.billing_reason,
        "collection_method": "charge_automatically",
        "created": billed.created,
        "due_date": None,
        "effective_at": billed.finalized_at,
        "ending_balance": None if draft else 0,
        "hosted_invoice_url": None if draft else f"https://invoice.stripe.com/i/{page}",
        "invoice_pdf": None if draft else f"https://pay.stripe.com/invoice/{page}/pdf",
        "last_finalization_error": None,
        "livemode": False,
        "next_payment_attempt": billed.next_attempt,
        "number": billed.number,
        "period_end": billed.period_end,
        "period_start": billed.period_start,
        "receipt_number": None,
        "status": billed.status.value,
        "status_details": _status_details(billed),
        "status_transitions": {
            "finalized_at": billed.finalized_at,
            "marked_uncollectible_at": billed.written_off_at,
            "paid_at": billed.paid_at,
            "voided_at": billed.voided_at,
        },
        "webhooks_delivered_at": billed.created,
    }


def _amounts(billed: Invoice) -> dict[str, object]:
    """Render the sums, all minor units."""
    total = billed.total
    return {
        "amount_due": total,
        "amount_overpaid": 0,
        "amount_paid": billed.amount_paid,
        "amount_paid_off_stripe": 0,
        "amount_remaining": billed.amount_remaining,
        "amount_shipping": 0,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": 0,
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "total": total,
        "total_discount_amounts": [],
        "total_excluding_tax": total,
        "total_pretax_credit_amounts": [],
    }


def _status_details(billed: Invoice) -> dict[str, object] | None:
    if billed.written_off_for is None:
        return None
    return {"uncollectible": {"reason": billed.written_off_for}}


def _settings() -> dict[str, object]:
    return {
        "custom_fields": None,
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "footer": None,
        "from_invoice": None,
        "latest_revision": None,
        "metadata": {},
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "statement_descriptor": None,
        "test_clock": None,
    }


def _lines(billed: Invoice, shape: Shape) -> dict[str, object]:
    lines: tuple[Line, ...] = billed.lines
    return {
        "object": "list",
        "data": [line(one, billed, shape) for one in lines],
        "has_more": False,
        "total_count": len(lines),
        "url": f"/v1/invoices/{billed.invoice_id}/lines",
    }


def _parents(billed: Invoice) -> dict[str, object]:
    return {
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "provider": None,
            "status": None,
        },
        "parent": {
            "quote_details": None,
            "subscription_details": {
                "metadata": {},
                "subscription": billed.subscription_id,
            },
            "type": "subscription_details",
        },
        "total_taxes": [],
    }


def _flat_links(billed: Invoice) -> dict[str, object]:
    """Render what only the versions before basil have."""
    payment = billed.payment
    charged = payment.latest if payment else None
    return {
        "application_fee_amount": None,
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "status": None,
        },
        "charge": charged.charge_id if charged else None,
        "discount": None,
        "paid": billed.status is InvoiceStatus.PAID,
        "paid_out_of_band": False,
        "payment_intent": payment.intent_id if payment else None,
        "quote": None,
        "subscription": billed.subscription_id,
        "subscription_details": {"metadata": {}},
        "tax": None,
        "total_tax_amounts": [],
        "transfer_data": None,
    }
