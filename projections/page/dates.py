"""Dates and times as a reader writes them, in the reader's zone.

1 Nov 2026      day          1 Nov 2026, 01:00      moment, in a zone told elsewhere
Nov 1, 2026     day, en-US   4 s, 12 min, 3 days        lasting
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from projections.page.readers import Reader

MINUTE_S: Final = 60
HOUR_S: Final = 3600
DAY_S: Final = 86_400
# Babel takes 50 µs for each; a page has thirty, and is looked at again and again.
_KEPT: Final = 8192
_UNITS: Final = ((DAY_S, "day"), (HOUR_S, "h"), (MINUTE_S, "min"), (1, "s"))


@lru_cache(maxsize=_KEPT)
def day(moment: datetime, reader: Reader) -> str:
    """Write the date of *moment*."""
    from babel.dates import format_date  # noqa: PLC0415

    local = moment.astimezone(reader.zone)
    return str(format_date(local.date(), "medium", reader.locale))


@lru_cache(maxsize=_KEPT)
def instant(moment: datetime, reader: Reader) -> str:
    """Write the date and the time of *moment*; its zone is told once for all of them."""
    from babel.dates import format_time  # noqa: PLC0415

    local = moment.astimezone(reader.zone)
    time = format_time(local, "short", reader.zone, reader.locale)
    return f"{day(moment, reader)}, {time}"


@lru_cache(maxsize=_KEPT)
def zone(reader: Reader) -> str:
    """Write the name of the reader's zone as people say it, else as it is called."""
    from babel.dates import get_timezone_name  # noqa: PLC0415

    if reader.zone.key == "UTC":
        return "UTC"
    return str(get_timezone_name(reader.zone, locale="en_US"))


def lasting(length: timedelta) -> str:
    """Write a length of time in its largest whole unit, rounded down."""
    seconds = max(0, int(length.total_seconds()))
    for size, name in _UNITS:
        if seconds >= size:
            number = seconds // size
            plural = "s" if name == "day" and number != 1 else ""
            return f"{number} {name}{plural}"
    return "0 s"


def within(moment: datetime, now: datetime) -> str:
    """Say how far *moment* is from *now*: ``in 3 days``, ``12 min ago``, ``now``."""
    if moment == now:
        return "now"
    if moment > now:
        return f"in {lasting(moment - now)}"
    return f"{lasting(now - moment)} ago"
