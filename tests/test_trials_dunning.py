"""Trials of dunning: O17, O18, O06 and the laws of its stages (P09)."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from projections import rendering
from projections.dunning.rendering import timeline
from unpaid import DAY_0, INVOICE, Unpaid, told

OTHER = "in_2SRzqtKXBGcbgpbZhpdF1KCd"


def failing(day_0: datetime = DAY_0) -> Unpaid:
    unpaid = Unpaid(day_0=day_0)
    unpaid.subscription("active", -30)
    unpaid.failed(0, 3, 5, 7, again=True)
    return unpaid


@pytest.mark.parametrize(
    "day_0",
    [
        pytest.param(DAY_0, id="spring"),
        pytest.param(
            datetime(2026, 3, 28, 23, 59, 59, tzinfo=UTC), id="summer time begins"
        ),
        pytest.param(datetime(2026, 10, 24, 1, 30, tzinfo=UTC), id="summer time ends"),
        pytest.param(datetime(2026, 12, 27, tzinfo=UTC), id="year end"),
        pytest.param(datetime(2028, 2, 25, 12, tzinfo=UTC), id="29 February"),
    ],
)
@pytest.mark.parametrize(
    ("days", "seconds", "stage", "level", "badge"),
    [
        (0, 0, "retrying", "full", "Past due"),
        (7, -1, "retrying", "full", "Past due"),
        (7, 0, "paused", "read_only", "Paused"),
        (7, 1, "paused", "read_only", "Paused"),
        (30, -1, "paused", "read_only", "Paused"),
        (30, 0, "canceled", "none", "Canceled"),
        (30, 1, "canceled", "none", "Canceled"),
        (3000, 0, "canceled", "none", "Canceled"),
    ],
)
def test_O17_four_failures_pause_on_day_7_and_cancel_on_day_30(
    day_0: datetime, days: int, seconds: int, stage: str, level: str, badge: str
) -> None:
    billing = failing(day_0).billing(days, seconds)

    assert billing.foremost is not None
    assert billing.foremost.stage == stage
    assert billing.access.level == level
    assert billing.badge is not None
    assert billing.badge.text == badge


@pytest.mark.parametrize(
    ("days", "seconds", "paused", "canceled"),
    [
        (0, 0, False, False),
        (0, 1, False, False),
        (3, 0, False, False),
        (7, -1, False, False),
        (7, 0, False, False),
        (7, 1, True, False),
        (20, 0, True, False),
        (30, -1, True, False),
        (30, 0, True, False),
        (30, 1, True, True),
        (400, 0, True, True),
    ],
)
def test_O17_a_success_resumes_from_every_point_and_prevents_the_step_of_its_second(
    days: int, seconds: int, *, paused: bool, canceled: bool
) -> None:
    unpaid = Unpaid()
    unpaid.subscription("active", -30)
    unpaid.failed(
        *(day for day in (0, 3, 5, 7) if day <= days + seconds / 86_400), again=True
    )
    unpaid.paid(days, seconds)

    billing = unpaid.billing(500)

    assert billing.foremost is not None
    assert billing.foremost.stage == "recovered"
    assert (billing.foremost.paused_at is not None) is paused
    assert (billing.foremost.canceled_at is not None) is canceled
    assert (billing.access.level, billing.badge and billing.badge.text) == (
        "full",
        "Active",
    )


def test_O17_two_overlapping_invoices_have_two_timelines_and_the_worse_one_shows() -> None:
    unpaid = failing()
    unpaid.failed(5, 8, name=OTHER)

    stages = [
        [each.stage for each in unpaid.billing(day).dunning] for day in (6, 7, 12, 30, 35)
    ]

    assert stages == [
        ["retrying", "retrying"],
        ["paused", "retrying"],
        ["paused", "paused"],
        ["canceled", "paused"],
        ["canceled", "canceled"],
    ]
    assert [unpaid.stage(day) for day in (6, 7, 30)] == ["retrying", "paused", "canceled"]


def test_O17_one_of_two_paid_leaves_the_other_in_its_stage() -> None:
    unpaid = failing()
    unpaid.failed(5, name=OTHER)
    unpaid.paid(8)
    unpaid.subscription("past_due", 8, 1)

    assert unpaid.stage(8, 1) == "closed", "active for a second: the other is superseded"


def test_O18_what_stripe_does_sooner_counts_and_the_policy_shows_the_difference() -> None:
    for status, stage, level in [
        ("unpaid", "paused", "read_only"),
        ("canceled", "canceled", "none"),
    ]:
        unpaid = Unpaid()
        unpaid.subscription("active", -30)
        unpaid.failed(0)
        details = {"reason": "payment_failed"}
        ended = int(unpaid.at(2).timestamp()) if status == "canceled" else None
        unpaid.subscription(status, 2, cancellation_details=details, ended_at=ended)

        billing = unpaid.billing(3)

        assert billing.foremost is not None
        assert (billing.foremost.stage, billing.access.level) == (stage, level)
        assert "dunning_deviation" in {each.code for each in billing.findings}


def test_O18_retries_on_other_days_stand_where_they_happened() -> None:
    unpaid = Unpaid()
    unpaid.failed(0, 1, 6, again=True)

    body = timeline(unpaid.billing(6.5).dunning[0])
    tried = [each for each in body["steps"] if each["kind"] == "attempt"]

    assert [each["happened_at"] == each["due_at"] for each in tried] == [True] * 3
    assert body["deviation"] == "Stripe tried on day 1; expected are days 0, 3, 5, 7"


def test_O06_a_failure_told_after_the_payment_leaves_it_recovered() -> None:
    unpaid = Unpaid()
    unpaid.failed(0)
    unpaid.paid(4)
    unpaid.invoice("payment_failed", 3, attempt_count=2)

    billing = unpaid.billing(9)

    assert [each.stage for each in billing.dunning] == ["recovered"]
    assert len(billing.dunning[0].attempts) == 2
    assert billing.access.level == "full"


ORDER = ["retrying", "paused", "canceled"]


def test_P09_a_stage_only_goes_on_while_nothing_happens() -> None:
    unpaid = failing()

    stages = [ORDER.index(unpaid.stage(day / 4) or "") for day in range(140)]

    assert stages == sorted(stages)
    assert set(stages) == {0, 1, 2}


def test_P09_any_order_of_the_deliveries_gives_the_same_bytes() -> None:
    unpaid = failing()
    charge(unpaid, 0)
    intent(unpaid, 3, reference=INVOICE[:25])
    unpaid.failed(2, 6, name=OTHER)
    unpaid.paid(9)
    unpaid.tell("refund.created", {"id": "re_1", "object": "refund", "charge": "ch_0"}, 9)
    chance = random.Random(7)
    expected = None

    for _ in range(40):
        for day in (4, 40):
            body = rendering.billing(told(unpaid.events, unpaid.at(day)))
            written = msgspec.json.encode(rendering.without_evidence(body))
            if day == 40:
                expected = expected or written
                assert written == expected
        chance.shuffle(unpaid.events)


def charge(unpaid: Unpaid, day: float, **more: object) -> None:
    shown = {
        "id": f"ch_{day}",
        "object": "charge",
        "customer": "cus_1",
        "status": "failed",
        "amount": 9200,
        "currency": "usd",
        "created": int(unpaid.at(day).timestamp()),
        "payment_intent": "pi_1",
        "failure_code": "card_declined",
        "failure_message": "Your card has insufficient funds.",
        "outcome": {"reason": "insufficient_funds"},
        **more,
    }
    unpaid.tell("charge.failed", shown, day)


def intent(unpaid: Unpaid, day: float, reference: str | None = None) -> None:
    shown = {
        "id": "pi_1",
        "object": "payment_intent",
        "customer": "cus_1",
        "status": "requires_payment_method",
        "amount": 9200,
        "currency": "usd",
        "created": int(unpaid.at(0).timestamp()),
        "payment_details": {"order_reference": reference},
        "last_payment_error": {
            "charge": f"ch_{day}",
            "code": "card_declined",
            "decline_code": "do_not_honor",
            "message": "Your card was declined.",
        },
    }
    unpaid.tell("payment_intent.payment_failed", shown, day)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("reference", [INVOICE, INVOICE[:25]])
def test_P07_the_banks_words_are_found_through_intent_and_charge_in_either_order(
    reference: str, *, reverse: bool
) -> None:
    unpaid = Unpaid()
    unpaid.failed(0, 3)
    charge(unpaid, 0)
    intent(unpaid, 3, reference=reference)
    if reverse:
        unpaid.events.reverse()

    (found,) = unpaid.billing(4).dunning

    assert [each.reason for each in found.attempts] == [
        "insufficient_funds",
        "do_not_honor",
    ]
    assert found.attempts[0].message == "Your card has insufficient funds."
    assert not any(each.guess for each in found.attempts)


def test_P07_amount_and_hour_alone_are_a_guess_and_say_so() -> None:
    unpaid = Unpaid()
    unpaid.failed(0)
    charge(unpaid, 0, payment_intent=None)

    (found,) = unpaid.billing(1).dunning

    assert [(each.reason, each.guess) for each in found.attempts] == [
        ("insufficient_funds", True)
    ]
    unpaid.failed(0, name=OTHER)
    assert all(each.attempts[0].reason is None for each in unpaid.billing(1).dunning)


def test_a_failed_charge_alone_is_day_0_and_a_debit_counts_from_when_it_was_told() -> None:
    unpaid = Unpaid(version="2020-08-27")
    unpaid.subscription("active", -30)
    unpaid.invoice("finalized", 0)
    charge(unpaid, 4, invoice=INVOICE, created=int(unpaid.at(0).timestamp()))

    (found,) = unpaid.billing(4).dunning

    assert found.first_failed_at == unpaid.at(4)
    assert [unpaid.stage(day) for day in (3, 10.9, 11)] == [None, "retrying", "paused"]


def test_an_invoice_that_is_sent_fails_on_its_due_date() -> None:
    for paid_after_s, stage in [(-1, None), (0, None), (1, "recovered"), (None, "paused")]:
        unpaid = Unpaid()
        due = int(unpaid.at(0).timestamp())
        more: dict[str, Any] = {
            "collection_method": "send_invoice",
            "due_date": due,
            "attempted": False,
        }
        unpaid.subscription("active", -30)
        unpaid.invoice("sent", -20, **more)
        if paid_after_s is not None:
            at = {"paid_at": due + paid_after_s}
            unpaid.invoice("paid", 0, 1, status="paid", status_transitions=at, **more)

        assert unpaid.stage(-1) is None
        assert unpaid.stage(8) == stage


@pytest.mark.parametrize(
    ("kind", "more", "reason"),
    [
        ("voided", {"status": "void"}, "void"),
        (
            "paid",
            {"status": "paid", "pre_payment_credit_notes_amount": 9200, "amount_due": 0},
            "credited",
        ),
        (
            "marked_uncollectible",
            {
                "status": "uncollectible",
                "status_details": {"uncollectible": {"reason": "user_forgiven"}},
            },
            "written_off",
        ),
    ],
)
def test_what_is_not_owed_any_more_closes_its_timeline(
    kind: str, more: dict[str, Any], reason: str
) -> None:
    unpaid = Unpaid()
    unpaid.failed(0, 3)
    unpaid.invoice(kind, 8, **more)

    (found,) = unpaid.billing(40).dunning

    assert (found.stage, found.outcome and found.outcome.reason) == ("closed", reason)
    assert unpaid.billing(40).access.level == "full"


def test_a_write_off_of_stripes_own_runs_on_while_the_subscription_owes() -> None:
    unpaid = Unpaid()
    unpaid.failed(0, 3)
    unpaid.invoice("marked_uncollectible", 5, status="uncollectible")

    assert [unpaid.stage(day) for day in (6, 7, 30)] == ["retrying", "paused", "canceled"]
    unpaid.subscription("active", 31)
    assert unpaid.stage(31) == "closed"


def test_a_subscription_active_again_supersedes_what_is_still_unpaid() -> None:
    unpaid = Unpaid()
    unpaid.failed(0, 3)
    unpaid.subscription("active", 10)

    (found,) = unpaid.billing(11).dunning

    assert found.outcome is not None
    assert (found.stage, found.outcome.reason) == ("closed", "superseded")
    assert found.shown.amount_remaining == 9200


@pytest.mark.parametrize(
    ("day", "why", "stage", "reason"),
    [
        (10, "payment_failed", "canceled", "payment_failed"),
        (10, "cancellation_requested", "closed", "subscription_ended"),
        (30, "cancellation_requested", "canceled", "payment_failed"),
    ],
)
def test_the_end_of_the_subscription_ends_the_timeline(
    day: int, why: str, stage: str, reason: str
) -> None:
    unpaid = Unpaid()
    unpaid.failed(0)
    ended = int(unpaid.at(day).timestamp())
    unpaid.subscription(
        "canceled", day, cancellation_details={"reason": why}, ended_at=ended
    )
    unpaid.invoice("paid", day, status="paid", status_transitions={"paid_at": ended})

    (found,) = unpaid.billing(day + 1).dunning

    assert found.outcome is not None
    assert (found.stage, found.outcome.reason) == (stage, reason)


def test_a_first_invoice_has_no_timeline_before_its_subscription_began() -> None:
    unpaid = Unpaid()
    unpaid.invoice(
        "payment_failed", 0, billing_reason="subscription_create", attempt_count=1
    )
    unpaid.subscription("incomplete", 0)
    assert unpaid.billing(1).dunning == ()

    unpaid.subscription("incomplete_expired", 1)
    assert unpaid.billing(2).dunning == ()


def test_a_payment_to_be_confirmed_by_its_owner_says_so() -> None:
    unpaid = Unpaid()
    unpaid.invoice("payment_action_required", 0, attempt_count=1)
    unpaid.invoice("payment_failed", 0, attempt_count=1)

    (found,) = unpaid.billing(1).dunning

    assert [each.outcome for each in found.attempts] == ["action_required"]


def test_an_open_invoice_with_attempts_and_no_failure_counts_from_its_finalizing() -> None:
    unpaid = Unpaid()
    at = int(unpaid.at(0).timestamp())
    unpaid.subscription("past_due", 2)
    unpaid.invoice("updated", 2, attempt_count=2, status_transitions={"finalized_at": at})

    (found,) = unpaid.billing(8).dunning

    assert (found.assumed, found.first_failed_at) == (True, unpaid.at(0))
    assert found.stage == "paused"


def test_a_policy_cancellation_that_stripe_has_not_made_is_a_finding() -> None:
    unpaid = failing()

    def codes(day: float) -> set[str]:
        return {each.code for each in unpaid.billing(day).findings}

    assert "cancel_not_executed" not in codes(29)
    assert "cancel_not_executed" in codes(30)
