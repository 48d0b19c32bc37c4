"""The catalogue's own life: told early, late, changed and deleted."""

from __future__ import annotations

import pytest

from replay.simulator.delivery import deliver
from replay.simulator.occurrences import StripeOccurrence
from replay.simulator.shapes import Shape
from whole_life import START, events, history, objects, of_type, run


def test_some_prices_are_told_long_after_they_were_first_used() -> None:
    late = [o for o in run()[1] if isinstance(o, StripeOccurrence) and o.sent != o.created]
    ids = {each["id"] for each in objects("price.created") if "Growth" in each["nickname"]}

    assert len(late) == 2 * len(ids)
    first_told = min(each.sent for each in late)
    used = [
        event["created"]
        for event in of_type("customer.subscription.created")
        if any(
            item["price"]["id"] in ids for item in event["data"]["object"]["items"]["data"]
        )
    ]
    assert min(used) < first_told
    assert all(each.created == START.timestamp() for each in late)


def test_a_late_event_is_delivered_late_and_deliveries_stay_in_order() -> None:
    sent = {o.event_id: o.sent for o in run()[1] if isinstance(o, StripeOccurrence)}

    dues = []
    for delivery in deliver(run()[1], seed=1):
        assert delivery.due.timestamp() >= sent[delivery.event_id]
        dues.append(delivery.due)
    assert dues == sorted(dues)


def test_what_is_deleted_was_made_and_is_not_told_of_again() -> None:
    gone = [*of_type("coupon.deleted", "price.deleted", "product.deleted")]

    assert len(gone) == 3
    for event in gone:
        name = event["data"]["object"]["object"]
        told = [
            each
            for each in history(event["data"]["object"]["id"])
            if each["data"]["object"]["object"] == name
        ]
        assert told[0]["type"] == f"{name}.created"
        assert told[-1] == event


@pytest.mark.parametrize("shape", [Shape.BASIL, Shape.CLOVER])
def test_a_promotion_code_holds_or_names_its_coupon(shape: Shape) -> None:
    code = next(e for e in events(shape) if e["type"] == "promotion_code.created")
    coupon = next(e for e in events(shape) if e["type"] == "coupon.created")

    about, coupon_id = code["data"]["object"], coupon["data"]["object"]["id"]
    if shape is Shape.BASIL:
        assert about["coupon"]["id"] == coupon_id
        assert "promotion" not in about
    else:
        assert about["promotion"] == {"coupon": coupon_id, "type": "coupon"}


def test_a_percentage_is_a_number_with_a_fraction() -> None:
    percents = [each["percent_off"] for each in objects("coupon.created")]

    assert {type(each) for each in percents} == {float, type(None)}
    assert {25.5, 33.3, 7.25, 100.0} <= set(percents)
