"""A charge the customer's bank takes back, as it stands."""

from __future__ import annotations

import attrs


@attrs.define(kw_only=True, eq=False)
class Dispute:
    """A dispute; instants in whole seconds since 1970.

    Attributes:
        amount: Minor units: all of the charge.
        due_by: Until when the seller may answer.
        status: Stripe's word for it: needs_response, under_review, won or lost.
    """

    dispute_id: str
    charge_id: str
    intent_id: str
    created: int
    amount: int
    currency: str
    brand: str
    reason: str
    due_by: int
    balance_transaction: str
    status: str = "needs_response"
