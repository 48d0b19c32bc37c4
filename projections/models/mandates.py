"""Mandates: whether a payment method may be debited.

A mandate names no customer, only its payment method, so it stands in the stream of what
is to be routed; whoever reads a payment method finds its mandate by that name.
"""

from __future__ import annotations

from typing import Final

from projections.facts import FieldUnreadable, MandateObserved
from projections.history import History, observed, told, unreadable
from projections.models.declaration import Projection, on, table
from projections.payment_objects import Mandate


class MandateHistory(
    History[MandateObserved, Mandate], frozen=True, array_like=True, kw_only=True
):
    """What is kept of a mandate's events: all, since there are few."""


def _payment_method(history: MandateHistory) -> str | None:
    says = told(history)
    return None if says is None else says.current.value.payment_method


MANDATES: Final = Projection(
    name="mandates",
    version=1,
    state=MandateHistory,
    initial=MandateHistory(),
    handlers=table(
        on(MandateObserved, observed),
        on(FieldUnreadable, unreadable("mandate")),
    ),
    refers=_payment_method,
)
