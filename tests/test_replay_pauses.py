"""Subscriptions that stand still: Stripe's own pause, paused collection, and expiry."""

from __future__ import annotations

from collections import Counter, defaultdict

from whole_life import events, history, objects, of_type

HOUR_S = 3600


def test_every_kind_of_pause_is_told_with_its_time() -> None:
    paused = list(of_type("customer.subscription.paused"))

    kinds: Counter[str] = Counter()
    for event in paused:
        held = event["data"]["object"]
        assert held["status"] == "paused"
        details = held["status_details"]["paused"]
        assert details["transitioned_at"] == event["created"]
        kinds[details["subscription"]["type"]] += 1
    assert kinds.keys() == {
        "final_payment_failure",
        "first_payment_failure",
        "pause_requested",
        "system",
        "trial_end_without_payment_method",
    }


def test_only_the_newest_version_says_why() -> None:
    assert all("status_details" in each for each in objects("customer.subscription.paused"))
    for event in events(None):
        held = event["data"]["object"]
        if held["object"] == "subscription":
            newest = event["api_version"].endswith("endive")
            assert ("status_details" in held) is newest


def test_a_paused_subscription_makes_no_invoices() -> None:
    paused: set[str] = set()
    made: Counter[bool] = Counter()
    for event in events():
        about = event["data"]["object"]
        if event["type"] == "customer.subscription.paused":
            paused.add(about["id"])
        elif event["type"] in {
            "customer.subscription.resumed",
            "customer.subscription.deleted",
        }:
            paused.discard(about["id"])
        elif event["type"] == "invoice.created":
            if about["parent"] is None:
                continue
            parent = about["parent"]["subscription_details"]["subscription"]
            resumes = about["billing_reason"] == "subscription_update"
            assert parent not in paused or resumes
            made[resumes] += 1

    assert made[True] > 0
    assert made[False] > 100


def test_a_resumed_subscription_is_active_in_a_period_that_has_not_ended() -> None:
    resumed = list(of_type("customer.subscription.resumed"))

    assert len(resumed) > 5
    for event in resumed:
        held = event["data"]["object"]
        assert held["status"] == "active"
        assert held["status_details"] is None
        assert held["items"]["data"][0]["current_period_end"] > event["created"]


def test_a_pause_after_a_failed_payment_leaves_the_invoice_open() -> None:
    found = 0
    for event in of_type("customer.subscription.paused"):
        held = event["data"]["object"]
        why = held["status_details"]["paused"]["subscription"]["type"]
        if not why.endswith("payment_failure"):
            continue
        failed = [
            each["data"]["object"]
            for each in history(held["latest_invoice"])
            if each["type"] == "invoice.payment_failed"
        ]
        assert len(failed) == (1 if why.startswith("first") else 4)
        assert failed[-1]["status"] == "open"
        assert failed[-1]["next_payment_attempt"] is None
        found += 1

    assert found > 3


def test_paused_collection_leaves_the_status_and_decides_about_invoices() -> None:
    behaviors: Counter[tuple[str, bool]] = Counter()
    for held in objects("customer.subscription.updated"):
        if held["pause_collection"]:
            assert held["status"] in {"active", "past_due", "unpaid", "paused"}
            pause = held["pause_collection"]
            behaviors[pause["behavior"], pause["resumes_at"] is None] += 1
    assert {behavior for behavior, _ in behaviors} == {
        "keep_as_draft",
        "mark_uncollectible",
        "void",
    }
    assert {open_ended for _, open_ended in behaviors} == {True, False}

    written_off = objects("invoice.marked_uncollectible")
    reasons = set()
    for billed in written_off:
        assert billed["status"] == "uncollectible"
        reasons.add(billed["status_details"]["uncollectible"]["reason"])
        assert billed["status_transitions"]["marked_uncollectible_at"]
    assert "subscription_paused" in reasons


def test_nobody_pays_a_void_invoice() -> None:
    last: dict[str, str] = defaultdict(str)
    for event in events():
        about = event["data"]["object"]
        if about["object"] == "invoice":
            assert last[about["id"]] not in {"void", "uncollectible"} or (
                about["status"] == last[about["id"]]
            )
            last[about["id"]] = about["status"]

    assert {"void", "uncollectible", "paid", "open", "draft"} <= set(last.values())


def test_what_is_never_confirmed_expires_after_23_hours() -> None:
    expired = [
        event
        for event in of_type("customer.subscription.updated")
        if event["data"]["object"]["status"] == "incomplete_expired"
    ]

    assert expired
    for event in expired:
        held = event["data"]["object"]
        assert event["created"] - held["created"] == 23 * HOUR_S
        assert event["data"]["previous_attributes"]["status"] == "incomplete"
        last = history(held["latest_invoice"])[-1]
        assert last["data"]["object"]["status"] == "void"
        assert history(held["id"])[-1]["id"] == event["id"]
