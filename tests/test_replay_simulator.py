"""The simulator's own laws: it repeats itself, and what it expects is what it told."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from replay.simulator.habits import Breadth
from replay.simulator.occurrences import (
    Expectation,
    Occurrence,
    SeatOccurrence,
    StripeOccurrence,
)
from replay.simulator.renewals import months_after
from replay.simulator.shapes import Shape
from replay.simulator.simulation import Simulation, expectations, simulate

START: Final = datetime(2025, 1, 1, tzinfo=UTC)
SECRET: Final = "whsec_simulated"
ID: Final = re.compile(
    rb'"id": "((?:evt|sub|in|il|pm|pi|ch|price|inpay)_[13]\w{23}'
    rb'|(?:cus|si|prod|req)_\w{14})"'
)


@pytest.fixture(scope="module")
def run() -> Simulation:
    return Simulation(seed=7, accounts=60, months=8, start=START)


@pytest.fixture(scope="module")
def story(run: Simulation) -> list[Occurrence]:
    return list(run.occurrences())


@pytest.fixture(scope="module")
def events(story: list[Occurrence]) -> list[dict[str, Any]]:
    return [json.loads(o.body) for o in story if isinstance(o, StripeOccurrence)]


@pytest.fixture(scope="module")
def expected(run: Simulation, story: list[Occurrence]) -> dict[str, Expectation]:
    assert story
    return run.expectations()


def digest(occurrences: Iterator[Occurrence]) -> str:
    whole = hashlib.sha256()
    for occurrence in occurrences:
        whole.update(repr(occurrence).encode())
    return whole.hexdigest()


def small(
    seed: int = 1,
    accounts: int = 4,
    shape: Shape | None = None,
    breadth: Breadth = Breadth.PLAIN,
) -> Iterator[Occurrence]:
    return simulate(
        seed=seed,
        accounts=accounts,
        months=4,
        start=START,
        shape=shape,
        breadth=breadth,
    )


def of_kind(events: list[dict[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    return (e["data"]["object"] for e in events if e["data"]["object"]["object"] == kind)


@pytest.mark.parametrize("breadth", Breadth)
def test_the_same_values_tell_the_same_story_and_another_seed_another(
    breadth: Breadth,
) -> None:
    first = digest(small(breadth=breadth))

    assert first == digest(small(breadth=breadth))
    assert first != digest(small(breadth=breadth, seed=2))


@pytest.mark.parametrize("extra", [[], ["--whole"]])
def test_the_story_does_not_depend_on_the_hash_seed(extra: list[str]) -> None:
    command = [sys.executable, "-P", "-m", "replay.simulator", "--accounts", "3", *extra]
    told = {
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
        ).stdout
        for hash_seed in ("0", "1", "77")
    }

    assert len(told) == 1
    assert len(told.pop().splitlines()) > 50


@pytest.mark.parametrize("breadth", Breadth)
def test_another_account_changes_nothing_for_the_others(breadth: Breadth) -> None:
    def by_account(accounts: int) -> dict[str | None, list[Occurrence]]:
        told = defaultdict(list)
        for occurrence in small(accounts=accounts, breadth=breadth):
            told[occurrence.account].append(occurrence)
        return told

    few, more = by_account(3), by_account(4)

    assert len(more) > len(few)
    assert all(more[account] == told for account, told in few.items())


def test_another_shape_changes_nothing_in_the_lives() -> None:
    def lives(shape: Shape) -> list[tuple[str, str, int]]:
        told = (o for o in small(shape=shape) if isinstance(o, StripeOccurrence))
        return [
            (o.event_id, o.type, o.created)
            for o in told
            if not o.type.startswith("invoice_payment")
        ]

    first = lives(Shape.Y2020)
    assert all(lives(shape) == first for shape in Shape)


def test_time_never_goes_back(story: list[Occurrence]) -> None:
    moments = [
        o.created if isinstance(o, StripeOccurrence) else int(o.effective_at.timestamp())
        for o in story
    ]

    assert moments == sorted(moments)
    assert moments[0] >= START.timestamp()
    assert moments[-1] < months_after(int(START.timestamp()), 8)


def test_every_flow_is_told(events: list[dict[str, Any]]) -> None:
    types = Counter(event["type"] for event in events)

    assert types.keys() == {
        "charge.failed",
        "charge.succeeded",
        "customer.created",
        "customer.subscription.created",
        "customer.subscription.deleted",
        "customer.subscription.updated",
        "customer.updated",
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_failed",
        "invoice.payment_succeeded",
        "invoice.updated",
        "invoice_payment.paid",
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
        "payment_method.attached",
        "price.created",
        "product.created",
    }


def test_subscriptions_reach_every_state(events: list[dict[str, Any]]) -> None:
    held = list(of_kind(events, "subscription"))

    statuses = {each["status"] for each in held}
    assert statuses == {"incomplete", "active", "past_due", "unpaid", "canceled"}
    assert any(each["pause_collection"] for each in held)
    assert any(each["cancel_at_period_end"] for each in held)
    details = [
        each["cancellation_details"] for each in held if "cancellation_details" in each
    ]
    reasons = {each["reason"] for each in details}
    assert reasons == {None, "cancellation_requested", "payment_failed"}


def test_all_shapes_appear_when_none_is_chosen(events: list[dict[str, Any]]) -> None:
    assert {event["api_version"] for event in events} == {shape.value for shape in Shape}


def test_ids_look_like_stripes_and_name_one_thing_each(story: list[Occurrence]) -> None:
    told = [o for o in story if isinstance(o, StripeOccurrence)]
    event_ids = [o.event_id for o in told]
    owners = defaultdict(set)
    for occurrence in told:
        body = json.loads(occurrence.body)
        about = body["data"]["object"]
        owners[about["id"]].add((about["object"], occurrence.account))
        assert ID.fullmatch(b'"id": "%s"' % about["id"].encode())
        assert body["id"] == occurrence.event_id

    assert len(set(event_ids)) == len(event_ids)
    assert all(len(each) == 1 for each in owners.values())


def test_what_is_expected_is_what_was_last_told(
    events: list[dict[str, Any]], expected: dict[str, Expectation]
) -> None:
    last = {each["customer"]: each for each in of_kind(events, "subscription")}

    assert len(expected) == 60
    assert last.keys() == {a for a, e in expected.items() if e.subscription}
    for account, held in last.items():
        end = expected[account]
        seat = held["items"]["data"][-1]
        period = seat if end.shape.traits.parents else held
        assert end.period_start is not None
        assert end.period_end is not None
        assert (end.subscription, end.status) == (held["id"], held["status"])
        assert end.quantity == seat["quantity"]
        assert period["current_period_start"] == end.period_start.timestamp()
        assert period["current_period_end"] == end.period_end.timestamp()


def test_active_users_are_those_assigned_and_not_released(
    story: list[Occurrence], expected: dict[str, Expectation]
) -> None:
    users: dict[str, set[str]] = defaultdict(set)
    keys: Counter[str] = Counter()
    for seat in (o for o in story if isinstance(o, SeatOccurrence)):
        assert (seat.user in users[seat.account]) is not seat.active
        change = set.add if seat.active else set.remove
        change(users[seat.account], seat.user)
        keys[seat.key] += 1

    assert users == {a: set(e.active_users) for a, e in expected.items() if a in users}
    assert max(keys.values()) == 1


def test_a_start_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        simulate(seed=1, accounts=1, months=1, start=START.replace(tzinfo=None))


def test_stripes_quantity_follows_the_seats_and_the_terms(
    events: list[dict[str, Any]], expected: dict[str, Expectation]
) -> None:
    last = {each["customer"]: each for each in of_kind(events, "subscription")}

    compared = set()
    for account, held in last.items():
        if held["status"] != "active":
            continue
        metadata = [item["price"]["metadata"] for item in held["items"]["data"]]
        terms = {key: value for each in metadata for key, value in each.items()}
        users, included = len(expected[account].active_users), int(terms["included_seats"])
        counted = users if terms["seat_quantity"] == "all" else max(0, users - included)
        assert expected[account].quantity == counted
        compared.add((terms["seat_quantity"], included))

    assert len(compared) >= 3


def test_expectations_are_those_of_the_same_run(
    expected: dict[str, Expectation],
) -> None:
    again = expectations(seed=7, accounts=60, months=8, start=START)

    assert again == expected


def test_the_figures_a_demonstration_needs_are_reached() -> None:
    told = small(accounts=20)

    assert sum(isinstance(o, StripeOccurrence) for o in told) >= 20 * 4 * 8


def test_memory_holds_what_is_and_not_what_was() -> None:
    def kept(months: int) -> tuple[int, int]:
        whole = Simulation(
            seed=3, accounts=10, months=months, start=START, breadth=Breadth.WHOLE
        )
        tracemalloc.start()
        told = sum(1 for _ in whole.occurrences())
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return told, held

    (few, little), (many, more) = kept(8), kept(40)

    assert many > 2 * few
    assert more < 2 * little
