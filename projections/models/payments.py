"""Payments: charges and the intents that join them, as Stripe's events show them.

`told` says what a history makes of it; see `projections.history`.
"""

from __future__ import annotations

from typing import Final

from projections.facts import FieldUnreadable, PaymentObserved
from projections.history import History, observed, unreadable
from projections.models.declaration import Projection, on, table
from projections.payment_objects import Payment


class PaymentHistory(
    History[PaymentObserved, Payment], frozen=True, array_like=True, kw_only=True
):
    """What is kept of the events of a charge or an intent."""


PAYMENTS: Final = Projection(
    name="payments",
    version=2,
    state=PaymentHistory,
    initial=PaymentHistory(),
    handlers=table(
        on(PaymentObserved, observed), on(FieldUnreadable, unreadable("payment"))
    ),
)
