"""Trials of order: what arrives late, doubled, within one second, or from another mode."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
import pytest

from ledger.events import (
    Command,
    DeliveryConflicted,
    Event,
    SeatAssigned,
    SeatReleased,
    SeatsCounted,
    StripeEvent,
    Verdict,
)
from ledger.twin import MemoryLog
from projections import rendering
from projections.answer import Billing, answer
from projections.assembly import assembled
from projections.facts import SubscriptionObserved
from projections.models.declaration import Projection, on, table
from projections.models.links import resolve
from projections.models.registry import PROJECTIONS
from projections.models.seats import SEATS
from projections.models.subscriptions import SUBSCRIPTIONS, History
from projections.projector.rows import Codec
from projections.projector.runner import Runner
from projections.projector.twin import MemoryRows

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


def shown(
    name: str,
    kind: str,
    second: int,
    status: str = "active",
    previous: dict[str, Any] | None = None,
    quantity: int = 1,
) -> StripeEvent:
    data: dict[str, Any] = {
        "object": {"status": status, "items": {"data": [item(quantity)]}}
    }
    if previous is not None:
        data["previous_attributes"] = previous
    return StripeEvent(
        event_id=f"evt_{name}",
        body=json.dumps({"data": data}).encode(),
        account="cus_1",
        object_id="sub_1",
        occurred_at=NOON + timedelta(seconds=second),
        stripe_type=f"customer.subscription.{kind}",
    )


def item(quantity: int) -> dict[str, Any]:
    return {"id": "si_1", "quantity": quantity}


async def billing(
    events: Sequence[Event],
    projections: Sequence[Projection[Any]] = PROJECTIONS,
    now: datetime = NOON + timedelta(days=1),
) -> Billing:
    log = MemoryLog(clock=lambda: NOON)
    for event in events:
        await log.append([event])
    kept = {}
    for each in projections:
        rows = MemoryRows(each.version)
        await Runner(each, log, rows, batch=2).catch_up()
        codec = Codec(each)
        kept[each.name] = {k: codec.decode(row.state) for k, row in rows.rows.items()}
    return answer(assembled(resolve("cus_1", {}), kept), now)


def quantity(told: Billing) -> int | None:
    return None if told.seats is None else told.seats.stripe_quantity


def codes(told: Billing) -> list[str]:
    return [finding.code for finding in told.findings]


LIFE: Final = [
    shown("d", "created", 0, "incomplete"),
    shown("b", "updated", 0, "active", {"status": "incomplete"}),
    shown("c", "updated", 5, "active", {"items": {"data": [item(1)]}}, 4),
    shown("a", "updated", 5, "active", {"items": {"data": [item(4)]}}, 7),
    shown("e", "updated", 9, "past_due", {"status": "active"}, 7),
]


async def test_O01_every_order_and_duplication_of_a_life_tells_the_same() -> None:
    straight = await billing(LIFE)

    for order in itertools.permutations(LIFE):
        assert _told(await billing([*order, order[0], order[2]])) == _told(straight)
    assert (straight.status, quantity(straight)) == ("past_due", 7)


async def test_O01_control_a_fold_that_trusts_arrival_tells_different_stories() -> None:
    def last_write_wins(_history: History, fact: SubscriptionObserved) -> History:
        return History(recent=(fact,))

    naive = keeping(last_write_wins)

    stories = {_told(await billing(o, naive)) for o in itertools.permutations(LIFE)}

    assert len(stories) > 1


async def test_O02_updated_before_created_is_active() -> None:
    told = await billing(
        [
            shown("u", "updated", 1, "active", {"status": "incomplete"}),
            shown("c", "created", 0, "incomplete"),
        ]
    )

    assert told.status == "active"


async def test_O03_within_a_second_the_chain_of_previous_values_decides() -> None:
    first = shown("z", "updated", 5, quantity=3, previous={"items": {"data": [item(2)]}})
    second = shown("a", "updated", 5, quantity=5, previous={"items": {"data": [item(3)]}})

    for order in ([first, second], [second, first]):
        told = await billing(order)
        assert quantity(told) == 5
        assert "ambiguous_order" not in codes(told)


async def test_O03_a_second_that_nothing_orders_is_flagged_whatever_came_first() -> None:
    first = shown("z", "updated", 5, "active")
    second = shown("a", "updated", 5, "past_due")

    tales = [await billing(order) for order in ([first, second], [second, first])]

    assert [codes(told)[0] for told in tales] == ["ambiguous_order"] * 2
    assert [told.findings[0].evidence for told in tales] == [(1, 2), (1, 2)]
    assert tales[0].status == tales[1].status


async def test_O03_control_a_strictly_newer_second_loses_the_last_change() -> None:
    def strictly_newer(history: History, fact: SubscriptionObserved) -> History:
        if history.recent and not history.recent[-1].occurred_at < fact.occurred_at:
            return history
        return History(recent=(fact,))

    naive = keeping(strictly_newer)
    told = await billing(LIFE[:4], naive)

    assert quantity(told) == 4


async def test_O04_deleted_and_then_a_late_updated_stays_canceled() -> None:
    deleted = shown("d", "deleted", 9, "canceled")
    for late in (
        shown("u", "updated", 5, "active", {"status": "past_due"}),
        shown("u", "updated", 9, "active", {"status": "past_due"}),
        shown("u", "updated", 10, "active", {"status": "past_due"}),
    ):
        told = await billing([shown("c", "created", 0), deleted, late])
        assert told.status == "canceled"
        assert told.access.level == "none"


async def test_O04_an_event_that_shows_it_alive_after_its_end_is_a_finding() -> None:
    told = await billing(
        [shown("d", "deleted", 1, "canceled"), shown("u", "updated", 2, "active")]
    )

    assert "event_after_end" in codes(told)


async def test_O09_first_content_counts_and_the_account_says_there_was_another() -> None:
    other = DeliveryConflicted(
        event_id="evt_a", kept="k", refused="r", account="cus_1", body=b"{}"
    )
    told = await billing([shown("a", "created", 0), other, other])

    assert told.status == "active"
    found = {finding.code: finding for finding in told.findings}
    assert found["delivery_conflict"].evidence == (2,)
    assert "evt_a" in found["delivery_conflict"].message


async def test_O11_an_event_of_another_mode_counts_for_nothing() -> None:
    foreign = attrs.evolve(LIFE[4], verdict=Verdict.FOREIGN)
    quarantined = attrs.evolve(
        shown("q", "updated", 20, "unpaid"), verdict=Verdict.QUARANTINED
    )

    told = await billing([*LIFE[:4], foreign, quarantined])

    assert told.status == "active"


def seat(user: str, *, active: bool, minute: int, key: str = "") -> Event:
    kind = SeatAssigned if active else SeatReleased
    return kind(
        account="cus_1",
        command=Command(id=f"cmd:{user}{active}{minute}{key}", fingerprint=""),
        user=user,
        effective_at=NOON + timedelta(minutes=minute),
    )


async def test_O16_seats_are_a_set_whatever_comes_first_or_twice() -> None:
    changes = [
        seat("u_1", active=True, minute=1),
        seat("u_1", active=False, minute=2),
        seat("u_2", active=True, minute=1),
        seat("u_2", active=True, minute=3),
        seat("u_3", active=False, minute=4),
    ]

    for order in itertools.permutations(changes):
        told = await billing(order)
        assert told.seats is not None
        assert (told.seats.active, told.seats.users) == (1, frozenset({"u_2"}))


async def test_O16_a_change_in_the_future_waits_until_its_time_has_come() -> None:
    events = [
        SeatsCounted(
            account="cus_1",
            command=Command(id="cmd:all", fingerprint=""),
            users=("u_1", "u_2"),
            effective_at=NOON,
        ),
        seat("u_3", active=True, minute=60),
        seat("u_1", active=False, minute=90),
    ]

    for minute, active in [(0, 2), (59, 2), (60, 3), (90, 2)]:
        told = await billing(events, now=NOON + timedelta(minutes=minute))
        assert told.seats is not None
        assert told.seats.active == active


async def test_O16_after_a_bare_count_only_a_count_or_a_full_set_changes_the_number() -> (
    None
):
    def counted(minute: int, count: int | None, users: tuple[str, ...] | None) -> Event:
        return SeatsCounted(
            account="cus_1",
            command=Command(id=f"cmd:count{minute}", fingerprint=""),
            users=users,
            count=count,
            effective_at=NOON + timedelta(minutes=minute),
        )

    events = [
        counted(1, 12, None),
        seat("u_1", active=True, minute=2),
        counted(3, None, ("u_1", "u_2")),
        seat("u_2", active=False, minute=4),
    ]

    for minute, active in [(1, 12), (2, 12), (3, 2), (4, 1)]:
        told = await billing(events, now=NOON + timedelta(minutes=minute))
        assert told.seats is not None
        assert told.seats.active == active


@pytest.mark.parametrize("count", [0, 1])
async def test_a_subscription_without_told_users_bills_as_stripe_says(count: int) -> None:
    told = await billing([*LIFE[:4], *[seat("u_1", active=True, minute=1)] * count])

    assert told.seats is not None
    assert (told.seats.source, told.seats.active) == ("stripe", None)
    assert "seats_baseline_missing" in codes(told)


def keeping(apply_fact: Any) -> tuple[Projection[Any], ...]:  # noqa: ANN401
    handlers = table(on(SubscriptionObserved, apply_fact))
    return attrs.evolve(SUBSCRIPTIONS, handlers=handlers), SEATS


def _told(told: Billing) -> str:
    return repr(rendering.without_evidence(rendering.billing(told)))
