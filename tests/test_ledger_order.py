from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import permutations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.order import EXHAUSTIVE_MAX, OBSERVED, canonical

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@attrs.frozen(kw_only=True)
class Change:
    event_id: str
    occurred_at: datetime = NOON
    rank: int = 1
    values: Mapping[str, object]
    previous: Mapping[str, object] | None = None


def change(name: str, quantity: int, before: int | None = None, **fields: int) -> Change:
    previous = None if before is None else {"quantity": before}
    return Change(
        event_id=name,
        values={"quantity": quantity},
        previous=previous,
        occurred_at=NOON + timedelta(seconds=fields.get("second", 0)),
        rank=fields.get("rank", 1),
    )


def names(*events: Change, before: Mapping[str, object] | None = None) -> str:
    return "".join(event.event_id for event in canonical(events, before).events)


def against(order: tuple[Change, ...], start: Mapping[str, object]) -> tuple[int, ...]:
    """Return what speaks against an order, as the module tells it, by trying it out."""
    states = [start, *(event.values for event in order)]
    broken = unclaimed = 0
    for values, event in zip(states, order, strict=False):
        previous = event.previous or {}
        broken += any(values.get(path, old) != old for path, old in previous.items())
        unclaimed += {**event.values, **previous} != values
    pairs = [(a, b) for place, a in enumerate(order) for b in order[place + 1 :]]
    early = sum(a.rank > b.rank for a, b in pairs if a.rank == OBSERVED)
    disorder = sum(a.rank > b.rank for a, b in pairs if a.rank != OBSERVED)
    return broken, disorder, unclaimed, early


def test_an_earlier_second_comes_first() -> None:
    assert names(change("a", 2, second=1), change("b", 1)) == "ba"


def test_within_a_second_an_event_follows_the_one_that_left_its_previous_values() -> None:
    events = [change("a", 9, 7), change("b", 7, 5), change("c", 5, 3)]

    for order in permutations(events):
        assert names(*order) == "cba"


def test_a_life_begins_with_created_and_ends_with_deleted() -> None:
    events = [
        change("a", 0, rank=2),
        change("b", 2, 1),
        change("c", 1, rank=0),
    ]

    assert names(*events) == "cba"


def test_a_there_and_back_is_decided_by_what_was_before_the_second() -> None:
    there, back = change("z", 5, 3), change("a", 3, 5)

    assert names(there, back, before={"quantity": 3}) == "za"
    assert names(there, back, before={"quantity": 5}) == "az"
    assert canonical([there, back], {"quantity": 3}).ambiguous == ()
    assert canonical([there, back]).ambiguous == ("a", "z")


def test_a_branch_is_walked_so_that_every_link_holds() -> None:
    events = [change("a", 9, 3), change("b", 5, 3), change("c", 3, 5)]

    assert names(*events, before={"quantity": 3}) == "bca"


def test_an_outcome_that_only_the_ids_decide_is_flagged() -> None:
    ordered = canonical([change("b", 5), change("a", 3)])

    assert [event.event_id for event in ordered.events] == ["a", "b"]
    assert ordered.ambiguous == ("a", "b")


def test_a_tie_with_one_outcome_is_not_flagged() -> None:
    assert canonical([change("b", 5), change("a", 5)]).ambiguous == ()


def test_an_array_is_compared_by_value() -> None:
    first = Change(event_id="z", values={"items": (1, 2)}, previous={"items": (1,)})
    second = Change(event_id="a", values={"items": (3,)}, previous={"items": (1, 2)})

    assert names(second, first) == "za"


def test_values_that_changed_without_being_claimed_decide_between_equal_chains() -> None:
    status = Change(
        event_id="b", values={"status": "active", "seats": 3}, previous={"status": "new"}
    )
    nothing = Change(event_id="a", values={"status": "active", "seats": 3}, previous={})
    seats = Change(
        event_id="0", values={"status": "active", "seats": 5}, previous={"seats": 3}
    )

    assert names(seats, nothing, status)[-1] == "0"


@pytest.mark.parametrize("length", [2, EXHAUSTIVE_MAX, EXHAUSTIVE_MAX + 1, 12])
def test_a_chain_of_any_length_is_found(length: int) -> None:
    chain = [change(f"{99 - n:02}", n + 1, n) for n in range(length)]

    ordered = canonical(reversed(chain), {"quantity": 0})

    assert ordered.events == tuple(chain)
    assert ordered.ambiguous == ()


def test_a_crowd_within_a_second_is_placed_by_type_and_id_and_flagged() -> None:
    crowd = [change(f"{n:04}", n, rank=n % 2) for n in range(1000)]

    ordered = canonical(reversed(crowd))

    assert [event.rank for event in ordered.events] == [0] * 500 + [1] * 500
    assert len(ordered.ambiguous) == 1000


changes = st.builds(
    change,
    name=st.text("abcdefgh", min_size=1, max_size=2),
    quantity=st.integers(0, 3),
    before=st.none() | st.integers(0, 3),
    second=st.integers(0, 2),
    rank=st.integers(0, 2),
)


@given(
    events=st.lists(changes, max_size=9, unique_by=lambda event: event.event_id),
    data=st.data(),
)
def test_the_order_is_total_and_the_same_for_every_arrival(
    events: list[Change], data: st.DataObject
) -> None:
    again = data.draw(
        st.lists(st.sampled_from(events), max_size=3) if events else st.just([])
    )
    arrived = data.draw(st.permutations(events + again))

    ordered = canonical(arrived)

    assert ordered == canonical(events)
    assert sorted(event.event_id for event in ordered.events) == sorted(
        event.event_id for event in events
    )
    times = [event.occurred_at for event in ordered.events]
    assert times == sorted(times)


@given(
    told=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 1), st.sampled_from([None, 0, 1, 2])),
        min_size=2,
        max_size=4,
    ),
    ranks=st.lists(st.sampled_from([0, 1, 1, 2, OBSERVED]), min_size=4, max_size=4),
)
def test_no_order_of_a_second_has_less_against_it_and_every_other_outcome_is_flagged(
    told: list[tuple[int, int, int | None]], ranks: list[int]
) -> None:
    events = [
        Change(
            event_id="abcd"[place],
            rank=ranks[place],
            values={"quantity": quantity, "other": other},
            previous=None if before is None else {"quantity": before},
        )
        for place, (quantity, other, before) in enumerate(told)
    ]
    start = {"quantity": 1, "other": 0}
    orders = list(permutations(events))
    costs = [against(order, start) for order in orders]
    best = [order for order, cost in zip(orders, costs, strict=True) if cost == min(costs)]

    found = canonical(events, start)

    assert found.events == best[0]
    outcomes = [order[-1].values for order in best]
    assert bool(found.ambiguous) == any(each != outcomes[0] for each in outcomes)
