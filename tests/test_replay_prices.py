"""Prices with tiers and without terms, by the year, in two currencies."""

from __future__ import annotations

from collections import Counter

import pytest

from replay.simulator.objects.catalogue import expanded_price
from replay.simulator.prices import Price, Tier
from replay.simulator.shapes import Shape
from whole_life import events, objects

TIERED = Price(
    price_id="price_1",
    product_id="prod_1",
    nickname="Seats",
    unit_amount=None,
    currency="usd",
    created=0,
    metadata={},
    tiers=(Tier(up_to=5, flat=9900, unit=0), Tier(up_to=None, flat=0, unit=1500)),
)


@pytest.mark.parametrize(
    ("seats", "parts"),
    [
        (0, [(0, 9900)]),
        (1, [(1, 9900)]),
        (5, [(5, 9900)]),
        (6, [(5, 9900), (1, 1500)]),
        (8, [(5, 9900), (3, 4500)]),
    ],
)
def test_a_graduated_price_charges_each_tier_it_reaches(
    seats: int, parts: list[tuple[int, int]]
) -> None:
    assert [(part.quantity, part.amount) for part in TIERED.charged(seats)] == parts


def test_tiers_are_said_only_when_they_are_expanded() -> None:
    assert all("tiers" not in each for each in objects("price.created", "price.updated"))
    tiered = [each for each in objects("price.created") if each["tiers_mode"]]
    assert tiered
    for each in tiered:
        assert each["billing_scheme"] == "tiered"
        assert (each["unit_amount"], each["unit_amount_decimal"]) == (None, None)

    shown = expanded_price(TIERED, Shape.ENDIVE)["tiers"]
    assert shown == [
        {
            "flat_amount": 9900,
            "flat_amount_decimal": "9900",
            "unit_amount": 0,
            "unit_amount_decimal": "0",
            "up_to": 5,
        },
        {
            "flat_amount": None,
            "flat_amount_decimal": None,
            "unit_amount": 1500,
            "unit_amount_decimal": "1500",
            "up_to": None,
        },
    ]


def test_the_lines_of_a_tiered_item_count_its_seats() -> None:
    several = 0
    for billed in objects("invoice.created"):
        lines = billed["lines"]["data"]
        of_item = Counter(
            line["parent"]["subscription_item_details"]["subscription_item"]
            for line in lines
            if line["parent"]["subscription_item_details"]
        )
        several += max(of_item.values(), default=0) > 1
        for line in lines:
            assert line["quantity_decimal"] == str(line["quantity"])
            assert line["subtotal"] == line["amount"]

    assert several > 20


def test_subscriptions_are_paid_by_month_and_year_in_four_currencies() -> None:
    seen = set()
    for held in objects("customer.subscription.updated"):
        recurring = {
            item["price"]["recurring"]["interval"] for item in held["items"]["data"]
        }
        currencies = {item["price"]["currency"] for item in held["items"]["data"]}
        assert currencies == {held["currency"]}
        assert len(recurring) == 1
        seen.add((*recurring, *currencies))

    assert seen == {
        (interval, currency)
        for interval in ("month", "year")
        for currency in ("usd", "eur", "jpy", "kwd")
    }


def test_some_prices_state_no_terms() -> None:
    silent = {
        (each["nickname"], bool(each["tiers_mode"]))
        for each in objects("price.created")
        if not each["metadata"]
    }

    assert silent == {
        ("Basic seat", False),
        ("Growth base", False),
        ("Growth seat", False),
        ("Ladder seat", True),
    }


def test_terms_change_once_for_everybody() -> None:
    raised = [
        event
        for event in events()
        if event["type"] == "price.updated"
        and "metadata" in event["data"]["previous_attributes"]
    ]

    assert raised
    for event in raised:
        assert event["data"]["previous_attributes"] == {
            "metadata": {"included_seats": "10"}
        }
        assert event["data"]["object"]["metadata"]["included_seats"] == "12"
    changed_at = {event["created"] for event in raised}
    ids = {event["data"]["object"]["id"] for event in raised}
    assert len(changed_at) == 1
    seen: Counter[tuple[bool, str]] = Counter()
    for event in events():
        held = event["data"]["object"]
        if held["object"] == "subscription":
            for item in held["items"]["data"]:
                if item["price"]["id"] in ids:
                    after = event["created"] >= min(changed_at)
                    seen[after, item["price"]["metadata"]["included_seats"]] += 1
    assert seen.keys() == {(False, "10"), (True, "12")}
