"""What a subscription was before: the little that is asked of its past, change by change.

1 Mar   active     si_1 price_1 3    1 Mar to 1 Apr
9 Mar   active     si_1 price_1 5    1 Mar to 1 Apr
1 Apr   past_due   si_1 price_1 5    1 Apr to 1 May
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from projections.facts import Observed, SubscriptionObserved
from projections.objects import Discount, Subscription
from projections.translation.lifecycle import is_inferred, is_shown


class Sold(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """How many of a price one item was."""

    item: str
    price: str | None
    product: str | None
    quantity: int | None


class Reduced(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A discount that was on it, or on one *item* of it."""

    discount: Discount
    item: str | None = None


class Mark(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """What a subscription was from *at* on.

    Attributes:
        sold: Each item, in order of id.
        reduced: Those of items first, as they are taken off.
        inferred: Whether only a date tells it that the subscription keeps: what it was
            then is likely, and not certain.
        shown: Whether no event tells it, but what Stripe answered *at* the time: it came
            to be so before, and nobody knows when.
    """

    at: datetime
    position: int
    status: str
    currency: str | None
    sold: tuple[Sold, ...]
    period_start: datetime | None
    period_end: datetime | None
    pause_type: str | None = None
    reduced: tuple[Reduced, ...] = ()
    inferred: bool = False
    shown: bool = False


def marked(marks: tuple[Mark, ...], event: Observed[Any]) -> tuple[Mark, ...]:
    """Return *marks* and, if it changes anything of theirs, what *event* shows.

    Only subscriptions have any.
    """
    if not isinstance(event, SubscriptionObserved):
        return marks
    mark = _mark(event)
    if marks:
        last = marks[-1]
        again = msgspec.structs.replace(
            mark,
            at=last.at,
            position=last.position,
            inferred=last.inferred,
            shown=last.shown,
        )
        if again == last:
            return marks
    return (*marks, mark)


def reduced(shown: Subscription) -> tuple[Reduced, ...]:
    """Return the discounts on *shown*, those of items first, as they are taken off."""
    of_items = [
        Reduced(discount=each, item=item.id)
        for item in shown.items
        for each in item.discounts
    ]
    return (*of_items, *(Reduced(discount=each) for each in shown.discounts))


def _mark(event: SubscriptionObserved) -> Mark:
    shown = event.subscription
    return Mark(
        at=event.occurred_at,
        position=event.position,
        status=shown.status,
        currency=shown.currency,
        sold=tuple(
            Sold(
                item=item.id,
                price=item.price,
                product=item.product,
                quantity=item.quantity,
            )
            for item in shown.items
        ),
        period_start=shown.period_start,
        period_end=shown.period_end,
        pause_type=shown.pause_type,
        reduced=reduced(shown),
        inferred=is_inferred(event.type),
        shown=is_shown(event.type),
    )
