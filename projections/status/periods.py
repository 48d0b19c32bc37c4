"""The service period a subscription is in: Stripe's, or our estimate while that is behind.

Stripe says until 1 Mar, now 20 Feb     that period
Stripe says until 1 Mar, now 2 Mar      1 Mar to 1 Apr, an estimate, if it goes on
Stripe says nothing                     counted from the anchor, an estimate
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import attrs

from projections.facts import Item, Subscription
from projections.models.subscriptions import Current
from projections.status.renewals import Period, Rhythm, period_at

# What goes on from period to period unless it was told to end.
RENEWING: Final = frozenset({"active", "trialing", "past_due", "unpaid"})


@attrs.frozen(kw_only=True)
class ServicePeriod:
    """A period, [start, end).

    Attributes:
        estimated: Whether it is counted by us because Stripe's is unknown or over.
    """

    start: datetime
    end: datetime
    estimated: bool = False


def current_period(current: Current, now: datetime) -> ServicePeriod | None:
    """Return the period of the subscription at *now*; None where nothing can be said."""
    shown = current.value
    told = _told(shown.period_start, shown.period_end)
    return _at(current, told, rhythm_of(shown.items), now)


def period_of_item(current: Current, item: Item, now: datetime) -> ServicePeriod | None:
    """Return the period of one item; items of one subscription may renew apart."""
    told = _told(item.period_start, item.period_end)
    if told is None:
        return current_period(current, now)
    return _at(current, told, rhythm_of([item]), now)


def rhythm_of(items: Iterable[Item]) -> Rhythm | None:
    """Return how often the item renews that renews most often."""
    rhythms = [
        Rhythm(item.interval, item.interval_count or 1) for item in items if item.interval
    ]
    known = [rhythm for rhythm in rhythms if rhythm.known]
    return min(known, key=_days, default=None)


def _at(
    current: Current, told: Period | None, rhythm: Rhythm | None, now: datetime
) -> ServicePeriod | None:
    if told is not None and (now < told.end or not _goes_on(current.value, told)):
        return ServicePeriod(start=told.start, end=told.end)
    if rhythm is not None and (told is not None or _renews(current.value)):
        counted = period_at(_anchor(current, told), rhythm, now)
        if counted is not None:
            start = counted.start if told is None else max(counted.start, told.end)
            return ServicePeriod(start=start, end=counted.end, estimated=True)
    return None if told is None else ServicePeriod(start=told.start, end=told.end)


def _told(start: datetime | None, end: datetime | None) -> Period | None:
    return None if start is None or end is None or end < start else Period(start, end)


def _renews(shown: Subscription) -> bool:
    return shown.status in RENEWING


def _goes_on(shown: Subscription, told: Period) -> bool:
    ends = shown.cancel_at_period_end or (
        shown.cancel_at is not None and shown.cancel_at <= told.end
    )
    return _renews(shown) and not ends


def _anchor(current: Current, told: Period | None) -> datetime:
    """Return the instant to count from: Stripe's anchor, else the fullest day seen.

    Of 28 Feb and 31 Mar only the second tells that renewals are on the last of a month.
    """
    shown = current.value
    if shown.billing_cycle_anchor is not None:
        return shown.billing_cycle_anchor
    if told is None:
        return shown.created or current.first_at
    return max((told.start, told.end), key=_day_of_month)


def _day_of_month(moment: datetime) -> int:
    return moment.day


def _days(rhythm: Rhythm) -> int:
    return {"day": 1, "week": 7, "month": 30, "year": 365}[rhythm.interval] * rhythm.count
