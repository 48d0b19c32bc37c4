"""A month of the books as it is given on a command line."""

from __future__ import annotations

from datetime import datetime

from ledger.book_months import BookMonth, BookMonthError
from ledger.settings import load
from replay.arguments.options import UsageError


def month_of(text: str) -> tuple[datetime, datetime]:
    """Return [start, end) of a month such as 2026-10, in the zone of the books.

    Raises:
        UsageError: It is no month.
    """
    zone = load().book_zone
    try:
        month = BookMonth.parse(text)
    except BookMonthError as error:
        raise UsageError(str(error)) from None
    return month.start(zone), month.end(zone)
