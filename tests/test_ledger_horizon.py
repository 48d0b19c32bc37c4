"""Until the next turn of a comparison with now, everything that compares says the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.horizon import HELD_MAX, INSTANT, USES, Horizon, unwatched

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)

minutes = st.integers(-30, 30).map(lambda number: number * MINUTE)
comparisons = st.tuples(
    st.sampled_from([lt, le, gt, ge, eq, ne]), minutes, minutes, st.booleans()
)
Comparison = tuple[Callable[[Any, Any], bool], timedelta, timedelta, bool]


def outcomes(now: datetime, asked: list[Comparison]) -> list[bool]:
    """Return how each of *asked* comes out, from either side, with now or near it."""
    found = []
    for compare, ahead, date, turned in asked:
        moment = now + ahead if ahead else now
        sides = (NOON + date, moment) if turned else (moment, NOON + date)
        found.append(compare(*sides))
    return found


@given(st.lists(comparisons, max_size=6), minutes, st.lists(minutes, max_size=8))
def test_nothing_turns_before_the_horizon(
    asked: list[Comparison], start: timedelta, later: list[timedelta]
) -> None:
    horizon = Horizon(NOON + start)

    told = outcomes(horizon.now, asked)

    assert told == outcomes(horizon.at, asked)
    for moment in (horizon.until - INSTANT, *(horizon.at + abs(each) for each in later)):
        if horizon.at <= moment < horizon.until:
            assert outcomes(moment, asked) == told


@pytest.mark.parametrize(
    ("use", "until"),
    [
        (lambda now: now < NOON + MINUTE, NOON + MINUTE),
        (lambda now: gt(NOON + MINUTE, now), NOON + MINUTE),
        (lambda now: now - 5 * MINUTE > NOON, NOON + 5 * MINUTE),
        (lambda now: 5 * MINUTE + now > NOON + 7 * MINUTE, NOON + 2 * MINUTE),
        (lambda now: max(now, NOON - MINUTE) < NOON + MINUTE, NOON + MINUTE),
        (lambda now: sorted([NOON + MINUTE, now]), NOON + MINUTE),
        (lambda now: now <= NOON, NOON + INSTANT),
        (lambda now: now > NOON - MINUTE, NOON + HELD_MAX),
        (lambda now: now - MINUTE < now, NOON + HELD_MAX),
        (lambda now: now == "noon", NOON + HELD_MAX),
        (lambda now: now - NOON, NOON),
        (lambda now: NOON - now, NOON),
        (lambda now: {now}, NOON),
        (lambda now: f"{now:%d}", NOON),
        (lambda now: (now + MINUTE).isoformat(), NOON),
        (lambda now: unwatched(now).day, NOON + HELD_MAX),
    ],
)
def test_a_comparison_holds_until_its_date_and_another_use_not_at_all(
    use: Callable[[datetime], object], until: datetime
) -> None:
    horizon = Horizon(NOON)

    use(horizon.now)

    assert horizon.until == until


def test_whatever_a_moment_can_tell_of_itself_is_a_use_of_it() -> None:
    of_the_class = {name for name in dir(datetime) if "from" in name} | {
        *("combine", "max", "min", "now", "resolution", "strptime", "today", "utcnow"),
        *("tzinfo", "tzname", "utcoffset", "dst", "fold"),
    }
    told = {name for name in dir(datetime) if not name.startswith("_")} - of_the_class

    assert told <= set(USES)
    for name in sorted(set(USES) - {"__reduce_ex__"}):
        horizon = Horizon(NOON)
        used = getattr(horizon.now, name)
        assert horizon.until == NOON, name
        expected = getattr(NOON, name)
        assert (used() == expected()) if name == "isoformat" else type(used), name
