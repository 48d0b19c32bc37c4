"""Renewals fall on the day of signup, month ends and 29 February included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.envelope import stripe_event
from ledger.log import Recorded
from projections.facts import Subscription, SubscriptionObserved
from projections.history import Current
from projections.status.periods import RENEWING, current_period
from projections.status.renewals import Rhythm, next_renewal, period_at, renewal
from projections.translation.translate import translation
from replay.simulator.occurrences import StripeOccurrence
from replay.simulator.simulation import Simulation

MONTHLY = Rhythm("month")


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("anchor", "rhythm", "expected"),
    [
        ("2026-01-15", MONTHLY, ["2026-02-15", "2026-03-15", "2026-04-15"]),
        ("2026-01-31", MONTHLY, ["2026-02-28", "2026-03-31", "2026-04-30"]),
        ("2028-01-31", MONTHLY, ["2028-02-29", "2028-03-31", "2028-04-30"]),
        ("2026-01-30", MONTHLY, ["2026-02-28", "2026-03-30", "2026-04-30"]),
        ("2026-11-30", MONTHLY, ["2026-12-30", "2027-01-30", "2027-02-28"]),
        ("2024-02-29", Rhythm("year"), ["2025-02-28", "2026-02-28", "2027-02-28"]),
        ("2027-02-28", Rhythm("year"), ["2028-02-28", "2029-02-28", "2030-02-28"]),
        ("2025-11-30", Rhythm("month", 3), ["2026-02-28", "2026-05-30", "2026-08-30"]),
        ("2026-12-28", Rhythm("week", 2), ["2027-01-11", "2027-01-25", "2027-02-08"]),
        ("2026-02-27", Rhythm("day"), ["2026-02-28", "2026-03-01", "2026-03-02"]),
    ],
)
def test_a_subscription_renews_on_the_day_it_began(
    anchor: str, rhythm: Rhythm, expected: list[str]
) -> None:
    found = [renewal(day(anchor), rhythm, number) for number in (1, 2, 3)]

    assert found == [day(each) for each in expected]


def test_the_leap_day_comes_back_after_four_years() -> None:
    assert renewal(day("2024-02-29"), Rhythm("year"), 4) == day("2028-02-29")


def test_the_time_of_day_stays() -> None:
    anchor = day("2026-03-31T23:59:59")

    assert next_renewal(anchor, MONTHLY, anchor) == day("2026-04-30T23:59:59")


def test_a_period_begins_with_its_start_and_ends_before_its_end() -> None:
    anchor = day("2026-01-31")

    for moment, start, end in [
        ("2026-02-27T23:59:59", "2026-01-31", "2026-02-28"),
        ("2026-02-28T00:00:00", "2026-02-28", "2026-03-31"),
        ("2026-03-30T00:00:00", "2026-02-28", "2026-03-31"),
        ("2025-12-31T00:00:00", "2025-12-31", "2026-01-31"),
    ]:
        period = period_at(anchor, MONTHLY, day(moment))
        assert period is not None
        assert (period.start, period.end) == (day(start), day(end))


def test_beyond_the_calendar_there_is_no_renewal() -> None:
    last = datetime.max.replace(tzinfo=UTC)

    assert next_renewal(day("2026-01-31"), MONTHLY, last) is None
    assert next_renewal(day("2026-01-31"), Rhythm("day"), last) is None


def test_a_rhythm_that_cannot_be_counted_in_says_so() -> None:
    assert [Rhythm("fortnight").known, Rhythm("month", 0).known] == [False, False]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    anchor=st.datetimes(datetime(2019, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds are naive by contract
    interval=st.sampled_from(["day", "week", "month", "year"]),
    count=st.integers(1, 6),
    days=st.integers(-900, 900),
)
def test_periods_follow_each_other_without_gap_or_overlap(
    anchor: datetime, interval: str, count: int, days: int
) -> None:
    rhythm, moment = Rhythm(interval, count), anchor + timedelta(days=days, seconds=1)
    period = period_at(anchor, rhythm, moment)

    assert period is not None
    assert period.start <= moment < period.end
    after = period_at(anchor, rhythm, period.end)
    assert after is not None
    assert after.start == period.end
    numbered = [renewal(anchor, rhythm, number) for number in range(12)]
    assert all(a is not None and b is not None and a < b for a, b in pairwise(numbered))


def test_an_estimated_period_is_the_one_that_stripe_then_tells() -> None:
    """Every renewal of a simulated company, from the period before it alone."""
    run = Simulation(seed=7, accounts=60, months=20, start=day("2026-01-30"))
    read = translation([SubscriptionObserved])
    last: dict[str, Subscription] = {}
    renewed = 0
    for number, occurrence in enumerate(run.occurrences()):
        if not isinstance(occurrence, StripeOccurrence):
            continue
        event = stripe_event(occurrence.body, ledger_livemode=False)
        recorded = Recorded(position=number + 1, recorded_at=day("2030-01-01"), event=event)
        for fact in read.facts([recorded]):
            if not isinstance(fact, SubscriptionObserved):
                continue
            before, after = last.get(fact.object_id), fact.value
            last[fact.object_id] = after
            if before is not None and _renews(before, after):
                renewed += 1
                assert _estimate(before, after) == (after.period_start, after.period_end)
    assert renewed > 200


def _renews(before: Subscription, after: Subscription) -> bool:
    starts = before.period_end == after.period_start and after.period_start is not None
    same = [item.interval for item in before.items] == [i.interval for i in after.items]
    return starts and same and before.status in RENEWING


def _estimate(
    before: Subscription, after: Subscription
) -> tuple[datetime, datetime] | None:
    now = after.period_start
    assert now is not None
    current = Current(value=before, first_at=now, since=now, position=1)
    period = current_period(current, now)
    return None if period is None else (period.start, period.end)
