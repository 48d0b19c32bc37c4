"""What is read out of events, in every shape, and what happens where it cannot be."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import attrs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from ledger.envelope import stripe_event
from ledger.errors import EventUnreadableError
from ledger.events import StripeEvent, UnknownEvent
from ledger.log import Recorded
from projections.facts import Fact, FieldUnreadable, SubscriptionObserved
from projections.models.registry import PROJECTIONS
from projections.shapes.stripe_objects import SUBSCRIPTION
from projections.translation.from_product import UnknownTopicError
from projections.translation.stripe_types import SUBSCRIPTIONS
from projections.translation.translate import translation

ROOT: Final = Path(__file__).parent.parent
FIXTURES: Final = ROOT / os.environ.get("LEDGER_FIXTURES", "../shared/fixtures")
AT: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
START, END = 1_772_323_200, 1_775_001_600
NONE: Final[dict[str, list[Any]]] = {"data": []}
ALL: Final = translation(fact for each in PROJECTIONS for fact in each.handlers)

ITEM: Final = {
    "id": "si_1",
    "quantity": 3,
    "price": {
        "id": "price_1",
        "product": "prod_1",
        "recurring": {"interval": "month", "interval_count": 1},
    },
}
OLD: Final = {
    "status": "active",
    "created": START,
    "currency": "usd",
    "current_period_start": START,
    "current_period_end": END,
    "items": {"data": [ITEM]},
}
NEW: Final[dict[str, Any]] = {
    **{key: value for key, value in OLD.items() if not key.startswith("current_")},
    "items": {"data": [{**ITEM, "current_period_start": START, "current_period_end": END}]},
}


def rhythm(count: int) -> dict[str, Any]:
    return {"id": "price_1", "recurring": {"interval": "day", "interval_count": count}}


def observed(shown: dict[str, Any], previous: object = UNSET) -> list[Fact]:
    data = {"object": shown}
    if previous is not UNSET:
        data["previous_attributes"] = previous  # type: ignore[assignment]
    return told(json.dumps({"data": data}).encode())


def told(body: bytes, **fields: Any) -> list[Fact]:  # noqa: ANN401
    event = StripeEvent(
        event_id="evt_1",
        body=body,
        account="cus_1",
        object_id="sub_1",
        occurred_at=AT,
        stripe_type="customer.subscription.updated",
    )
    event = attrs.evolve(event, **fields)
    return list(SUBSCRIPTION(Recorded(position=7, recorded_at=AT, event=event)))


def only(facts: list[Fact]) -> SubscriptionObserved:
    (fact,) = facts
    assert isinstance(fact, SubscriptionObserved)
    return fact


def test_the_period_is_found_on_the_subscription_and_on_its_items() -> None:
    old, new = only(observed(OLD)).subscription, only(observed(NEW)).subscription

    assert (old.period_start, old.period_end) == (new.period_start, new.period_end)
    assert old.period_end == datetime.fromtimestamp(END, UTC)
    assert (old.status, old.currency, old.created) == (
        new.status,
        new.currency,
        new.created,
    )


def test_of_several_items_the_one_that_renews_next_gives_the_period() -> None:
    yearly = {**NEW["items"]["data"][0], "id": "si_0", "current_period_end": END + 99}
    items = {"data": [yearly, *NEW["items"]["data"]]}

    shown = only(observed({**NEW, "items": items})).subscription

    assert shown.period_end == datetime.fromtimestamp(END, UTC)
    assert [item.id for item in shown.items] == ["si_0", "si_1"]


def test_a_plan_stands_in_for_a_price_in_old_shapes() -> None:
    plan = {"id": "plan_1", "product": "prod_1", "interval": "year"}
    item = {"id": "si_1", "quantity": 2, "plan": plan}

    (read,) = only(observed({**OLD, "items": {"data": [item]}})).subscription.items

    assert (read.price, read.product, read.interval) == ("plan_1", "prod_1", "year")


def test_an_expanded_reference_is_its_id() -> None:
    shown = only(observed({**OLD, "latest_invoice": {"id": "in_1", "total": 1.5}}))

    assert shown.subscription.latest_invoice == "in_1"


def test_an_unknown_status_is_kept_as_it_is() -> None:
    assert only(observed({**OLD, "status": "hibernating"})).subscription.status == (
        "hibernating"
    )


def test_what_a_change_replaced_is_told_by_path() -> None:
    previous = {
        "status": "trialing",
        "pause_collection": {"behavior": "void"},
        "metadata": {"a": None},
        "items": {"data": [{**ITEM, "quantity": 2}]},
    }

    named = only(observed(NEW, previous)).previous

    assert named is not None
    assert named["status"] == "trialing"
    assert named == {
        "status": "trialing",
        "pause_behavior": "void",
        "items.si_1.quantity": 2,
        "period_start": None,
        "period_end": None,
    }


def test_a_type_without_earlier_values_tells_none() -> None:
    assert only(observed(OLD)).previous is None
    assert only(observed(OLD, {})).previous == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("items", {"data": [{**ITEM, "quantity": 1.5}]}),
        ("items", {"data": [{**ITEM, "quantity": 3.0}]}),
        ("items", {"data": [{**ITEM, "quantity": -1}]}),
        ("items", {"data": [{**ITEM, "price": rhythm(10**30)}]}),
        ("items", {"data": [{**ITEM, "price": rhythm(0)}]}),
        ("items", {"data": [{**ITEM, "price": rhythm(-1)}]}),
        ("items", []),
        ("cancel_at", "tomorrow"),
        ("trial_end", 10**15),
        ("created", -5),
        ("currency", 7),
        ("latest_invoice", {"object": "invoice"}),
        ("cancel_at_period_end", "yes"),
    ],
)
def test_a_field_that_cannot_be_read_is_named_and_touches_no_other(
    field: str, value: object
) -> None:
    unreadable, read = observed({**NEW, field: value})

    assert isinstance(unreadable, FieldUnreadable)
    assert unreadable.field == f"data.object.{field}"
    assert unreadable.position == 7
    assert isinstance(read, SubscriptionObserved)
    assert read.subscription.status == "active"
    if field != "items":
        assert read.subscription.items == only(observed(NEW)).subscription.items


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"[1]", "data.object"),
        (b"", "data.object"),
        (b'{"data": {"object": []}}', "data.object"),
        (b'{"data": {"object": {}}}', "data.object.status"),
        (b'{"data": {"object": {"status": null}}}', "data.object.status"),
        (b"\xff\xfe", "data.object"),
    ],
)
def test_without_a_status_nothing_is_observed(body: bytes, field: str) -> None:
    (unreadable,) = told(body)

    assert isinstance(unreadable, FieldUnreadable)
    assert unreadable.field == field


@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("occurred_at", "created"),
        ("object_id", "data.object.id"),
        ("account", "data.object.customer"),
    ],
)
def test_without_its_envelope_nothing_is_observed(column: str, field: str) -> None:
    body = json.dumps({"data": {"object": OLD}}).encode()

    (unreadable,) = told(body, **{column: None})

    assert isinstance(unreadable, FieldUnreadable)
    assert unreadable.field == field


def test_earlier_values_that_cannot_be_read_are_named() -> None:
    unreadable, read = observed(OLD, {"status": 5})

    assert isinstance(unreadable, FieldUnreadable)
    assert unreadable.field == "data.previous_attributes"
    assert isinstance(read, SubscriptionObserved)
    assert read.previous is None


def test_the_body_of_a_type_without_translator_is_never_decoded() -> None:
    def body() -> bytes:
        raise AssertionError("decoded")

    event = StripeEvent(event_id="evt_1", body=body, stripe_type="account.updated")

    assert ALL.facts([Recorded(position=1, recorded_at=AT, event=event)]) == []


def test_an_event_of_a_later_release_stops_its_account() -> None:
    event = UnknownEvent(originator_id="x", topic="moon_phase", account="cus_1")

    with pytest.raises(UnknownTopicError, match="moon_phase"):
        ALL.facts([Recorded(position=1, recorded_at=AT, event=event)])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([*OLD, "data", "id"]), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_whatever_stands_in_a_body_gives_facts_without_floats(shown: Any) -> None:  # noqa: ANN401
    for body in (shown, {"data": shown}, {"data": {"object": shown}}):
        facts = told(json.dumps(body).encode("utf-8", "surrogatepass"))
        assert facts
        assert not list(_floats([msgspec.to_builtins(fact) for fact in facts]))


def _floats(value: object) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from _floats(each)


def test_every_recorded_subscription_is_read_without_a_fault() -> None:
    if not FIXTURES.is_dir():
        pytest.skip(f"no recorded fixtures at {FIXTURES}: set LEDGER_FIXTURES")
    read = 0
    for path in sorted(FIXTURES.glob("*/*.json")):
        body = path.read_bytes()
        event = stripe_event(body, ledger_livemode=False)
        if event.stripe_type not in SUBSCRIPTIONS:
            continue
        shown = json.loads(body)["data"]["object"]
        fact = only(list(SUBSCRIPTION(Recorded(position=1, recorded_at=AT, event=event))))
        assert fact.subscription.status == shown["status"], path
        assert len(fact.subscription.items) == len(shown.get("items", NONE)["data"]), path
        assert fact.subscription.period_end is not None, path
        read += 1
    assert read > 30


def test_an_event_that_is_not_what_its_columns_say_is_named_by_its_position() -> None:
    body = b'{"type":"customer.created","data":{"object":{"id":"cus_1","email":"\xbb"}}}'
    event = StripeEvent(
        event_id="evt_1", body=body, account="cus_1", stripe_type="customer.created"
    )
    recorded = Recorded(position=7, recorded_at=AT, event=event)

    with pytest.raises(EventUnreadableError, match="#7 cannot be read"):
        ALL.facts([recorded])
