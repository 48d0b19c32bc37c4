"""How the product tells its seats: changes, sets, counts; and who its accounts are."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

import pytest

from replay.simulator.occurrences import (
    LinkOccurrence,
    SeatCountOccurrence,
    SeatOccurrence,
    SeatSetOccurrence,
    StripeOccurrence,
)
from whole_life import objects, run

SeatTelling = SeatOccurrence | SeatSetOccurrence | SeatCountOccurrence
Told = dict[str, list[SeatTelling]]


@pytest.fixture(scope="module")
def told() -> Told:
    """Return what the product says, by the name it gives the account."""
    by_name: Told = defaultdict(list)
    for occurrence in run()[1]:
        if not isinstance(occurrence, StripeOccurrence | LinkOccurrence):
            by_name[occurrence.account].append(occurrence)
    return by_name


@pytest.fixture(scope="module")
def customers() -> dict[str, str]:
    """Return the customer of each name the product may give it, however it is known."""
    names = {each["id"]: each["id"] for each in objects("customer.created")}
    for each in objects("customer.created"):
        if "account_id" in each["metadata"]:
            names[each["metadata"]["account_id"]] = each["id"]
    for occurrence in run()[1]:
        if isinstance(occurrence, LinkOccurrence):
            names[occurrence.product_account] = occurrence.account
    return names


def test_users_follow_from_what_was_told(told: Told, customers: dict[str, str]) -> None:
    expected = run()[0].expectations()
    linked = set()
    for name, occurrences in told.items():
        users: set[str] = set()
        count: int | None = None
        for each in occurrences:
            match each:
                case SeatOccurrence():
                    assert (each.user in users) is not each.active
                    (users.add if each.active else users.remove)(each.user)
                case SeatSetOccurrence():
                    users = set(each.users)
                    assert len(users) == len(each.users)
                case SeatCountOccurrence():
                    count = each.count
        if name in customers:
            linked.add(customers[name])
            end = expected[customers[name]]
            assert end.linked
            assert end.active_users == users
            assert end.active == (len(users) if count is None else count)

    never = {account for account, end in expected.items() if not end.linked}
    assert never
    assert not never & linked
    assert all(not expected[account].active_users for account in never)


def test_every_way_of_telling_occurs_and_a_product_keeps_to_its_own(told: Told) -> None:
    ways = {frozenset(type(each) for each in each_told) for each_told in told.values()}

    assert ways == {
        frozenset({SeatOccurrence}),
        frozenset({SeatOccurrence, SeatSetOccurrence}),
        frozenset({SeatSetOccurrence}),
        frozenset({SeatCountOccurrence}),
    }


def test_where_a_set_comes_first_it_is_the_first_and_only_one(told: Told) -> None:
    mixed = [
        each
        for each in told.values()
        if {SeatOccurrence, SeatSetOccurrence} == {type(one) for one in each}
    ]

    assert mixed
    for occurrences in mixed:
        kinds = [type(each) for each in occurrences]
        assert kinds[0] is SeatSetOccurrence
        assert kinds.count(SeatSetOccurrence) == 1


def test_accounts_are_linked_before_and_after_their_first_seats(told: Told) -> None:
    order = []
    for link in run()[1]:
        if isinstance(link, LinkOccurrence):
            first: datetime = told[link.product_account][0].effective_at
            order.append(link.effective_at < first)
            customer = next(
                each for each in objects("customer.created") if each["id"] == link.account
            )
            assert customer["metadata"] == {}

    assert set(order) == {True, False}


def test_keys_are_used_once(told: Told) -> None:
    keys = [each.key for occurrences in told.values() for each in occurrences]

    assert len(set(keys)) == len(keys)


def test_stripes_quantity_follows_the_users_and_the_terms_of_the_period() -> None:
    simulation, _ = run()
    expected = simulation.expectations()
    last: dict[str, dict[str, Any]] = {
        each["id"]: each
        for each in objects(
            "customer.subscription.created", "customer.subscription.updated"
        )
    }
    compared = set()
    for end in expected.values():
        if end.status not in {"active", "trialing"} or end.subscription is None:
            continue
        held = last[end.subscription]
        item = held["items"]["data"][-1]
        terms = item["price"]["metadata"]
        if terms.get("seat_quantity") == "all" or item["price"]["tiers_mode"]:
            assert end.quantity == end.active
            compared.add("all")
        elif terms.get("seat_quantity") == "extra":
            assert end.included_seats is not None
            assert end.quantity == max(0, end.active - end.included_seats)
            compared.add("extra")

    assert compared == {"all", "extra"}
