"""How long an answer holds: until the next moment at which it may be another.

    horizon = Horizon(now)
    answer(account, horizon.now)    now < 1 Dec, now >= 8 Nov, now - 30 days < 3 Nov
    horizon.until                   1 Dec, where the first of the comparisons turns

A pure answer changes with time only where a comparison of its *now* comes out otherwise.
One that uses its *now* for anything else, such as to write it down or to count the days
since, holds for that moment alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

INSTANT: Final = timedelta(microseconds=1)
# Beyond this nobody asks for the same answer.
HELD_MAX: Final = timedelta(hours=1)


class Horizon:
    """What an answer does with its moment.

    Attributes:
        at: The moment.
        now: The same, watched: to be handed to what answers.
    """

    def __init__(self, at: datetime) -> None:
        self.at = at
        self._only_compared = True
        self._met: dict[timedelta, list[Any]] = {}
        self.now: datetime = self.watched(timedelta())

    @property
    def until(self) -> datetime:
        """The first moment at which the answer may be another; `at` if it holds no more."""
        if not self._only_compared:
            return self.at
        turns = [self.at + HELD_MAX]
        for ahead, met in self._met.items():
            shifted = self.at + ahead
            dates = {each for each in met if _is_date(each)}
            if shifted in dates:
                return self.at + INSTANT
            turns += [date - ahead for date in dates if date > shifted]
        return min(turns)

    def watched(self, ahead: timedelta) -> datetime:
        """Return the moment that is *ahead* of it, watched as well."""
        plain = self.at + ahead
        moment = _Watched.combine(plain.date(), plain.timetz())
        moment.horizon, moment.ahead, moment.plain = self, ahead, plain
        moment.meet = self._met.setdefault(ahead, []).append
        return moment

    def use(self) -> None:
        """Take note that the moment itself is a part of the answer."""
        self._only_compared = False


def _is_date(met: object) -> bool:
    """Tell whether a moment comes to it: to what is ahead of the moment it never does."""
    return isinstance(met, datetime) and not isinstance(met, _Watched)


def unwatched(moment: datetime) -> datetime:
    """Return *moment* for a use that decides nothing, such as a first guess."""
    return moment.plain if isinstance(moment, _Watched) else moment


class _Watched(datetime):
    """A moment that tells its horizon what it is compared with, and used for."""

    __slots__ = ("ahead", "horizon", "meet", "plain")

    horizon: Horizon
    ahead: timedelta
    plain: datetime
    meet: Any

    def __lt__(self, other: Any, /) -> bool:  # noqa: ANN401 - as a date's
        self.meet(other)
        return datetime.__lt__(self, other)

    def __le__(self, other: Any, /) -> bool:  # noqa: ANN401 - as a date's
        self.meet(other)
        return datetime.__le__(self, other)

    def __gt__(self, other: Any, /) -> bool:  # noqa: ANN401 - as a date's
        self.meet(other)
        return datetime.__gt__(self, other)

    def __ge__(self, other: Any, /) -> bool:  # noqa: ANN401 - as a date's
        self.meet(other)
        return datetime.__ge__(self, other)

    def __eq__(self, other: object, /) -> bool:
        self.meet(other)
        return datetime.__eq__(self, other)

    def __ne__(self, other: object, /) -> bool:
        self.meet(other)
        return datetime.__ne__(self, other)

    def __hash__(self) -> int:
        self.horizon.use()
        return hash(self.plain)

    def __add__(self, length: timedelta, /) -> Any:  # noqa: ANN401 - a datetime
        return self.horizon.watched(self.ahead + length)

    def __radd__(self, length: timedelta, /) -> Any:  # noqa: ANN401 - a datetime
        return self.horizon.watched(self.ahead + length)

    def __sub__(self, other: Any, /) -> Any:  # noqa: ANN401 - as a datetime's
        if isinstance(other, timedelta):
            return self.horizon.watched(self.ahead - other)
        self.horizon.use()
        return self.plain - other

    def __rsub__(self, other: datetime, /) -> timedelta:
        self.horizon.use()
        return other - self.plain


def _used(name: str) -> property:
    def use(self: _Watched) -> Any:  # noqa: ANN401 - whatever a datetime has there
        self.horizon.use()
        return getattr(self.plain, name)

    return property(use)


# All that tells which moment it is; its zone is always the same.
USES: Final = (
    *("year", "month", "day", "hour", "minute", "second", "microsecond"),
    *("date", "time", "timetz", "timestamp", "timetuple", "utctimetuple"),
    *("isoformat", "ctime", "strftime", "isocalendar", "isoweekday", "weekday"),
    *("toordinal", "replace", "astimezone"),
    *("__str__", "__repr__", "__format__", "__reduce__", "__reduce_ex__"),
)
for _name in USES:
    setattr(_Watched, _name, _used(_name))
