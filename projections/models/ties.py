"""Ties: what hangs on a payment, such as a refund, a dispute, or the invoice it pays.

None of them names a customer, so they stand in the stream of what is to be routed;
whoever reads an invoice or a charge finds them by that name.
"""

from __future__ import annotations

from typing import Final

from projections.facts import FieldUnreadable, TieObserved
from projections.history import History, observed, told, unreadable
from projections.models.declaration import Projection, on, table
from projections.payment_objects import Tie


class TieHistory(History[TieObserved, Tie], frozen=True, array_like=True, kw_only=True):
    """What is kept of the events of one: all, since there are few."""


def _on_what(history: TieHistory) -> str | None:
    says = told(history)
    if says is None:
        return None
    shown = says.current.value
    return shown.invoice or shown.charge or shown.payment_intent


TIES: Final = Projection(
    name="ties",
    version=2,
    state=TieHistory,
    initial=TieHistory(),
    handlers=table(on(TieObserved, observed), on(FieldUnreadable, unreadable("tie"))),
    refers=_on_what,
)
