"""Calendar months counted from a day: 31 Jan and one month is 28 Feb, and two is 31 Mar."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime
from typing import Final

MONTHS_A_YEAR: Final = 12


def months_after(anchor: datetime, months: int) -> datetime:
    """Return the same day *months* later; of a month without that day, its last.

    Counted from the anchor each time: a month later twice is not two months later.

    Raises:
        ValueError, OverflowError: The calendar does not go so far.
    """
    years, index = divmod(anchor.month - 1 + months, MONTHS_A_YEAR)
    year, month = anchor.year + years, index + 1
    day = min(anchor.day, monthrange(year, month)[1])
    return anchor.replace(year=year, month=month, day=day)
