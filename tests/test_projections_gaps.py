"""What was not told of an object: suspected, healed by what Stripe shows, not invented."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from ledger.clock import utc_now
from ledger.events import Event, StripeEvent
from projections.findings import Finding
from recordings import accepted, flows
from stripe_outside import company, heard, log_of
from stripe_outside import told as answers
from test_laws import Step, told
from test_projections_observed import NOON, at, seen, subscription


def gaps(*events: Event) -> list[tuple[str, tuple[int, ...]]]:
    found: Sequence[Finding] = at(None, *events).findings
    return [(each.code, each.evidence) for each in found if each.code.startswith("gap_")]


def of_invoice(kind: str, second: int, **fields: object) -> StripeEvent:
    content = {"object": "invoice", "status": "open", "currency": "usd", **fields}
    return StripeEvent(
        event_id=f"evt_{kind}{second}",
        body=json.dumps({"data": {"object": {"id": "in_1", **content}}}).encode(),
        account="cus_1",
        object_id="in_1",
        occurred_at=NOON + timedelta(seconds=second),
        stripe_type=f"invoice.{kind}",
    )


LIFE = told("sub_1", "cus_1", [Step(10 * n, "active", n + 1) for n in range(4)])


def test_a_break_in_the_chain_is_suspected_and_the_whole_chain_is_not() -> None:
    for events in permutations([LIFE[0], LIFE[1], LIFE[3]]):
        assert [code for code, _ in gaps(*events)] == ["gap_suspected"]
    assert gaps(*LIFE) == []


def test_an_observed_object_heals_and_says_by_what() -> None:
    shown = seen(subscription(), NOON + timedelta(hours=1))

    assert gaps(LIFE[0], LIFE[2], shown) == [("gap_healed", (2, 3))]
    assert gaps(LIFE[0], shown, LIFE[1], LIFE[2]) == []


def test_the_event_that_was_missing_closes_the_gap() -> None:
    assert gaps(LIFE[0], LIFE[2], LIFE[1]) == []


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([("created", {"status": "draft"}), ("paid", {"status": "paid"})], 1),
        (
            [
                ("created", {"status": "draft"}),
                ("finalized", {}),
                ("paid", {"status": "paid"}),
            ],
            0,
        ),
        ([("created", {}), ("payment_failed", {"attempt_count": 1})], 0),
        (
            [
                ("created", {}),
                ("payment_failed", {"attempt_count": 1}),
                ("payment_failed", {"attempt_count": 3}),
            ],
            1,
        ),
    ],
)
def test_impossible_jumps_of_an_invoice(
    events: list[tuple[str, dict[str, Any]]], expected: int
) -> None:
    logged = [
        of_invoice(kind, place, **fields) for place, (kind, fields) in enumerate(events)
    ]

    assert len(gaps(*logged)) == expected


def test_an_object_updated_and_never_created_while_its_account_was_heard() -> None:
    other = told("sub_2", "cus_1", [Step(500, "active", 1), Step(600, "active", 2)])
    late = json.loads(other[1].body)
    late["data"]["object"]["created"] = int((NOON + timedelta(seconds=500)).timestamp())
    updated = StripeEvent(
        event_id="evt_late",
        body=json.dumps(late).encode(),
        account="cus_1",
        object_id="sub_2",
        occurred_at=NOON + timedelta(seconds=600),
        stripe_type="customer.subscription.updated",
    )

    assert [code for code, _ in gaps(LIFE[0], updated)] == ["gap_suspected"]
    assert gaps(updated) == []


async def test_no_gap_is_invented_of_a_company_that_was_heard_whole() -> None:
    told_of = await answers(await log_of(heard(company(25, 8))), utc_now())
    codes = {
        finding["code"] for answer in told_of.values() for finding in answer["findings"]
    }

    assert codes
    assert not {code for code in codes if code.startswith("gap_")}


async def test_no_gap_is_invented_of_what_was_recorded_of_stripe() -> None:
    """Each recorded flow in a ledger of its own.

    Some were recorded without the event that created an object, and that is said.
    """
    found = [
        (name, finding["message"])
        for name, bodies in flows().items()
        for answer in (
            await answers(await log_of(map(accepted, bodies)), utc_now())
        ).values()
        for finding in answer["findings"]
        if finding["code"].startswith("gap_") and not finding["message"].endswith("(birth)")
    ]

    assert found == []
