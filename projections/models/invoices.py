"""Invoices, from draft to paid or given up.

`told` says what a history makes of it; see `projections.history`.
"""

from __future__ import annotations

from typing import Final

from projections.facts import FieldUnreadable, InvoiceObserved
from projections.history import History, observed, unreadable
from projections.models.declaration import Projection, on, table
from projections.objects import Invoice


class InvoiceHistory(
    History[InvoiceObserved, Invoice], frozen=True, array_like=True, kw_only=True
):
    """What is kept of an invoice's events."""


INVOICES: Final = Projection(
    name="invoices",
    version=4,
    state=InvoiceHistory,
    initial=InvoiceHistory(),
    handlers=table(
        on(InvoiceObserved, observed), on(FieldUnreadable, unreadable("invoice"))
    ),
)
