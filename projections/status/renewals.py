"""The days on which a subscription renews, counted from its anchor.

    31 Jan, monthly    28 Feb, 31 Mar, 30 Apr …      a month without that day: its last
    29 Feb, yearly     28 Feb 2025 … 29 Feb 2028

Counted from the anchor and never from the renewal before, or the day is lost for good.
Periods are [start, end).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import attrs

from ledger.horizon import unwatched
from ledger.months import MONTHS_A_YEAR, months_after

DAYS: Final = {"day": 1, "week": 7}
MONTHS: Final = {"month": 1, "year": 12}


@attrs.frozen
class Rhythm:
    """How often: *count* times an *interval* (``day``, ``week``, ``month``, ``year``)."""

    interval: str
    count: int = 1

    @property
    def known(self) -> bool:
        """Whether it can be counted in."""
        return self.count > 0 and (self.interval in DAYS or self.interval in MONTHS)


@attrs.frozen
class Period:
    """A service period, [start, end)."""

    start: datetime
    end: datetime


def renewal(anchor: datetime, rhythm: Rhythm, number: int) -> datetime | None:
    """Return the renewal of that *number*, the anchor being 0; None beyond the calendar.

    Args:
        rhythm: One that is known.
    """
    try:
        if rhythm.interval in DAYS:
            days = DAYS[rhythm.interval] * rhythm.count * number
            return anchor + timedelta(days=days)
        return months_after(anchor, MONTHS[rhythm.interval] * rhythm.count * number)
    except (OverflowError, ValueError):
        return None


def period_at(anchor: datetime, rhythm: Rhythm, moment: datetime) -> Period | None:
    """Return the period that *moment* falls in; None beyond the calendar."""
    number = _guess(anchor, rhythm, unwatched(moment))
    start, end = renewal(anchor, rhythm, number), renewal(anchor, rhythm, number + 1)
    while start is not None and start > moment:
        number -= 1
        start, end = renewal(anchor, rhythm, number), start
    while end is not None and end <= moment:
        number += 1
        start, end = end, renewal(anchor, rhythm, number + 1)
    return None if start is None or end is None else Period(start, end)


def next_renewal(anchor: datetime, rhythm: Rhythm, after: datetime) -> datetime | None:
    """Return the first renewal later than *after*; None beyond the calendar."""
    period = period_at(anchor, rhythm, after)
    return None if period is None else period.end


def _guess(anchor: datetime, rhythm: Rhythm, moment: datetime) -> int:
    if rhythm.interval in DAYS:
        return (moment - anchor).days // (DAYS[rhythm.interval] * rhythm.count)
    months = (moment.year - anchor.year) * MONTHS_A_YEAR + moment.month - anchor.month
    return months // (MONTHS[rhythm.interval] * rhythm.count)
