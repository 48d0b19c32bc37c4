"""Moments as people write them on a command line.

2026-11-01                   its midnight, UTC
2026-11-01T09:30:00+01:00    that very moment
90m  12h  30d                that long before now, or after it
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from ledger.moments import YEARS
from replay.arguments.options import UsageError

_SPAN: Final = re.compile(r"([1-9][0-9]{0,5})([smhdw])")
_UNITS: Final = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def earlier(text: str, now: datetime) -> datetime:
    """Return a moment, spans counted back from *now*.

    Raises:
        UsageError: It is no moment.
    """
    return _moment(text, now, -1)


def later(text: str, now: datetime) -> datetime:
    """Return a moment, spans counted on from *now*.

    Raises:
        UsageError: It is no moment.
    """
    return _moment(text, now, 1)


def _moment(text: str, now: datetime, direction: int) -> datetime:
    span = _SPAN.fullmatch(text)
    try:
        if span is not None:
            moment = now + direction * int(span[1]) * _UNITS[span[2]]
        else:
            moment = datetime.fromisoformat(text)
        zone = UTC if moment.tzinfo is None else moment.tzinfo
        found = moment.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no time; write 2026-11-01, 2026-11-01T09:30:00Z, 12h or 30d"
        ) from None
    if found.year not in YEARS:
        raise UsageError(f"{text!r} is not between the years {YEARS[0]} and {YEARS[-1]}")
    return found
