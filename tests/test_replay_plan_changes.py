"""Changes of plan: up at once, down by a schedule, and between month and year."""

from __future__ import annotations

from typing import Any

from whole_life import events, history, objects, of_type

DAY_S = 86_400


def prices(held: dict[str, Any]) -> list[str]:
    return [item["price"]["id"] for item in held["items"]["data"]]


def changed() -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Return each subscription whose prices changed, with its items of before."""
    found = []
    for event in of_type("customer.subscription.updated"):
        held, before = event["data"]["object"], event["data"]["previous_attributes"]
        old = before.get("items", {}).get("data")
        if old and [item["price"]["id"] for item in old] != prices(held):
            found.append((held, old))
    return found


def seat(items: list[dict[str, Any]]) -> dict[str, Any]:
    return items[-1]


def test_an_upgrade_changes_the_items_within_the_period() -> None:
    upgrades = [
        (held, old)
        for held, old in changed()
        if seat(old)["current_period_start"]
        == seat(held["items"]["data"])["current_period_start"]
    ]

    assert len(upgrades) > 5
    for held, old in upgrades:
        new = held["items"]["data"]
        assert seat(new)["id"] == seat(old)["id"]
        assert seat(new)["current_period_end"] == seat(old)["current_period_end"]
        assert {item["price"]["product"] for item in new} == {new[0]["price"]["product"]}
        assert new[0]["price"]["product"] != old[0]["price"]["product"]


def test_a_switch_of_interval_begins_a_period_and_bills_it_at_once() -> None:
    switches = [
        (held, old)
        for held, old in changed()
        if seat(held["items"]["data"])["price"]["recurring"]["interval"]
        != seat(old)["price"]["recurring"]["interval"]
    ]

    assert switches
    for held, _ in switches:
        item = seat(held["items"]["data"])
        assert item["current_period_start"] == held["billing_cycle_anchor"]
        days = (item["current_period_end"] - item["current_period_start"]) / DAY_S
        year = item["price"]["recurring"]["interval"] == "year"
        assert (365 <= days <= 366) if year else (28 <= days <= 31)
        told = history(held["latest_invoice"])
        assert told[0]["data"]["object"]["billing_reason"] == "subscription_update"
        assert told[0]["created"] == held["billing_cycle_anchor"]


def test_a_downgrade_is_scheduled_and_takes_effect_at_the_periods_end() -> None:
    found = 0
    for planned in objects("subscription_schedule.created"):
        told = history(planned["id"])
        assert [event["type"] for event in told[:2]] == [
            "subscription_schedule.created",
            "subscription_schedule.updated",
        ]
        now, later = told[1]["data"]["object"]["phases"]
        assert now["end_date"] == later["start_date"]
        effective = [
            event
            for event in history(planned["subscription"])
            if event["created"] == later["start_date"]
            and event["type"] == "customer.subscription.updated"
        ]
        ended_first = any(event["created"] < later["start_date"] for event in told[2:])
        if ended_first or not effective:
            continue
        held = effective[0]["data"]["object"]
        assert prices(held) == [item["price"] for item in later["items"]]
        assert [item["quantity"] for item in held["items"]["data"]] == [
            item["quantity"] for item in later["items"]
        ]
        assert held["schedule"] == planned["id"]
        found += 1

    assert found > 3


def test_a_released_schedule_leaves_its_subscription_as_it_is() -> None:
    released = objects("subscription_schedule.released")

    assert len(released) > 5
    for planned in released:
        assert planned["status"] == "released"
        assert (planned["subscription"], planned["current_phase"]) == (None, None)
        after = [
            event["data"]["object"]["schedule"]
            for event in history(planned["released_subscription"])
            if event["created"] >= planned["released_at"]
        ]
        assert after[0] is None


def test_a_subscription_names_the_schedule_that_is_active() -> None:
    active: set[str] = set()
    for event in events():
        about = event["data"]["object"]
        if about["object"] == "subscription_schedule":
            keep = about["status"] == "active"
            (active.add if keep else active.discard)(about["id"])
        elif about["object"] == "subscription" and about["schedule"]:
            assert about["schedule"] in active
