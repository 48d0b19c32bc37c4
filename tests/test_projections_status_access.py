"""What every status, pause, cancellation and stage comes to: badge, access, findings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import msgspec
import pytest

from projections.answer import Account, Billing, answer
from projections.facts import Item, Subscription, SubscriptionObserved
from projections.models.links import Linked
from projections.models.subscriptions import Current, History, observed, told
from projections.status.access import Badge, Change, Level, Stage, Tone, access, badge

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALONE: Final = Linked(customer="cus_1", product=None)
BARE: Final = Subscription(
    status="active",
    currency="usd",
    period_start=NOON,
    period_end=NOON + timedelta(days=31),
)


def day(number: int) -> datetime:
    return NOON + timedelta(days=number)


def item(quantity: int = 1, **fields: Any) -> Item:  # noqa: ANN401 - any field
    given = {
        "id": "si_1",
        "price": "price_1",
        "product": "prod_1",
        "interval": "month",
        "interval_count": 1,
        "period_start": None,
        "period_end": None,
        **fields,
    }
    return Item(quantity=quantity, **given)


def history(name: str, *changes: tuple[int, Mapping[str, Any]]) -> History:
    """Show a subscription on some days, each time with the values given so far."""
    kept, shown = History(), BARE
    for number, (when, fields) in enumerate(changes):
        before = shown
        shown = msgspec.structs.replace(shown, **fields)
        after = observed(
            kept,
            SubscriptionObserved(
                account="cus_1",
                object_id=name,
                event_id=f"evt_{name}_{number}",
                type=f"customer.subscription.{'updated' if number else 'created'}",
                occurred_at=day(when),
                position=1 + when,
                value=shown,
                earlier={field: getattr(before, field) for field in fields}
                if number
                else None,
            ),
        )
        assert after is not None
        kept = after
    return kept


def current(*changes: tuple[int, Mapping[str, Any]]) -> Current:
    says = told(history("sub_1", *changes))
    assert says is not None
    return says.current


def billing(now: int, **histories: History) -> Billing:
    return answer(Account(linked=ALONE, histories=histories), day(now))


def codes(billing: Billing) -> list[str]:
    return [finding.code for finding in billing.findings]


@pytest.mark.parametrize(
    ("pause", "reason"),
    [
        (None, "paused"),
        ("pause_requested", "pause_requested"),
        ("first_payment_failure", "payment_failed"),
        ("final_payment_failure", "payment_failed"),
        ("trial_end_without_payment_method", "trial_ended_without_payment_method"),
        ("system", "paused_by_stripe"),
        ("a_kind_of_tomorrow", "paused"),
    ],
)
def test_every_kind_of_stripes_pause_is_read_only_and_says_why(
    pause: str | None, reason: str
) -> None:
    paused = current(
        (0, {"status": "active"}), (5, {"status": "paused", "pause_type": pause})
    )

    told = access(paused, day(9))

    assert (told.level, told.reason, told.since) == (Level.READ_ONLY, reason, day(5))
    assert badge(paused.value) == Badge("Paused", Tone.WARNING)


@pytest.mark.parametrize("behavior", ["void", "keep_as_draft", "mark_uncollectible"])
def test_a_pause_of_collection_changes_neither_status_nor_access(behavior: str) -> None:
    paused = current((0, {}), (5, {"pause_behavior": behavior}))

    told = access(paused, day(9))

    assert (told.level, told.reason, told.since) == (Level.FULL, None, day(0))
    assert badge(paused.value).text == "Active"


def test_access_is_since_it_was_what_it_is_not_since_the_status() -> None:
    for changes, level, since in [
        ([(0, "trialing"), (14, "active")], Level.FULL, 0),
        ([(0, "incomplete"), (1, "active"), (9, "past_due")], Level.FULL, 9),
        ([(0, "active"), (9, "past_due"), (12, "active")], Level.FULL, 12),
        ([(0, "active"), (9, "unpaid")], Level.READ_ONLY, 9),
    ]:
        shown = current(*((when, {"status": status}) for when, status in changes))
        told = access(shown, day(20))
        assert (told.level, told.since) == (level, day(since)), changes


def test_a_canceled_subscription_has_no_access_since_it_ended() -> None:
    ended = current((0, {}), (8, {"status": "canceled", "ended_at": day(7)}))

    told = access(ended, day(9))

    assert (told.level, told.reason, told.since) == (Level.NONE, "canceled", day(7))
    assert told.next_change is None


def test_a_cancellation_at_period_end_keeps_status_and_access_until_then() -> None:
    ending = current((0, {}), (3, {"cancel_at_period_end": True, "canceled_at": day(3)}))

    told = access(ending, day(4))

    assert (told.level, told.since) == (Level.FULL, day(0))
    assert told.next_change == Change(at=day(31), level=Level.NONE)
    assert badge(ending.value) == Badge("Cancels on 1 Apr 2026", Tone.WARNING)


def test_a_cancellation_taken_back_leaves_no_trace() -> None:
    kept = current(
        (0, {}),
        (3, {"cancel_at_period_end": True, "canceled_at": day(3)}),
        (4, {"cancel_at_period_end": False, "canceled_at": None}),
    )

    assert access(kept, day(5)).next_change is None
    assert badge(kept.value).text == "Active"


def test_a_cancellation_at_a_date_is_announced_for_every_status_that_lives() -> None:
    for status in ("active", "trialing", "past_due", "unpaid", "paused"):
        ending = current((0, {"status": status, "cancel_at": day(10)}))
        assert access(ending, day(4)).next_change == Change(at=day(10), level=Level.NONE)


def stage(level: Level, next_change: Change | None = None) -> Stage:
    return Stage(
        level=level,
        reason="dunning_paused",
        since=day(7),
        badge=Badge("Paused", Tone.WARNING),
        next_change=next_change,
    )


@pytest.mark.parametrize(
    ("status", "stage_level", "level", "reason"),
    [
        ("past_due", Level.READ_ONLY, Level.READ_ONLY, "dunning_paused"),
        ("past_due", Level.NONE, Level.NONE, "dunning_paused"),
        ("unpaid", Level.FULL, Level.READ_ONLY, "unpaid"),
        ("unpaid", Level.NONE, Level.NONE, "dunning_paused"),
        ("canceled", Level.READ_ONLY, Level.NONE, "canceled"),
    ],
)
def test_a_stage_of_dunning_only_takes_away(
    status: str, stage_level: Level, level: Level, reason: str
) -> None:
    told = access(current((0, {"status": status})), day(9), stage(stage_level))

    assert (told.level, told.reason) == (level, reason)


def test_the_next_change_under_a_stage_is_the_first_that_takes_more() -> None:
    ending = current((0, {"status": "past_due", "cancel_at": day(20)}))
    cancels = Change(at=day(30), level=Level.NONE)

    told = access(ending, day(9), stage(Level.READ_ONLY, cancels))

    assert told.next_change == Change(at=day(20), level=Level.NONE)
    assert badge(ending.value, stage(Level.READ_ONLY)).text == "Paused"


def test_a_restart_makes_the_new_subscription_primary_and_may_change_the_currency() -> None:
    told = billing(
        40,
        sub_1=history("sub_1", (0, {}), (31, {"status": "canceled", "ended_at": day(31)})),
        sub_2=history("sub_2", (33, {"currency": "eur", "created": day(33)})),
    )

    assert (told.status, told.primary and told.primary.id) == ("active", "sub_2")
    assert told.access.since == day(33)
    assert codes(told) == ["seats_baseline_missing"]


def test_O13_a_currency_that_changes_without_a_cancellation_is_a_finding() -> None:
    within = billing(9, sub_1=history("sub_1", (0, {}), (3, {"currency": "eur"})))
    beside = billing(
        9,
        sub_1=history("sub_1", (0, {})),
        sub_2=history("sub_2", (3, {"currency": "eur"})),
    )

    for each in (within, beside):
        found = [one for one in each.findings if one.code == "currency_changed"]
        assert len(found) == 1
        assert found[0].evidence == (1, 4)
        assert each.access.level is Level.FULL


def test_one_currency_in_several_subscriptions_is_no_finding() -> None:
    told = billing(9, sub_1=history("sub_1", (0, {})), sub_2=history("sub_2", (3, {})))

    assert "currency_changed" not in codes(told)


def test_a_period_that_is_over_is_counted_on_and_said_to_be_an_estimate() -> None:
    shown = history(
        "sub_1",
        (0, {"items": (item(),), "period_start": day(-29), "period_end": day(-1)}),
    )

    told = billing(0, sub_1=shown)

    assert told.primary is not None
    period = told.primary.period
    assert period is not None
    assert (period.start, period.end, period.estimated) == (
        datetime(2026, 2, 28, 12, tzinfo=UTC),
        datetime(2026, 3, 31, 12, tzinfo=UTC),
        True,
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "canceled"},
        {"status": "paused"},
        {"status": "incomplete"},
        {"cancel_at_period_end": True},
        {"cancel_at": day(-1)},
    ],
)
def test_what_does_not_go_on_keeps_its_last_period(fields: Mapping[str, Any]) -> None:
    past = {"items": (item(),), "period_start": day(-32), "period_end": day(-1)}

    told = billing(0, sub_1=history("sub_1", (-32, {**past, **fields})))

    assert told.primary is not None
    assert told.primary.period is not None
    assert (told.primary.period.end, told.primary.period.estimated) == (day(-1), False)


def test_an_unknown_period_is_counted_from_the_anchor() -> None:
    anchored = {
        "items": (item(interval="year"),),
        "period_start": None,
        "period_end": None,
        "billing_cycle_anchor": datetime(2024, 2, 29, tzinfo=UTC),
    }

    told = billing(0, sub_1=history("sub_1", (0, anchored)))

    assert told.primary is not None
    period = told.primary.period
    assert period is not None
    assert (period.start.date().isoformat(), period.end.date().isoformat()) == (
        "2026-02-28",
        "2027-02-28",
    )


def test_a_new_anchor_cuts_the_old_period_short() -> None:
    told = billing(
        12,
        sub_1=history(
            "sub_1",
            (0, {"items": (item(),)}),
            (10, {"period_start": day(10), "period_end": day(41)}),
        ),
    )

    marks = told.subscriptions[0].current.marks
    assert [(a.period_end, b.period_start) for a, b in pairwise(marks)] == [
        (day(31), day(10))
    ]
    period = told.subscriptions[0].period
    assert period is not None
    assert (period.start, period.estimated) == (day(10), False)
