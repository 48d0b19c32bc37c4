"""A credit note, as it stands."""

from __future__ import annotations

import attrs


@attrs.define(kw_only=True, eq=False)
class CreditNote:
    """A part of an invoice that the customer need not pay, or gets back.

    Attributes:
        amount: Minor units.
        before_payment: Whether it lowers what is due; else it gives back what was paid.
        refund_id: The refund by which it came back; None for any other way.
        balance_transaction: What put it into the balance (``cbtxn_…``), if it went there.
    """

    credit_note_id: str
    line_id: str
    invoice_id: str
    customer_id: str
    number: str
    created: int
    amount: int
    currency: str
    before_payment: bool
    refund_id: str | None = None
    balance_transaction: str | None = None
