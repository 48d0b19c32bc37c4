"""Credit notes and their one line."""

from __future__ import annotations

from replay.simulator.credit_notes import CreditNote
from replay.simulator.keys import of_version
from replay.simulator.shapes import Shape


def credit_note(made: CreditNote, shape: Shape) -> dict[str, object]:
    """Render a credit note, its keys sorted as Stripe sorts them."""
    before = made.amount if made.before_payment else 0
    keys: dict[str, object] = {
        "amount": made.amount,
        "amount_shipping": 0,
        "created": made.created,
        "currency": made.currency,
        "customer": made.customer_id,
        "customer_account": None,
        "customer_balance_transaction": made.balance_transaction,
        "discount_amount": 0,
        "discount_amounts": [],
        "effective_at": made.created,
        "invoice": made.invoice_id,
        "lines": {
            "object": "list",
            "data": [_line(made, shape)],
            "has_more": False,
            "url": f"/v1/credit_notes/{made.credit_note_id}/lines",
        },
        "livemode": False,
        "memo": None,
        "metadata": {},
        "number": made.number,
        "out_of_band_amount": None,
        "pdf": f"https://pay.stripe.com/credit_notes/acct_acme/{made.credit_note_id}/pdf",
        "post_payment_amount": made.amount - before,
        "pre_payment_amount": before,
        "pretax_credit_amounts": [],
        "reason": None,
        "shipping_cost": None,
        "status": "issued",
        "subtotal": made.amount,
        "subtotal_excluding_tax": made.amount,
        "total": made.amount,
        "total_excluding_tax": made.amount,
        "type": "pre_payment" if made.before_payment else "post_payment",
        "voided_at": None,
        **(_parents(made, shape) if shape.traits.parents else _flat_links(made)),
    }
    head: dict[str, object] = {"id": made.credit_note_id, "object": "credit_note"}
    return of_version(head | dict(sorted(keys.items())), shape)


def _line(made: CreditNote, shape: Shape) -> dict[str, object]:
    rendered: dict[str, object] = {
        "id": made.line_id,
        "object": "credit_note_line_item",
        "amount": made.amount,
        "description": "Goodwill",
        "discount_amount": 0,
        "discount_amounts": [],
        "livemode": False,
        "metadata": {},
        "pretax_credit_amounts": [],
        "quantity": 1,
        **({"taxes": []} if shape.traits.parents else {"tax_amounts": []}),
        "tax_rates": [],
        "type": "custom_line_item",
        "unit_amount": made.amount,
        "unit_amount_decimal": str(made.amount),
    }
    return of_version(rendered, shape)


def _parents(made: CreditNote, shape: Shape) -> dict[str, object]:
    refunds: list[dict[str, object]] = []
    if made.refund_id is not None:
        newer: dict[str, object] = {"payment_record_refund": None, "type": "refund"}
        refunds.append(
            {
                "amount_refunded": made.amount,
                "refund": made.refund_id,
                **(newer if shape.age >= Shape.CLOVER.age else {}),
            }
        )
    return {"refunds": refunds, "total_taxes": []}


def _flat_links(made: CreditNote) -> dict[str, object]:
    return {"refund": made.refund_id, "tax_amounts": []}
