"""Seats are sets, never sums: the same for every order, as a brute force counts them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.facts import SeatChanged, SeatsCounted
from projections.marks import Mark, Sold
from projections.models.seats import SEATS, Register, changed, counted, named
from projections.projector.rows import Codec
from projections.seating.figures import (
    Demand,
    SeatFigures,
    Source,
    demands,
    explained,
    figures,
)
from projections.seating.history import Held, held, levels, peak, steps
from projections.terms import Counts, Terms

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
USERS: Final = "abcd"

laws = settings(max_examples=200, deadline=None, derandomize=True)
Fact = SeatChanged | SeatsCounted


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def turn(minute: int, user: str, *, active: bool = True, position: int = 0) -> SeatChanged:
    return SeatChanged(
        account="cus_1",
        user=user,
        active=active,
        occurred_at=at(minute),
        recorded_at=NOON,
        position=position or minute + 1000,
        actor=f"by_{minute}",
    )


def count(
    minute: int, users: Iterable[str] | None = None, number: int | None = None
) -> SeatsCounted:
    return SeatsCounted(
        account="cus_1",
        users=None if users is None else tuple(sorted(users)),
        count=number,
        occurred_at=at(minute),
        recorded_at=NOON,
        position=minute + 1000,
    )


def registers(facts: Iterable[Fact]) -> list[Register]:
    """Keep *facts* as the projection does, through the bytes that it stores."""
    codec = Codec(SEATS)
    kept: dict[str, bytes] = {}
    for fact in facts:
        known = kept.get(fact.object_id)
        before = Register() if known is None else codec.decode(known)
        after = (
            changed(before, fact)
            if isinstance(fact, SeatChanged)
            else counted(before, fact)
        )
        kept[fact.object_id] = codec.encode(after)
    return [codec.decode(kept[name]) for name in sorted(kept)]


def users(seats: Held) -> str:
    return "".join(seat.user for seat in seats.seats)


@st.composite
def told(draw: st.DrawFn) -> list[Fact]:
    """What a product tells, each thing at a minute of its own."""
    minutes = draw(st.lists(st.integers(0, 300), unique=True, max_size=14))
    facts: list[Fact] = []
    for minute in minutes:
        kind = draw(st.integers(0, 6))
        if kind == 0:
            facts.append(count(minute, draw(st.sets(st.sampled_from(USERS)))))
        elif kind == 1:
            facts.append(count(minute, number=draw(st.integers(0, 9))))
        else:
            user = draw(st.sampled_from(USERS))
            facts.append(turn(minute, user, active=kind % 2 == 0))
    return facts


def brute_force(facts: Sequence[Fact], until: int) -> tuple[set[str], int]:
    """Say who is in and how many, one fact after the other, the plain way."""
    inside: set[str] = set()
    number: int | None = None
    for fact in sorted(facts, key=lambda fact: fact.occurred_at):
        if fact.occurred_at > at(until):
            break
        if isinstance(fact, SeatChanged):
            inside = inside | {fact.user} if fact.active else inside - {fact.user}
        elif fact.users is None:
            number = fact.count
        else:
            inside, number = set(fact.users), None
    return inside, len(inside) if number is None else number


@laws
@given(facts=told(), data=st.data())
def test_seats_are_the_same_whatever_order_they_are_told_in(
    facts: list[Fact], data: st.DataObject
) -> None:
    arrived = data.draw(st.permutations(facts))

    assert registers(arrived) == registers(facts)


@laws
@given(facts=told(), until=st.integers(-1, 301))
def test_who_and_how_many_are_what_a_brute_force_counts(
    facts: list[Fact], until: int
) -> None:
    kept = registers(facts)
    inside, number = brute_force(facts, until)

    then = held(kept, at(until))
    assert (set(then.users), then.active) == (inside, number)
    known = levels(kept, at(until))
    assert (known[-1].active if known else 0) == number


@laws
@given(facts=told(), start=st.integers(-1, 301), length=st.integers(0, 301))
def test_the_peak_is_the_most_of_all_minutes_since_the_period_began(
    facts: list[Fact], start: int, length: int
) -> None:
    end = start + length
    counted_minutely = [brute_force(facts, minute)[1] for minute in range(start, end + 1)]

    assert peak(levels(registers(facts), at(end)), at(start)) == max(counted_minutely)


@laws
@given(facts=told())
def test_a_change_told_twice_changes_nothing(facts: list[Fact]) -> None:
    assert registers([*facts, *facts]) == registers(facts)


@laws
@given(facts=told(), until=st.integers(0, 301))
def test_every_seat_tells_since_when_it_is_held_without_a_gap(
    facts: list[Fact], until: int
) -> None:
    for seat in held(registers(facts), at(until)).seats:
        since = int((seat.since - NOON).total_seconds() // 60)
        assert seat.user not in brute_force(facts, since - 1)[0]
        inside = (brute_force(facts, minute)[0] for minute in range(since, until + 1))
        assert all(seat.user in users for users in inside)


def test_activating_twice_counts_once_and_keeps_who_was_first() -> None:
    kept = registers([turn(5, "a"), turn(9, "a"), count(12, "a")])

    then = held(kept, at(30))

    assert then.active == 1
    assert (then.seats[0].since, then.seats[0].by) == (at(5), "by_5")


def test_what_is_told_of_one_instant_is_taken_together() -> None:
    kept = registers([turn(0, "a"), turn(7, "b"), turn(7, "a", active=False, position=9)])

    known = levels(kept, at(10))

    assert [(level.at, level.active) for level in known] == [(at(0), 1), (at(7), 1)]
    assert peak(known, None) == 1


def test_a_seat_freed_as_the_period_begins_is_not_billed_in_it() -> None:
    kept = registers([count(0, "abc"), turn(60, "a", active=False)])

    for start, expected in [(59, 3), (60, 2), (61, 2)]:
        assert peak(levels(kept, at(90)), at(start)) == expected


def test_after_a_bare_count_only_a_count_or_a_full_set_changes_the_number() -> None:
    kept = registers(
        [count(0, "ab"), count(10, number=12), turn(20, "c"), count(30, "abcd")]
    )

    for minute, number, known in [
        (5, 2, "ab"),
        (10, 12, "ab"),
        (25, 12, "abc"),
        (30, 4, "abcd"),
    ]:
        then = held(kept, at(minute))
        assert (then.active, users(then)) == (number, known)


def test_a_future_change_waits_for_its_time() -> None:
    kept = registers([count(0, "ab"), turn(500, "b", active=False)])

    assert [held(kept, at(minute)).active for minute in (499, 500)] == [2, 1]


def test_a_full_set_costs_only_what_it_changes() -> None:
    many = [f"user-{number}" for number in range(500)]
    kept = registers(count(minute, many[: 490 + minute % 3]) for minute in range(300))

    assert len(Codec(SEATS).encode(kept[0])) < 30_000
    assert named(kept[0].counts) == set(many[: 490 + 299 % 3])


def test_the_steps_tell_who_came_and_who_went() -> None:
    kept = registers([turn(0, "a"), count(5, "bc"), count(8, number=7)])

    told = [
        (step.change, step.user, step.joined, step.left, step.active)
        for step in steps(kept, at(10))
    ]

    assert told == [
        ("assigned", "a", (), (), 1),
        ("set", None, ("b", "c"), ("a",), 2),
        ("counted", None, (), (), 7),
    ]


ALL: Final = Terms(seat="si_1", included=3)
EXTRA: Final = Terms(seat="si_1", included=3, counts=Counts.EXTRA)


@pytest.mark.parametrize(
    ("terms", "active", "freed", "quantity", "expected"),
    [
        # included, active, billed, extra, freed next cycle, wanted, drift
        (ALL, 5, 0, 5, (3, 5, 5, 2, 0, 5, 0)),
        (ALL, 4, 1, 5, (3, 4, 5, 2, 1, 4, -1)),
        (ALL, 2, 0, 5, (3, 2, 2, 0, 0, 2, -3)),
        (EXTRA, 5, 0, 2, (3, 5, 5, 2, 0, 2, 0)),
        (EXTRA, 5, 2, 2, (3, 5, 7, 4, 2, 2, 0)),
        (EXTRA, 2, 0, 0, (3, 2, 2, 0, 0, 0, 0)),
    ],
)
def test_the_figures_follow_from_the_terms(
    terms: Terms, active: int, freed: int, quantity: int, expected: tuple[int, ...]
) -> None:
    kept = registers([count(0, number=active + freed), count(60, number=active)])

    told = figures(
        levels(kept, at(90)), terms=terms, quantity=quantity, since=at(0), trusted=True
    )

    assert _numbers(told) == expected
    assert told.source is Source.PRODUCT


@pytest.mark.parametrize(("terms", "billed", "extra"), [(ALL, 5, 2), (EXTRA, 8, 5)])
def test_until_the_product_has_told_all_the_figures_are_stripes(
    terms: Terms, billed: int, extra: int
) -> None:
    kept = registers([turn(0, "a")])

    told = figures(
        levels(kept, at(90)), terms=terms, quantity=5, since=at(0), trusted=False
    )

    assert _numbers(told) == (3, None, billed, extra, None, None, None)
    assert (told.source, told.stripe_quantity) == (Source.STRIPE, 5)


def test_names_suffice_from_the_moment_on_at_which_they_explain_the_quantity() -> None:
    known = levels(
        registers([turn(0, "a"), turn(10, "b"), turn(20, "b", active=False)]), at(90)
    )

    for start, end, seats, expected in [
        (0, None, 2, True),  # two were known from minute 10 on
        (0, 10, 2, False),  # but not before
        (15, 16, 2, True),
        (20, None, 2, False),  # and not since
        (0, None, 3, False),
        (-9, 0, 0, False),  # nothing told explains nothing
        (50, None, 1, True),
    ]:
        end_at = None if end is None else at(end)
        assert explained(known, [Demand(at(start), end_at, seats)]) is expected


def test_a_full_set_or_a_count_suffices_from_its_own_time_on() -> None:
    kept = registers([turn(0, "a"), count(40, number=1)])

    assert not explained(levels(kept, at(39)), [Demand(at(0), None, 9)])
    assert explained(levels(kept, at(40)), [Demand(at(0), None, 9)])


def test_what_stripe_billed_follows_its_quantity_while_the_subscription_lived() -> None:
    marks = [
        _mark(0, "active", 2),
        _mark(10, "active", 5),
        _mark(10, "active", 6),
        _mark(20, "canceled", 6),
    ]

    found = list(demands(marks, lambda _mark: EXTRA))

    assert found == [Demand(at(0), at(10), 5), Demand(at(10), at(20), 9)]
    assert list(demands(marks, lambda _mark: None)) == []


def _mark(minute: int, status: str, quantity: int) -> Mark:
    return Mark(
        at=at(minute),
        position=minute,
        status=status,
        currency="usd",
        sold=(
            Sold(item="si_0", price="price_base", product=None, quantity=1),
            Sold(item="si_1", price="price_1", product=None, quantity=quantity),
        ),
        period_start=None,
        period_end=None,
    )


def _numbers(told: SeatFigures) -> tuple[int | None, ...]:
    return (
        told.included,
        told.active,
        told.billed,
        told.extra,
        told.freed_next_cycle,
        told.wanted,
        told.drift,
    )
