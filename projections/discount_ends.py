"""When discounts ended: as an event tells that did it, or as what they were on shows.

    customer.discount.deleted   di_1           it ended then
    sub_1, asked for later      without di_1   it had ended, and nobody brought that

Only what Stripe answers shows every discount there is: webhooks of older versions hide
some. When an unheard one ended is told by the first that is known of the subscription
without it, and else is that it was gone when Stripe was asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs

from projections.history import Current
from projections.marks import Mark
from projections.models.discounts import DiscountHistory
from projections.objects import Customer, Discount, Subscription


@attrs.frozen(kw_only=True)
class Listed:
    """The discounts that were on something *at* the time Stripe last showed it."""

    at: datetime
    ids: frozenset[str]

    def lacks(self, name: str, told_at: datetime) -> bool:
        """Tell whether a discount last *told_at* some time was gone by then."""
        return told_at < self.at and name not in self.ids


def heard(discounts: Mapping[str, DiscountHistory]) -> Iterator[tuple[str, datetime]]:
    """Yield each discount that an event took away, and when it did."""
    for name, history in discounts.items():
        yield from ((name, each.occurred_at) for each in history.recent if each.deletes)


def unheard(
    discounts: Mapping[str, DiscountHistory],
    subscriptions: Mapping[str, Current[Subscription]],
    customer: Current[Customer] | None,
) -> Iterator[tuple[str, datetime]]:
    """Yield each discount that is on nothing any more, though no event took it away."""
    for name, history in discounts.items():
        says = history.told
        if says is None or says.current.deleted or says.current.value.invoice is not None:
            continue
        on = says.current.value.subscription
        holder = customer if on is None else subscriptions.get(on)
        last = max((each.occurred_at for each in history.recent), default=None)
        end = None if holder is None or last is None else _end(holder, name, last)
        if end is not None:
            yield name, end


def listed(holder: Current[Any]) -> Listed | None:
    """Return what was on *holder* when Stripe last showed it; None if it never did."""
    shown_at = holder.shown_at
    if shown_at is None or holder.deleted:
        return None
    if isinstance(holder.value, Customer):
        # Webhooks of every version show all that is on a customer.
        return Listed(at=shown_at, ids=_ids(holder.value.discounts))
    last = [mark for mark in holder.marks if mark.at <= shown_at][-1:]
    return Listed(at=shown_at, ids=frozenset().union(*map(_on, last)))


def _end(holder: Current[Any], name: str, told_at: datetime) -> datetime | None:
    """Return when *holder* was without what was *told_at* a time; None if it has it."""
    then = listed(holder)
    if then is None or not then.lacks(name, told_at):
        return None
    marks = [each for each in holder.marks if each.at <= then.at]
    listing = [name in _on(mark) for mark in marks]
    since = marks[-listing[::-1].index(True)].at if any(listing) else then.at
    return since if since > told_at else then.at


def _on(mark: Mark) -> frozenset[str]:
    return _ids(each.discount for each in mark.reduced)


def _ids(discounts: Iterable[Discount]) -> frozenset[str]:
    return frozenset(each.id for each in discounts)
