"""All service periods of a subscription: those that Stripe told, and those around them.

A period that a new billing anchor cut short ends where the next one starts. Before what
is known, and after it, periods are counted from the anchor. Periods are [start, end).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from itertools import pairwise

from projections.models.subscriptions import Current
from projections.status.periods import rhythm_of
from projections.status.renewals import Period, period_at
from projections.status.standings import Listed


def told_periods(current: Current) -> Sequence[Period]:
    """Return the periods that Stripe told, oldest first, none reaching into another."""
    ends: dict[datetime, datetime] = {}
    for mark in current.marks:
        if mark.period_start is not None and mark.period_end is not None:
            ends[mark.period_start] = mark.period_end
    found = [Period(start, end) for start, end in sorted(ends.items()) if start < end]
    cut = [
        Period(each.start, min(each.end, after.start)) for each, after in pairwise(found)
    ]
    return [*cut, *found[-1:]]


def at(listed: Listed, moment: datetime) -> Period | None:
    """Return the period that *moment* falls in; None where there is none."""
    current = listed.current
    told = told_periods(current)
    for each in told:
        if each.start <= moment < each.end:
            return each
    period = listed.period
    if period is not None and period.start <= moment < period.end:
        return Period(period.start, period.end)
    rhythm, began = rhythm_of(current.value.items), _began(current)
    if rhythm is None or moment < began or (told and moment >= told[-1].end):
        return None
    anchor = told[0].start if told else began
    found = period_at(anchor, rhythm, moment)
    return None if found is None else Period(max(found.start, began), found.end)


def starting_on(listed: Listed, day: date) -> Period | None:
    """Return the period that starts on *day*, in UTC; the last, if several do."""
    current = listed.current
    found = [each for each in told_periods(current) if each.start.date() == day]
    if found:
        return found[-1]
    period = listed.period
    if period is not None and period.start.date() == day:
        return Period(period.start, period.end)
    end = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=_began(current).tzinfo)
    counted = at(listed, end)
    return counted if counted is not None and counted.start.date() == day else None


def next_period(listed: Listed) -> Period | None:
    """Return the period after the one it is in; None where nothing can be said."""
    period = listed.period
    if period is None:
        return None
    rhythm = rhythm_of(listed.subscription.items)
    if rhythm is None:
        return None
    anchor = listed.subscription.billing_cycle_anchor or period.end
    found = period_at(anchor, rhythm, period.end)
    if found is None or found.end <= period.end:
        return None
    return Period(period.end, found.end)


def _began(current: Current) -> datetime:
    shown = current.value
    return shown.start_date or shown.created or current.first_at
