"""Credit notes: what was taken off invoices after they were finalized.

`told` says what a history makes of it; see `projections.history`.
"""

from __future__ import annotations

from typing import Final

from projections.facts import CreditNoteObserved, FieldUnreadable
from projections.history import History, observed, unreadable
from projections.models.charged import CreditNote
from projections.models.declaration import Projection, on, table


class CreditNoteHistory(
    History[CreditNoteObserved, CreditNote], frozen=True, array_like=True, kw_only=True
):
    """What is kept of a credit note's events."""


CREDIT_NOTES: Final = Projection(
    name="credit_notes",
    version=1,
    state=CreditNoteHistory,
    initial=CreditNoteHistory(),
    handlers=table(
        on(CreditNoteObserved, observed), on(FieldUnreadable, unreadable("credit_note"))
    ),
)
