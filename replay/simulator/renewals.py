"""The days on which subscriptions renew.

Instants are whole seconds since 1970, UTC; periods are [start, end).
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime
from typing import Final

MINUTE_S: Final = 60
HOUR_S: Final = 3600
DAY_S: Final = 86400

_MONTHS_A_YEAR: Final = 12


def months_after(anchor_s: int, months: int) -> int:
    """Return the same day and time of day, *months* after the anchor.

    A day the month does not have becomes its last one: 31 January, 28 February, 31 March.
    Count from the anchor, not from the last renewal, or the day is lost for good.
    """
    anchor = datetime.fromtimestamp(anchor_s, tz=UTC)
    years, month_index = divmod(anchor.month - 1 + months, _MONTHS_A_YEAR)
    year, month = anchor.year + years, month_index + 1
    day = min(anchor.day, monthrange(year, month)[1])
    return int(anchor.replace(year=year, month=month, day=day).timestamp())


def month_of(at: int) -> int:
    """Return the month of *at*, counted from the year 0: 24300 is January 2025."""
    moment = datetime.fromtimestamp(at, tz=UTC)
    return moment.year * _MONTHS_A_YEAR + moment.month - 1


def month_start(year: int, month: int) -> int:
    """Return the first second of a month."""
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp())
