"""What the simulator says is true, against what it told."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from replay.simulator.standings import Standing, Standings, primary
from replay.simulator.subscriptions import Status
from whole_life import START, events, objects, of_type, run

RANKS: Final = (
    *("active", "trialing", "past_due", "paused", "unpaid"),
    *("incomplete", "canceled", "incomplete_expired"),
)


def subscriptions_until(moment: datetime) -> dict[str, list[dict[str, Any]]]:
    """Return the last told of each subscription, by customer, in the plainest way."""
    last: dict[str, dict[str, Any]] = {}
    for event in events():
        held = event["data"]["object"]
        if held["object"] == "subscription" and event["created"] <= moment.timestamp():
            last[held["id"]] = held
    by_customer = defaultdict(list)
    for held in last.values():
        by_customer[held["customer"]].append(held)
    return by_customer


def best(candidates: list[dict[str, Any]]) -> dict[str, Any]:
    return min(candidates, key=lambda held: (RANKS.index(held["status"]), -held["created"]))


@pytest.mark.parametrize("days", [3, 31, 40.5, 77.25, 118, 200.125, 300, 364.9])
def test_the_status_at_any_time_is_what_was_told_by_then(days: float) -> None:
    simulation, _ = run()
    moment = START + timedelta(days=days)
    told = subscriptions_until(moment)

    for account in simulation.expectations():
        primary_then = best(told[account]) if told.get(account) else None
        status = primary_then["status"] if primary_then else None
        assert simulation.status_at(account, moment) == status
        assert simulation.subscription_at(account, moment) == (
            primary_then["id"] if primary_then else None
        )


def test_each_subscription_ends_as_it_was_last_told() -> None:
    simulation, _ = run()
    told = subscriptions_until(datetime(2030, 1, 1, tzinfo=UTC))

    several = 0
    for account, end in simulation.expectations().items():
        held = told.get(account, [])
        assert {each["id"] for each in held} == end.subscriptions.keys()
        several += len(held) > 1
        for each in held:
            expected, item = end.subscriptions[each["id"]], each["items"]["data"][-1]
            assert expected.status == each["status"]
            assert expected.quantity == item["quantity"]
            assert expected.cancel_at_period_end == each["cancel_at_period_end"]
            assert expected.period_start.timestamp() == item["current_period_start"]
            assert expected.period_end.timestamp() == item["current_period_end"]
        if held:
            first = best(held)
            assert (end.subscription, end.status) == (first["id"], first["status"])

    assert several > 5


def test_the_customer_ends_as_it_was_last_told() -> None:
    simulation, _ = run()
    last = {each["id"]: each for each in objects("customer.created", "customer.updated")}
    deleted = {each["id"] for each in objects("customer.deleted")}

    expected = simulation.expectations()
    assert last.keys() == expected.keys()
    assert {account for account, end in expected.items() if end.deleted} == deleted
    for account, end in expected.items():
        known = last[account]
        assert (end.email, end.currency) == (known["email"], known["currency"])
    assert {end.currency for end in expected.values()} >= {"usd", "eur"}


def test_nothing_is_told_of_a_deleted_customer() -> None:
    gone: set[str] = set()
    for event in events():
        about = event["data"]["object"]
        assert about.get("customer") not in gone
        assert about["id"] not in gone
        if event["type"] == "customer.deleted":
            gone.add(about["id"])

    assert gone
    live = {
        each.status
        for account, end in run()[0].expectations().items()
        if account in gone
        for each in end.subscriptions.values()
    }
    assert live <= {"canceled", "incomplete_expired"}


def test_a_few_customers_have_two_live_subscriptions_at_once() -> None:
    live: dict[str, set[str]] = defaultdict(set)
    most = 0
    for event in of_type(
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.deleted",
    ):
        held = event["data"]["object"]
        over = held["status"] in {"canceled", "incomplete_expired"}
        (live[held["customer"]].discard if over else live[held["customer"]].add)(held["id"])
        most = max(most, len(live[held["customer"]]))

    assert most >= 2


def test_a_change_of_currency_comes_with_a_new_subscription_only() -> None:
    currencies: dict[str, str] = {}
    per_customer: dict[str, set[str]] = defaultdict(set)
    for held in (
        *objects("customer.subscription.created"),
        *objects("customer.subscription.updated"),
    ):
        assert currencies.setdefault(held["id"], held["currency"]) == held["currency"]
        per_customer[held["customer"]].add(held["currency"])

    assert any(len(each) > 1 for each in per_customer.values())


def test_an_account_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        run()[0].status_at("cus_nobody", START)


def standing(name: str, status: Status, *, since: int, created: int) -> Standing:
    return Standing(since=since, subscription_id=name, created=created, status=status)


def test_the_primary_is_the_best_and_of_equals_the_newest() -> None:
    kept = Standings()
    for each in (
        standing("old", Status.ACTIVE, since=1, created=1),
        standing("new", Status.INCOMPLETE, since=5, created=5),
        standing("new", Status.ACTIVE, since=6, created=5),
        standing("new", Status.CANCELED, since=9, created=5),
        standing("old", Status.CANCELED, since=12, created=1),
        standing("last", Status.INCOMPLETE_EXPIRED, since=20, created=20),
    ):
        kept.record(each)

    def name(at: int | None) -> str | None:
        found = kept.primary(at)
        return found.subscription_id if found else None

    assert [name(at) for at in (0, 1, 5, 6, 8, 9, 11, 12, 30)] == [
        *(None, "old", "old", "new", "new", "old", "old", "new", "new"),
    ]
    assert name(None) == "new"
    assert primary({}) is None


def test_each_invoice_ends_as_it_was_last_told() -> None:
    simulation, _ = run()
    last = {
        event["data"]["object"]["id"]: event["data"]["object"]
        for event in events()
        if event["data"]["object"]["object"] == "invoice"
    }

    expected = {
        invoice: end
        for account in simulation.expectations().values()
        for invoice, end in account.invoices.items()
    }
    assert expected.keys() == last.keys()
    for invoice, end in expected.items():
        shown = last[invoice]
        assert (end.status, end.total) == (shown["status"], shown["total"])
        assert end.amount_due == shown["amount_due"]
        assert end.amount_paid == shown["amount_paid"]
        assert end.amount_remaining == shown["amount_remaining"]
        assert end.attempts == shown["attempt_count"]
        before = shown["pre_payment_credit_notes_amount"]
        assert end.credited == before + shown["post_payment_credit_notes_amount"]
    assert any(end.recovered_at for end in expected.values())
    assert any(end.refunded for end in expected.values())


def test_a_failed_invoice_knows_when_it_first_failed() -> None:
    simulation, _ = run()
    first: dict[str, int] = {}
    for event in of_type("invoice.payment_failed", "invoice.overdue"):
        first.setdefault(event["data"]["object"]["id"], event["created"])

    failed = {
        invoice: int(end.first_failed_at.timestamp())
        for account in simulation.expectations().values()
        for invoice, end in account.invoices.items()
        if end.first_failed_at is not None
    }
    assert failed == first


def test_the_current_period_is_what_its_invoices_say() -> None:
    simulation, _ = run()
    compared = 0
    for end in simulation.expectations().values():
        period = end.period
        if period is None:
            continue
        whole = period.base + period.seats + period.other - period.discount + period.tax
        assert period.total == whole
        totals = [end.invoices[invoice].total for invoice in period.invoices]
        assert period.total == sum(totals)
        compared += 1

    assert compared > 50
