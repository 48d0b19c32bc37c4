"""What is to be charged with a next invoice, and what has found its invoice.

`told` says what a history makes of it; see `projections.history`.
"""

from __future__ import annotations

from typing import Final

from projections.facts import FieldUnreadable, InvoiceItemObserved
from projections.history import History, observed, unreadable
from projections.models.charged import InvoiceItem
from projections.models.declaration import Projection, on, table


class InvoiceItemHistory(
    History[InvoiceItemObserved, InvoiceItem], frozen=True, array_like=True, kw_only=True
):
    """What is kept of an invoice item's events."""


INVOICE_ITEMS: Final = Projection(
    name="invoice_items",
    version=1,
    state=InvoiceItemHistory,
    initial=InvoiceItemHistory(),
    handlers=table(
        on(InvoiceItemObserved, observed), on(FieldUnreadable, unreadable("invoice_item"))
    ),
)
