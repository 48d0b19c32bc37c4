from __future__ import annotations

from datetime import UTC, datetime

import pytest

from projections.notices import Notice, expires_at
from projections.payment_objects import PaymentMethod
from test_trials_dunning import charge, failing
from unpaid import INVOICE, SUBSCRIPTION, Unpaid


def of(unpaid: Unpaid, day: float, kind: str) -> list[Notice]:
    return [each for each in unpaid.billing(day).notices if each.kind == kind]


def test_a_failure_keeps_its_key_when_its_reason_is_learnt_later() -> None:
    unpaid = Unpaid()
    unpaid.failed(0)
    (before,) = of(unpaid, 1, "payment_failed")
    charge(unpaid, 0, invoice=INVOICE)
    (after,) = of(unpaid, 1, "payment_failed")

    assert (before.key, before.detail["reason"]) == (f"payment_failed:{INVOICE}:1", None)
    assert (after.key, after.detail["reason"]) == (before.key, "insufficient_funds")


def test_a_failure_keeps_its_key_whether_its_charge_or_its_invoice_tells_first() -> None:
    charged, billed = Unpaid(), Unpaid()
    for unpaid in (charged, billed):
        unpaid.invoice("finalized", -0.1, attempted=False)
    charge(charged, 0, invoice=INVOICE)
    billed.failed(0)

    keys = {each.key for one in (charged, billed) for each in of(one, 1, "payment_failed")}
    assert keys == {f"payment_failed:{INVOICE}:1"}


def test_pause_and_cancellation_are_due_on_their_days_and_once() -> None:
    unpaid = failing()

    assert [len(of(unpaid, day, "paused")) for day in (6.99, 7, 8, 30)] == [0, 1, 1, 1]
    assert [len(of(unpaid, day, "canceled")) for day in (29.99, 30, 31)] == [0, 1, 1]

    (by_policy,) = of(unpaid, 31, "canceled")
    ended = int(unpaid.at(31).timestamp())
    unpaid.subscription("canceled", 31, ended_at=ended)
    assert [each.key for each in of(unpaid, 32, "canceled")] == [by_policy.key]


def test_the_end_of_a_trial_is_said_three_days_before() -> None:
    unpaid = Unpaid()
    ends = int(unpaid.at(14).timestamp())
    unpaid.subscription("trialing", 0, trial_end=ends)

    assert [len(of(unpaid, day, "trial_ending")) for day in (10.99, 11, 13)] == [0, 1, 1]
    unpaid.subscription("active", 14, trial_end=ends)
    assert not of(unpaid, 14, "trial_ending")


def test_a_cancellation_without_a_failure_is_said_too() -> None:
    unpaid = Unpaid()
    unpaid.subscription("active", 0)
    unpaid.subscription("canceled", 3, ended_at=int(unpaid.at(3).timestamp()))

    assert [each.key for each in of(unpaid, 4, "canceled")] == [f"canceled:{SUBSCRIPTION}"]


@pytest.mark.parametrize(
    ("month", "year", "first_day_after"),
    [
        (2, 2028, datetime(2028, 3, 1, tzinfo=UTC)),
        (12, 2026, datetime(2027, 1, 1, tzinfo=UTC)),
        (12, 9999, None),
        (None, 2026, None),
    ],
)
def test_a_card_is_good_to_the_end_of_its_month(
    month: int | None, year: int, first_day_after: datetime | None
) -> None:
    card = PaymentMethod(type="card", exp_month=month, exp_year=year)

    assert expires_at(card) == first_day_after
