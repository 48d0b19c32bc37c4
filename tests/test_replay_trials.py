"""Trials of the simulated company: their notice, their first invoice, and their end."""

from __future__ import annotations

from collections import Counter

from whole_life import events, history, objects, of_type

DAY_S = 86_400


def test_the_notice_comes_three_days_before_the_end() -> None:
    notices = list(of_type("customer.subscription.trial_will_end"))

    assert len(notices) > 10
    for event in notices:
        held = event["data"]["object"]
        assert held["status"] == "trialing"
        assert held["trial_end"] - event["created"] == 3 * DAY_S
        assert held["trial_start"] == held["start_date"]


def test_a_trial_is_one_period_that_costs_nothing() -> None:
    trials = [
        each
        for each in objects("customer.subscription.created")
        if each["status"] == "trialing"
    ]

    assert trials
    for held in trials:
        item = held["items"]["data"][-1]
        assert item["current_period_start"] == held["trial_start"]
        assert item["current_period_end"] == held["trial_end"]
        assert held["billing_cycle_anchor"] == held["trial_end"]
        told = history(held["latest_invoice"])
        paid = next(event for event in told if event["type"] == "invoice.paid")
        billed = paid["data"]["object"]
        assert (billed["total"], billed["status"]) == (0, "paid")
        assert billed["billing_reason"] == "subscription_create"
        assert billed["lines"]["data"][0]["description"].startswith("Trial period for")


def test_a_trial_ends_as_its_settings_and_the_payment_method_have_it() -> None:
    ends: Counter[tuple[bool, str, str]] = Counter()
    for event in events():
        held = event["data"]["object"]
        at_end = held["object"] == "subscription" and event["created"] == held["trial_end"]
        if not at_end or event["type"] == "customer.subscription.paused":
            continue
        behavior = held["trial_settings"]["end_behavior"]["missing_payment_method"]
        paying = held["default_payment_method"] is not None
        if not held["cancellation_details"]["reason"] or not paying:
            ends[paying, behavior, held["status"]] += 1

    assert ends[False, "pause", "paused"] > 0
    assert ends[False, "cancel", "canceled"] > 0
    assert {status for paying, _, status in ends if paying} == {"active"}
    assert {status for paying, _, status in ends if not paying} == {"paused", "canceled"}


def test_a_paid_period_follows_the_trial_from_its_very_end() -> None:
    went_on = [
        event["data"]["object"]
        for event in of_type("customer.subscription.updated")
        if event["data"]["previous_attributes"].get("status") == "trialing"
        and event["data"]["object"]["status"] == "active"
    ]

    assert len(went_on) > 5
    for held in went_on:
        item = held["items"]["data"][-1]
        assert item["current_period_start"] == held["trial_end"]
        assert item["current_period_end"] > held["trial_end"] + 27 * DAY_S
        first = history(held["latest_invoice"])[0]["data"]["object"]
        assert first["billing_reason"] == "subscription_cycle"
        assert first["total"] > 0
        assert first["period_start"] == held["trial_start"]
