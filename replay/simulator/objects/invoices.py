"""Invoices, their lines, and what links them to a payment."""

from __future__ import annotations

from replay.simulator.customers import Customer, Payer
from replay.simulator.invoices import (
    Invoice,
    InvoiceStatus,
    discount_totals,
    tax_totals,
)
from replay.simulator.keys import of_version
from replay.simulator.objects.addresses import address
from replay.simulator.objects.invoice_lines import (
    discount_amounts,
    line,
    pretax_credits,
)
from replay.simulator.objects.reductions import discount
from replay.simulator.objects.taxes import tax_amounts, tax_rates, taxes
from replay.simulator.payments import Payment
from replay.simulator.renewals import HOUR_S
from replay.simulator.shapes import Shape

_METHODS = {False: "charge_automatically", True: "send_invoice"}


def invoice(billed: Invoice, payer: Customer, shape: Shape) -> dict[str, object]:
    """Render an invoice with all its lines.

    The keys are sorted as Stripe sorts them: id and object first, the rest by name.
    """
    keys = {
        **_parties(billed, billed.payer or payer.payer),
        **_course(billed),
        **_amounts(billed),
        **_settings(billed, shape),
        "lines": _lines(billed, shape),
        **(_parents(billed) if shape.traits.parents else _flat_links(billed, shape)),
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
        "amount_requested": billed.amount_due,
        "created": payment.created,
        "currency": payment.currency,
        "invoice": billed.invoice_id,
        "is_default": True,
        "livemode": False,
        "payment": {"payment_intent": payment.intent_id, "type": "payment_intent"},
        "status": "paid",
        "status_transitions": {"canceled_at": None, "paid_at": billed.paid_at},
    }


def _parties(billed: Invoice, payer: Payer) -> dict[str, object]:
    return {
        "account_country": "US",
        "account_name": "Acme",
        "account_tax_ids": None,
        "application": None,
        "currency": billed.currency,
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
        "collection_method": _METHODS[billed.by_mail],
        "created": billed.created,
        "due_date": billed.due_date,
        "effective_at": billed.finalized_at,
        "ending_balance": billed.balance_end,
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
    """Render the sums, all minor units.

    The subtotal is what is left once the discounts of items are taken off.
    """
    total, lines = billed.total, billed.lines
    within = sum(line.tax_within for line in lines)
    beside = sum(line.tax_beside for line in lines)
    on_all = {each.discount_id for each in billed.discounts}
    taken = tuple(discount_totals(lines))
    subtotal = sum(line.amount for line in lines) - sum(
        amount for discount_id, amount in taken if discount_id not in on_all
    )
    return {
        "amount_due": billed.amount_due,
        "amount_overpaid": 0,
        "amount_paid": billed.amount_paid,
        "amount_paid_off_stripe": 0,
        "amount_remaining": billed.amount_remaining,
        "amount_shipping": 0,
        "post_payment_credit_notes_amount": billed.credited_after,
        "pre_payment_credit_notes_amount": billed.credited_before,
        "starting_balance": billed.balance_start,
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - within,
        "total": total,
        "total_discount_amounts": discount_amounts(taken),
        "total_excluding_tax": total - within - beside,
        "total_pretax_credit_amounts": pretax_credits(taken),
    }


def _status_details(billed: Invoice) -> dict[str, object] | None:
    if billed.written_off_for is None:
        return None
    return {"uncollectible": {"reason": billed.written_off_for}}


def _settings(billed: Invoice, shape: Shape) -> dict[str, object]:
    return {
        "custom_fields": None,
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": tax_rates(billed.rates, shape),
        "description": None,
        "discounts": [each.discount_id for each in billed.discounts],
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
    lines = billed.lines
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
        }
        if billed.subscription_id
        else None,
        "total_taxes": taxes(tax_totals(billed.lines)),
    }


def _flat_links(billed: Invoice, shape: Shape) -> dict[str, object]:
    """Render what only the versions before basil have."""
    payment = billed.payment
    charged = payment.latest if payment else None
    totals = tax_totals(billed.lines)
    only = billed.discounts[0] if len(billed.discounts) == 1 else None
    return {
        "application_fee_amount": None,
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "status": None,
        },
        "charge": charged.charge_id if charged else None,
        "discount": discount(only, shape) if only else None,
        "paid": billed.status is InvoiceStatus.PAID,
        "paid_out_of_band": billed.paid_elsewhere,
        "payment_intent": payment.intent_id if payment else None,
        "quote": None,
        "subscription": billed.subscription_id,
        "subscription_details": {"metadata": {} if billed.subscription_id else None},
        "tax": sum(tax.amount for tax in totals) if totals else None,
        "total_tax_amounts": tax_amounts(totals),
        "transfer_data": None,
    }
