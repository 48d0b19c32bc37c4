"""What an update says of the past: `previous_attributes`, as Stripe writes them."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from replay.simulator.envelope import previous_attributes
from replay.simulator.occurrences import StripeOccurrence
from replay.simulator.simulation import simulate


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    start = datetime(2025, 1, 1, tzinfo=UTC)
    told = simulate(seed=7, accounts=40, months=8, start=start)
    return [json.loads(o.body) for o in told if isinstance(o, StripeOccurrence)]


def overlaid(now: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Return *now* with the values of *before*: objects key by key, the rest whole."""
    whole = dict(now)
    for key, value in before.items():
        then = now.get(key)
        if key == "metadata":
            whole[key] = {k: v for k, v in {**now[key], **value}.items() if v is not None}
        elif isinstance(value, dict) and isinstance(then, dict):
            whole[key] = overlaid(then, value)
        else:
            whole[key] = value
    return whole


def test_previous_attributes_lead_back_to_what_was_told_before(
    events: list[dict[str, Any]],
) -> None:
    last: dict[str, dict[str, Any]] = {}
    followed: Counter[str] = Counter()

    for event in events:
        about, verb = event["data"]["object"], event["type"].rpartition(".")[2]
        previous = event["data"].get("previous_attributes")
        assert (previous is not None) == (verb == "updated")
        if previous is not None:
            assert previous
            assert overlaid(about, previous) == last[about["id"]]
            followed[about["object"]] += 1
        if verb in {"created", "updated"}:
            last[about["id"]] = about

    assert followed.keys() == {"customer", "subscription", "invoice"}
    assert min(followed.values()) > 20


def test_metadata_that_came_was_null_and_metadata_that_went_is_kept() -> None:
    before: dict[str, object] = {"metadata": {"role": "seat", "unit": "user"}, "plan": None}
    after: dict[str, object] = {"metadata": {"role": "base", "more": "1"}, "plan": {"a": 1}}

    assert previous_attributes(before, after) == {
        "metadata": {"role": "seat", "unit": "user", "more": None},
        "plan": None,
    }
    assert previous_attributes(after, before)["plan"] == {"a": 1}


def test_some_events_of_a_subscription_share_a_second(
    events: list[dict[str, Any]],
) -> None:
    moments = Counter(
        (event["data"]["object"]["id"], event["created"])
        for event in events
        if event["type"].startswith("customer.subscription.")
    )

    assert max(moments.values()) >= 2


def test_a_changed_list_stands_whole_in_previous_attributes(
    events: list[dict[str, Any]],
) -> None:
    found = 0
    for event in events:
        items = event["data"].get("previous_attributes", {}).get("items")
        if items is not None:
            assert items.keys() == {"data"}
            assert len(items["data"]) == len(event["data"]["object"]["items"]["data"])
            found += 1

    assert found > 20


def test_a_deletion_changes_only_what_an_end_changes(events: list[dict[str, Any]]) -> None:
    last: dict[str, dict[str, Any]] = {}
    ended = 0

    for event in events:
        held = event["data"]["object"]
        if event["type"] == "customer.subscription.deleted":
            before = last[held["id"]]
            changed = {key for key in held if held[key] != before[key]}
            assert {"status", "ended_at"} <= changed
            assert changed <= {
                "cancel_at",
                "cancel_at_period_end",
                "canceled_at",
                "cancellation_details",
                "ended_at",
                "status",
            }
            ended += 1
        last[held["id"]] = held

    assert ended > 3
