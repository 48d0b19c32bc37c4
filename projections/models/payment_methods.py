"""Payment methods: what a customer can be charged by, never a number.

`told` says what a history makes of it; see `projections.history`.
"""

from __future__ import annotations

from typing import Final

from projections.facts import FieldUnreadable, PaymentMethodObserved
from projections.history import History, observed, unreadable
from projections.models.declaration import Projection, on, table
from projections.payment_objects import PaymentMethod


class PaymentMethodHistory(
    History[PaymentMethodObserved, PaymentMethod],
    frozen=True,
    array_like=True,
    kw_only=True,
):
    """What is kept of a payment method's events."""


PAYMENT_METHODS: Final = Projection(
    name="payment_methods",
    version=2,
    state=PaymentMethodHistory,
    initial=PaymentMethodHistory(),
    handlers=table(
        on(PaymentMethodObserved, observed),
        on(FieldUnreadable, unreadable("payment_method")),
    ),
)
