"""What statuses, links and several subscriptions come to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import pytest

from projections.answer import Account, Billing, answer
from projections.facts import (
    AccountLinked,
    SeatChanged,
    Subscription,
    SubscriptionObserved,
)
from projections.models import declaration
from projections.models.links import Link, Linked, linked, resolve
from projections.models.seats import SEATS, changed
from projections.models.subscriptions import History, observed
from projections.status.access import Level

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALONE: Final = Linked(customer="cus_1", product=None)
BARE: Final = Subscription(
    status="active",
    currency="usd",
    period_start=NOW,
    period_end=NOW + timedelta(days=30),
)


def history(status: str, **fields: Any) -> History:  # noqa: ANN401
    fact = SubscriptionObserved(
        account="cus_1",
        object_id="sub_1",
        event_id="evt_1",
        type="customer.subscription.created",
        occurred_at=NOW,
        position=1,
        value=msgspec.structs.replace(BARE, status=status, **fields),
    )
    kept = observed(History(), fact)
    assert kept is not None
    return kept


def billing(**histories: History) -> Billing:
    return answer(Account(linked=ALONE, histories=histories), NOW)


@pytest.mark.parametrize(
    ("status", "badge", "level", "reason"),
    [
        ("active", "Active", Level.FULL, None),
        ("trialing", "Trial", Level.FULL, None),
        ("past_due", "Past due", Level.FULL, "payment_failed"),
        ("paused", "Paused", Level.READ_ONLY, "paused"),
        ("unpaid", "Unpaid", Level.READ_ONLY, "unpaid"),
        ("incomplete", "Incomplete", Level.NONE, "first_payment_missing"),
        ("canceled", "Canceled", Level.NONE, "canceled"),
        ("incomplete_expired", "Expired", Level.NONE, "expired"),
        ("hibernating_now", "Hibernating now", Level.READ_ONLY, "unknown_status"),
    ],
)
def test_a_status_has_a_badge_and_an_access(
    status: str, badge: str, level: Level, reason: str | None
) -> None:
    told = billing(sub_1=history(status))

    assert told.badge is not None
    assert told.badge.text == badge
    assert (told.access.level, told.access.reason) == (level, reason)
    assert told.access.since == NOW


def test_an_unknown_status_is_a_finding() -> None:
    codes = [finding.code for finding in billing(sub_1=history("odd")).findings]

    assert "unknown_status" in codes


def test_a_pause_of_collection_leaves_access_full() -> None:
    told = billing(sub_1=history("active", pause_behavior="void"))

    assert (told.status, told.access.level) == ("active", Level.FULL)


def test_a_cancellation_at_period_end_is_announced_until_then() -> None:
    end = NOW + timedelta(days=30)
    ending = history("active", cancel_at_period_end=True, canceled_at=NOW)

    told = billing(sub_1=ending)
    after = answer(Account(linked=ALONE, histories={"sub_1": ending}), end)

    assert told.badge is not None
    assert told.badge.text == "Cancels on 31 Mar 2026"
    assert told.status == "active"
    assert told.access.next_change is not None
    assert (told.access.next_change.at, told.access.next_change.level) == (end, Level.NONE)
    assert after.access.next_change is None


def test_the_best_status_speaks_and_of_equal_ones_the_newest() -> None:
    older, newer = NOW - timedelta(days=9), NOW - timedelta(days=1)
    told = billing(
        sub_a=history("canceled", created=newer),
        sub_b=history("active", created=older),
        sub_c=history("active", created=newer),
        sub_d=history("past_due", created=NOW),
        sub_e=history("incomplete_expired", created=NOW),
        sub_f=history("someday", created=NOW),
    )

    assert [each.id for each in told.subscriptions] == [
        "sub_c",
        "sub_b",
        "sub_d",
        "sub_a",
        "sub_e",
        "sub_f",
    ]
    assert [each.primary for each in told.subscriptions] == [True] + [False] * 5


def test_no_subscription_ever_is_none() -> None:
    told = billing()

    assert (told.status, told.badge, told.seats) == ("none", None, None)
    assert (told.access.level, told.access.since) == (Level.NONE, None)


def test_the_last_link_wins_on_both_sides() -> None:
    links = {
        "shop-1": Link(customer="cus_1", position=10),
        "shop-2": Link(customer="cus_1", position=30),
        "shop-3": Link(customer="cus_2", position=20),
    }

    for account, expected in [
        ("cus_1", ("cus_1", "shop-2")),
        ("shop-2", ("cus_1", "shop-2")),
        ("shop-1", (None, "shop-1")),
        ("shop-3", ("cus_2", "shop-3")),
        ("cus_2", ("cus_2", "shop-3")),
        ("cus_9", ("cus_9", None)),
        ("shop-9", (None, "shop-9")),
    ]:
        who = resolve(account, links)
        assert (who.customer, who.product) == expected


def test_an_earlier_link_that_comes_later_does_not_count() -> None:
    kept = Link(customer="cus_2", position=20)

    early = AccountLinked(account="shop-1", customer="cus_1", recorded_at=NOW, position=10)

    assert linked(kept, early) is kept


def test_a_fact_is_handled_once() -> None:

    row = declaration.on(SeatChanged, changed)

    with pytest.raises(declaration.HandledTwiceError):
        declaration.table(row, row)
    assert SEATS.handlers[SeatChanged] is changed
