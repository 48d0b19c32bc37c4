"""The money side of the simulator: sums, links, retries, and days of renewal."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from replay.simulator.occurrences import StripeOccurrence
from replay.simulator.renewals import months_after
from replay.simulator.simulation import simulate

START: Final = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    told = simulate(seed=7, accounts=60, months=8, start=START)
    return [json.loads(o.body) for o in told if isinstance(o, StripeOccurrence)]


def of_kind(events: list[dict[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    return (e["data"]["object"] for e in events if e["data"]["object"]["object"] == kind)


def test_invoice_lines_add_up(events: list[dict[str, Any]]) -> None:
    for billed in of_kind(events, "invoice"):
        total = sum(line["amount"] for line in billed["lines"]["data"])

        assert total == billed["total"] == billed["subtotal"] == billed["amount_due"]
        assert billed["amount_remaining"] == total - billed["amount_paid"]
        assert billed["amount_paid"] == (total if billed["status"] == "paid" else 0)


def test_lines_are_quantity_times_price(events: list[dict[str, Any]]) -> None:
    for billed in of_kind(events, "invoice"):
        for line in billed["lines"]["data"]:
            price = line.get("pricing") or line["price"]
            assert line["amount"] == int(price["unit_amount_decimal"]) * line["quantity"]
            assert line["period"]["start"] < line["period"]["end"]


def test_payments_name_their_invoice_as_their_version_does(
    events: list[dict[str, Any]],
) -> None:
    totals = {each["id"]: each["total"] for each in of_kind(events, "invoice")}
    cut = {invoice_id[:25]: total for invoice_id, total in totals.items()}
    ways = set()

    for event in events:
        intent, version = event["data"]["object"], event["api_version"]
        if intent["object"] != "payment_intent":
            continue
        if "invoice" in intent:
            ways.add("named")
            assert version < "2025-03-31"
            assert totals[intent["invoice"]] == intent["amount"]
            continue
        reference = intent["payment_details"]["order_reference"]
        if version.endswith("basil"):
            ways.add("not at all")
            assert reference is None
        elif version.endswith("clover"):
            ways.add("cut")
            assert len(reference) == 25
            assert cut[reference] == intent["amount"]
        else:
            ways.add("whole")
            assert totals[reference] == intent["amount"]

    assert ways == {"named", "not at all", "cut", "whole"}


def test_retries_come_on_days_3_5_and_7(events: list[dict[str, Any]]) -> None:
    seen: dict[str, dict[int, tuple[int, int | None]]] = defaultdict(dict)
    for event in events:
        if event["type"] == "invoice.payment_failed":
            billed = event["data"]["object"]
            failed = (event["created"], billed["next_payment_attempt"])
            seen[billed["id"]][billed["attempt_count"]] = failed

    full = [attempts for attempts in seen.values() if len(attempts) == 4]
    assert full
    for attempts in full:
        first = attempts[1][0]
        days = [(attempts[n][0] - first) / 86400 for n in (1, 2, 3, 4)]
        assert days == [0, 3, 5, 7]
        assert [attempts[n][1] for n in (1, 2, 3)] == [attempts[n][0] for n in (2, 3, 4)]
        assert attempts[4][1] is None


@pytest.mark.parametrize(
    ("anchor", "renewals"),
    [
        ("2025-01-31T09:00:00", ["2025-02-28", "2025-03-31", "2025-04-30", "2025-05-31"]),
        ("2024-01-30T09:00:00", ["2024-02-29", "2024-03-30", "2024-04-30", "2024-05-30"]),
        ("2025-11-15T09:00:00", ["2025-12-15", "2026-01-15", "2026-02-15", "2026-03-15"]),
    ],
)
def test_renewals_keep_the_day_of_signup(anchor: str, renewals: list[str]) -> None:
    anchor_s = int(datetime.fromisoformat(f"{anchor}+00:00").timestamp())

    days = [
        datetime.fromtimestamp(months_after(anchor_s, n), tz=UTC).isoformat()
        for n in (1, 2, 3, 4)
    ]

    assert days == [f"{day}T09:00:00+00:00" for day in renewals]
