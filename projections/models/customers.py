"""Customers: whom the invoices go to, in which currency, and what is charged by default.

`told` says what a history makes of it; see `projections.history`.
"""

from __future__ import annotations

from typing import Final

from projections.facts import CustomerObserved, FieldUnreadable
from projections.history import History, observed, unreadable
from projections.models.declaration import Projection, on, table
from projections.objects import Customer


class CustomerHistory(
    History[CustomerObserved, Customer], frozen=True, array_like=True, kw_only=True
):
    """What is kept of a customer's events."""


CUSTOMERS: Final = Projection(
    name="customers",
    version=1,
    state=CustomerHistory,
    initial=CustomerHistory(),
    handlers=table(
        on(CustomerObserved, observed), on(FieldUnreadable, unreadable("customer"))
    ),
)
