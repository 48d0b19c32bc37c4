"""Invoices that were given up: what became of them, by events and by what an import saw."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from ledger.events import Source
from ledger.shown_objects import Showing, stripe_object
from unpaid import ACCOUNT, SUBSCRIPTION, Unpaid

SECOND = "in_2SRzqtKXBGcbgpbZhpdF1KCd"


def of_dunning(unpaid: Unpaid, days: float) -> list[tuple[str, float | None, str | None]]:
    """Return how each timeline stands: its stage, the day it ended, and why."""
    found = []
    for each in unpaid.billing(days).dunning:
        came = each.outcome
        day = None if came is None else (came.at - unpaid.day_0) / timedelta(days=1)
        found.append((str(each.stage), day, None if came is None else came.reason))
    return found


def test_an_end_for_nonpayment_in_the_second_of_a_write_off_is_the_end() -> None:
    unpaid = Unpaid()
    unpaid.subscription("active", -60)
    unpaid.failed(0, 3, 5, 7)
    unpaid.invoice("marked_uncollectible", 7, status="uncollectible")
    ended: dict[str, Any] = {"cancellation_details": {"reason": "payment_failed"}}
    unpaid.subscription("canceled", 7, ended_at=int(unpaid.at(7).timestamp()), **ended)

    assert of_dunning(unpaid, 10) == [("canceled", 7, "payment_failed")]


def test_what_was_written_off_while_active_does_not_come_back_with_a_later_failure() -> (
    None
):
    unpaid = Unpaid()
    unpaid.subscription("active", -60)
    unpaid.failed(0, 3)
    unpaid.subscription("active", 4)
    unpaid.invoice("marked_uncollectible", 5, status="uncollectible")
    unpaid.failed(40, name=SECOND)

    assert of_dunning(unpaid, 41)[0] == ("closed", 5, "written_off")


def imported(unpaid: Unpaid, status: str, *invoices: dict[str, Any]) -> None:
    """Show a subscription and its invoices as they are on day 100."""
    created = int(unpaid.at(-60).timestamp())
    items = {"object": "list", "data": [{"id": "si_1", "quantity": 1}]}
    shown = [
        {"id": SUBSCRIPTION, "object": "subscription", "status": status, "items": items}
    ]
    for number, each in enumerate(invoices):
        shown.append({"id": f"in_{number}", "object": "invoice", **each})
    for each in shown:
        given = {"customer": ACCOUNT, "created": created, **each}
        if each["object"] == "invoice":
            given["subscription"] = SUBSCRIPTION
        showing = Showing(source=Source.IMPORT, at=unpaid.at(100))
        unpaid.events.append(stripe_object(json.dumps(given).encode(), showing))


def bill(unpaid: Unpaid, made: float, status: str, **days: float) -> dict[str, Any]:
    """Return an invoice of 92 dollars that was sent, with its dates by name."""
    dates = {name: int(unpaid.at(day).timestamp()) for name, day in days.items()}
    due = dates.pop("due_date", int(unpaid.at(made + 30).timestamp()))
    paid = status == "paid"
    return {
        "created": int(unpaid.at(made).timestamp()),
        "billing_reason": "subscription_cycle",
        "collection_method": "send_invoice",
        "status": status,
        "currency": "usd",
        "total": 9200,
        "amount_due": 9200,
        "amount_paid": 9200 if paid else 0,
        "amount_remaining": 0 if paid else 9200,
        "due_date": due,
        "status_transitions": {"finalized_at": int(unpaid.at(made).timestamp()), **dates},
    }


@pytest.mark.parametrize(
    ("status", "later", "expected"),
    [
        # Nothing was paid since: it owed, and owes.
        ("past_due", {}, ("canceled", None, None)),
        # The next one was paid after the write-off, so it was active again.
        ("past_due", {"paid_at": 38}, ("closed", 38, "written_off")),
        # The next one had been paid before: it was active when this was written off.
        ("past_due", {"paid_at": 20}, ("closed", 35, "written_off")),
        # Paid as well, but the subscription makes nothing but drafts since.
        ("unpaid", {"paid_at": 38}, ("canceled", None, None)),
    ],
)
def test_what_an_import_makes_of_a_write_off(
    status: str, later: dict[str, float], expected: tuple[str, float | None, str | None]
) -> None:
    unpaid = Unpaid()
    given_up = bill(unpaid, -30, "uncollectible", due_date=0, marked_uncollectible_at=35)
    following = bill(unpaid, 10, "paid" if later else "open", **later)
    imported(unpaid, status, given_up, following)

    assert of_dunning(unpaid, 100)[0] == expected
