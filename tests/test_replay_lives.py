"""One life in many versions: the same ids and times, and nothing that an update hides."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from replay.simulator.occurrences import Occurrence, StripeOccurrence
from replay.simulator.shapes import Shape
from whole_life import START, events, of_type, run

# Stripe says what they changed, though they are no updates.
SAYS_WHAT_CHANGED = {"payment_method.detached", "charge.refunded"}


def told(shape: Shape) -> dict[str, tuple[str, int, str]]:
    return {
        event["id"]: (event["type"], event["created"], event["data"]["object"]["id"])
        for event in events(shape)
    }


def of_product(shape: Shape) -> list[Occurrence]:
    return [o for o in run(shape)[1] if not isinstance(o, StripeOccurrence)]


@pytest.mark.parametrize("shape", [Shape.Y2020, Shape.ACACIA, Shape.CLOVER])
def test_two_versions_tell_the_same_events_of_the_same_objects(shape: Shape) -> None:
    older, newer = told(shape), told(Shape.ENDIVE)

    common = older.keys() & newer.keys()
    assert {event_id: older[event_id] for event_id in common} == {
        event_id: newer[event_id] for event_id in common
    }
    apart = Counter((older | newer)[each][0] for each in older.keys() ^ newer.keys())
    # Before 2024 a subscription does not show the discounts of its items.
    hidden = {"customer.subscription.updated"} if shape.age < Shape.Y2024.age else set()
    unsent = shape.traits.unsent ^ Shape.ENDIVE.traits.unsent
    assert apart.keys() <= {"invoice.updated"} | unsent | hidden
    if not shape.traits.payments_apart:
        assert apart["invoice_payment.paid"] > 100


@pytest.mark.parametrize("shape", [Shape.Y2020, Shape.BASIL])
def test_two_versions_have_the_same_seats_and_the_same_end(shape: Shape) -> None:
    assert of_product(shape) == of_product(Shape.ENDIVE)
    ends, others = run(shape)[0].expectations(), run(Shape.ENDIVE)[0].expectations()
    assert ends.keys() == others.keys()
    for account, end in ends.items():
        other = others[account]
        assert (end.status, end.subscriptions) == (other.status, other.subscriptions)
        assert (end.default_method, end.email) == (other.default_method, other.email)


def overlaid(now: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
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


@pytest.mark.parametrize("shape", [Shape.Y2020, Shape.ENDIVE])
def test_every_update_leads_back_to_what_was_told_before(shape: Shape) -> None:
    last: dict[tuple[str, str], dict[str, Any]] = {}
    followed: Counter[str] = Counter()

    for event in events(shape):
        about, previous = event["data"]["object"], event["data"].get("previous_attributes")
        key = about["object"], about["id"]
        if event["type"].endswith("updated"):
            assert previous
            if about["object"] != "mandate":
                assert overlaid(about, previous) == last[key], event["type"]
                followed[about["object"]] += 1
        else:
            assert (previous is None) == (event["type"] not in SAYS_WHAT_CHANGED)
        if event["type"].endswith(("updated", ".created", ".attached")):
            last[key] = about

    assert followed.keys() - {"invoiceitem"} == {
        "coupon",
        "customer",
        "dispute",
        "invoice",
        "payment_method",
        "plan",
        "price",
        "product",
        "promotion_code",
        "subscription",
        "subscription_schedule",
        "tax_id",
        "tax_rate",
    }


def test_all_that_a_life_may_hold_is_told() -> None:
    assert {event["type"] for event in events()} >= {
        "charge.pending",
        "coupon.deleted",
        "customer.deleted",
        "customer.subscription.paused",
        "customer.subscription.resumed",
        "customer.subscription.trial_will_end",
        "customer.tax_id.created",
        "customer.tax_id.updated",
        "invoice.marked_uncollectible",
        "invoice.voided",
        "mandate.updated",
        "payment_intent.processing",
        "payment_method.automatically_updated",
        "payment_method.detached",
        "payment_method.updated",
        "plan.deleted",
        "plan.updated",
        "price.deleted",
        "price.updated",
        "product.deleted",
        "product.updated",
        "promotion_code.updated",
        "setup_intent.succeeded",
        "subscription_schedule.created",
        "subscription_schedule.released",
        "subscription_schedule.updated",
        "tax_rate.updated",
    }


def test_time_goes_forward_except_for_what_stripe_sends_late() -> None:
    stripes = [o for o in run()[1] if isinstance(o, StripeOccurrence)]

    assert all(early.sent <= later.sent for early, later in pairwise(stripes))
    late = {o.type for o in stripes if o.sent != o.created}
    assert late == {"plan.created", "price.created"}
    assert stripes[0].created == START.timestamp()


def test_every_status_is_reached_and_an_end_is_final() -> None:
    last: dict[str, str] = {}
    for event in of_type(
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.deleted",
    ):
        held = event["data"]["object"]
        assert last.get(held["id"]) not in {"canceled", "incomplete_expired"}
        last[held["id"]] = held["status"]

    seen = {each["data"]["object"].get("status") for each in events()}
    assert seen >= {
        *("active", "trialing", "past_due", "paused", "unpaid", "incomplete"),
        *("canceled", "incomplete_expired"),
    }
