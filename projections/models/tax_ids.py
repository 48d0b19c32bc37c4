"""Tax ids: under which numbers a customer is known to tax offices.

`told` says what a history makes of it; see `projections.history`.
"""

from __future__ import annotations

from typing import Final

from projections.facts import FieldUnreadable, TaxIdObserved
from projections.history import History, observed, unreadable
from projections.models.declaration import Projection, on, table
from projections.objects import TaxId


class TaxIdHistory(
    History[TaxIdObserved, TaxId], frozen=True, array_like=True, kw_only=True
):
    """What is kept of a tax id's events."""


TAX_IDS: Final = Projection(
    name="tax_ids",
    version=1,
    state=TaxIdHistory,
    initial=TaxIdHistory(),
    handlers=table(on(TaxIdObserved, observed), on(FieldUnreadable, unreadable("tax_id"))),
)
