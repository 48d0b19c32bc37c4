"""Discounts as events of their own tell them: which coupon, on what, from when to when.

`told` says what a history makes of it; see `projections.history`.
"""

from __future__ import annotations

from typing import Final

from projections.facts import DiscountObserved, FieldUnreadable
from projections.history import History, observed, unreadable
from projections.models.charged import Discounting
from projections.models.declaration import Projection, on, table


class DiscountHistory(
    History[DiscountObserved, Discounting], frozen=True, array_like=True, kw_only=True
):
    """What is kept of a discount's events."""


DISCOUNTS: Final = Projection(
    name="discounts",
    version=1,
    state=DiscountHistory,
    initial=DiscountHistory(),
    handlers=table(
        on(DiscountObserved, observed), on(FieldUnreadable, unreadable("discount"))
    ),
)
