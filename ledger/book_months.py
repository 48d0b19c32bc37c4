"""The months of the books: calendar months in the zone that finance works in.

    2026-05   Europe/Paris   [30 Apr 22:00, 31 May 22:00) UTC

Days are calendar days of that zone too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

import attrs

from ledger.errors import LedgerError
from ledger.months import MONTHS_A_YEAR

_WRITTEN: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)
# So that no zone leads out of the calendar at either end.
_YEAR_MIN: Final = 2
_YEAR_MAX: Final = 9998


class BookMonthError(LedgerError):
    """The text names no month; write it such as 2026-05."""


@attrs.frozen(order=True)
class BookMonth:
    """A month of a year, 1 to 12."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> BookMonth:
        """Read what `str` wrote.

        Raises:
            BookMonthError: It is no month.
        """
        match = _WRITTEN.fullmatch(text)
        if match is None or not _YEAR_MIN <= int(match[1]) <= _YEAR_MAX:
            raise BookMonthError(f"{text[:40]!r} is no month; write it such as 2026-05")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, moment: datetime, zone: tzinfo) -> BookMonth:
        """Return the month that *moment* falls in."""
        local = moment.astimezone(zone)
        return cls(local.year, local.month)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"

    @property
    def first_day(self) -> date:
        """Its first day."""
        return date(self.year, self.number, 1)

    @property
    def last_day(self) -> date:
        """Its last day."""
        return self.next.first_day - timedelta(days=1)

    @property
    def next(self) -> BookMonth:
        """The month after it."""
        years, index = divmod(self.number, MONTHS_A_YEAR)
        return BookMonth(self.year + years, index + 1)

    def start(self, zone: tzinfo) -> datetime:
        """Return its first instant, in UTC."""
        return midnight(self.first_day, zone)

    def end(self, zone: tzinfo) -> datetime:
        """Return the first instant after it, in UTC."""
        return self.next.start(zone)


def months_between(first: BookMonth, last: BookMonth) -> Iterator[BookMonth]:
    """Yield the months from *first* to *last*, both inclusive."""
    month = first
    while month <= last:
        yield month
        month = month.next


def midnight(day: date, zone: tzinfo) -> datetime:
    """Return the first instant of *day* in *zone*, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def day_of(moment: datetime, zone: tzinfo) -> date:
    """Return the day that *moment* falls on in *zone*."""
    return moment.astimezone(zone).date()
