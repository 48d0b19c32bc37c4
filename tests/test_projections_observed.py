"""Objects that Stripe's API showed, among the events that were delivered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations as any_order
from typing import Any, Final

import attrs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.events import Event, Source, StripeEvent, StripeObject
from ledger.log import Recorded
from ledger.shown_objects import Showing, UnreadableObjectError, stripe_object
from projections.answer import Billing, answer
from projections.assembly import as_of
from projections.models.links import Linked
from projections.models.subscriptions import SUBSCRIPTIONS
from projections.projector.runner import Runner
from projections.projector.twin import MemoryRows
from test_laws import Step, dump, kept, lives, logged, told

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
CUSTOMER: Final = Linked(customer="cus_1", product=None)


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def seen(shown: dict[str, Any], at: datetime = NOON) -> StripeObject:
    raw = json.dumps(shown, indent=2).encode()
    return stripe_object(raw, Showing(source=Source.IMPORT, at=at))


def subscription(**fields: object) -> dict[str, Any]:
    return {
        "id": "sub_1",
        "object": "subscription",
        "customer": "cus_1",
        "status": "active",
        "currency": "usd",
        "created": seconds(NOON - timedelta(days=700)),
        "items": {"data": [{"id": "si_1", "quantity": 3, "price": {"id": "price_1"}}]},
        **fields,
    }


def invoice(**fields: object) -> dict[str, Any]:
    return {
        "id": "in_1",
        "object": "invoice",
        "customer": "cus_1",
        "status": "open",
        "currency": "usd",
        "created": seconds(NOON - timedelta(days=3)),
        "total": 900,
        "amount_due": 900,
        "amount_paid": 0,
        "amount_remaining": 900,
        **fields,
    }


def recorded(*events: Event) -> list[Recorded]:
    return [
        Recorded(position=place, recorded_at=NOON + timedelta(days=9), event=event)
        for place, event in enumerate(events, start=1)
    ]


def at(moment: datetime | None, *events: Event) -> Billing:
    account = as_of(CUSTOMER, recorded(*events), moment)
    return answer(account, moment or NOON + timedelta(days=9))


def orders(events: Sequence[Event]) -> Iterator[tuple[Event, ...]]:
    return any_order(events)


def test_the_same_content_is_the_same_event_and_a_changed_object_another() -> None:
    first = seen(invoice(hosted_invoice_url="https://one"))
    again = seen(invoice(hosted_invoice_url="https://two"), NOON + timedelta(days=1))
    changed = seen(invoice(amount_due=901))

    assert first.id == again.id != changed.id
    assert json.loads(first.body) == invoice(hosted_invoice_url="https://one")
    assert (first.kind, first.object_id, first.account) == ("invoice", "in_1", "cus_1")
    assert first.occurred_at == NOON


@pytest.mark.parametrize(
    "raw", [b"[]", b"{", b'{"id": "in_1"}', b'{"id": "", "object": "invoice"}', b"\xff"]
)
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(UnreadableObjectError):
        stripe_object(raw, Showing(source=Source.IMPORT, at=NOON))


def test_a_subscription_exists_from_its_creation_and_no_more_is_claimed() -> None:
    shown = seen(subscription())
    long_ago = NOON - timedelta(days=600)

    assert at(long_ago - timedelta(days=200), shown).status == "none"
    assert at(long_ago, shown).status == "active"
    assert at(long_ago, shown).subscriptions[0].subscription.items == ()
    assert at(None, shown).subscriptions[0].subscription.items[0].quantity == 3


def test_an_ended_subscription_ended_when_it_says() -> None:
    ended = NOON - timedelta(days=10)
    shown = seen(subscription(status="canceled", ended_at=seconds(ended)))

    assert at(ended - timedelta(seconds=1), shown).status == "active"
    assert at(ended, shown).status == "canceled"


def test_an_invoice_is_open_from_its_finalization_and_paid_from_its_payment() -> None:
    came = {"finalized_at": seconds(NOON) - 7200, "paid_at": seconds(NOON) - 3600}
    shown = seen(
        invoice(
            status="paid",
            amount_paid=900,
            amount_remaining=0,
            status_transitions=came,
        )
    )
    told_then = [
        (NOON - timedelta(days=2), "draft", None),
        (NOON - timedelta(hours=2), "open", 900),
        (NOON - timedelta(hours=1), "paid", 0),
        (None, "paid", 0),
    ]

    for moment, status, remaining in told_then:
        found = at(moment, shown).invoices[0].invoice
        assert (found.status, found.amount_remaining) == (status, remaining)


def test_a_deleted_customer_is_nobody_whoever_told_so() -> None:
    """Its last event shows it whole; the API, where that was lost, nothing of it."""
    there = {"id": "cus_1", "object": "customer", "email": "a@b.c", "currency": "usd"}
    later = NOON + timedelta(hours=1)
    deleted = StripeEvent(
        event_id="evt_deleted",
        body=json.dumps({"data": {"object": {**there, "email": "new@b.c"}}}).encode(),
        account="cus_1",
        object_id="cus_1",
        occurred_at=later,
        stripe_type="customer.deleted",
    )
    gone = seen({"id": "cus_1", "object": "customer", "deleted": True}, later)

    known = at(NOON, seen(there), gone).customer
    ends = [at(None, seen(there), seen(subscription()), each) for each in (deleted, gone)]

    assert known is not None
    assert known.email == "a@b.c"
    assert [each.customer for each in ends] == [None, None]
    # What it was last goes on in the totals of what it had.
    for each in ends:
        assert each.books is not None
        assert each.books.customer is not None
        assert each.books.customer.currency == "usd"


def test_an_observation_undoes_no_later_event() -> None:
    events = told("sub_1", "cus_1", [Step(0, "active", 1), Step(60, "active", 5)])
    early = seen(
        subscription(items={"data": [{"id": "si_sub_1", "quantity": 1}]}),
        NOON + timedelta(seconds=30),
    )

    for order in orders([*events, early]):
        assert at(None, *order).subscriptions[0].subscription.items[0].quantity == 5


@pytest.mark.parametrize("quantity", [1, 5])
def test_within_a_second_an_observation_stands_where_it_fits(quantity: int) -> None:
    """The change to 5 may have happened before or after it in that second."""
    events = told("sub_1", "cus_1", [Step(0, "active", 1), Step(60, "active", 5)])
    item = {"id": "si_sub_1", "quantity": quantity, "price": {"id": "price_1"}}
    shown = seen(
        {
            **subscription(items={"data": [item]}, created=seconds(NOON)),
            "currency": "usd",
        },
        NOON + timedelta(seconds=60),
    )

    for order in orders([*events, shown]):
        assert at(None, *order).subscriptions[0].subscription.items[0].quantity == 5


def test_an_observation_heals_what_no_event_told() -> None:
    events = told("sub_1", "cus_1", [Step(0, "active", 1)])
    shown = seen(subscription(status="past_due"), NOON + timedelta(days=1))

    assert at(None, shown, *events).status == "past_due"
    assert at(NOON + timedelta(hours=1), shown, *events).status == "active"


@st.composite
def mixtures(draw: st.DrawFn) -> list[Event]:
    """Lives, some of their events lost, and the objects as they were now and then."""
    events: list[Event] = []
    for name, customer in (("sub_1", "cus_1"), ("sub_2", "cus_1")):
        life = draw(lives(name, customer))
        lost = draw(st.sets(st.integers(0, len(life) - 1), max_size=2))
        shown = draw(st.sets(st.integers(0, len(life) - 1), max_size=3))
        events += [each for place, each in enumerate(life) if place not in lost]
        events += [_as_object(life[place], draw(st.integers(0, 2))) for place in shown]
    return events or [seen(subscription())]


def _as_object(event: StripeEvent, later_s: int) -> StripeObject:
    shown = json.loads(event.body)["data"]["object"]
    assert event.occurred_at is not None
    return seen(
        {"object": "subscription", **shown},
        event.occurred_at + timedelta(seconds=later_s),
    )


async def both(
    history: Sequence[Event], arrived: Sequence[Event], batch: int
) -> tuple[bytes, bytes]:
    plain = await kept(await logged(history))
    return dump(plain), dump(await kept(await logged(arrived, chunk=3), batch=batch))


async def test_events_and_objects_in_any_order_give_the_same_read_models() -> None:
    examples: list[tuple[list[Event], list[Event], int]] = []

    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(history=mixtures(), data=st.data())
    def collect(history: list[Event], data: st.DataObject) -> None:
        again = data.draw(st.lists(st.sampled_from(history), max_size=3))
        arrived = data.draw(st.permutations(history + again))
        examples.append((history, arrived, data.draw(st.sampled_from([1, 3, 100]))))

    collect()

    for history, arrived, batch in examples:
        first, second = await both(history, arrived, batch)
        assert first == second


async def test_incremental_rows_are_those_of_a_replay_at_every_position() -> None:
    life = told(
        "sub_1", "cus_1", [Step(second, "active", second + 1) for second in range(0, 40, 3)]
    )
    old = seen({"object": "subscription", **json.loads(life[3].body)["data"]["object"]})
    log = await logged([*life[5:], old, *life[:5]], chunk=1)
    rows = MemoryRows(SUBSCRIPTIONS.version)
    for position in range(1, (await log.head()).position + 1):
        await Runner(SUBSCRIPTIONS, log, rows).catch_up(position)

    replayed = MemoryRows(SUBSCRIPTIONS.version)
    await Runner(SUBSCRIPTIONS, log, replayed).catch_up()

    assert rows.rows == replayed.rows


def test_an_event_of_the_same_date_has_the_last_word() -> None:
    """A date that an object keeps is weaker than what was told of that very second."""
    events = told("sub_1", "cus_1", [Step(0, "incomplete", 1)])
    shown = seen(subscription(created=seconds(NOON)), NOON + timedelta(days=1))

    for order in orders([*events, shown]):
        assert at(NOON, *order).status == "incomplete"


def test_positions_are_evidence_only() -> None:
    shown = seen(invoice())
    first = at(None, shown)
    second = at(None, seen(subscription(id="sub_9", customer="cus_9")), shown)

    assert msgspec.to_builtins(first.invoices[0].invoice) == msgspec.to_builtins(
        second.invoices[0].invoice
    )
    assert attrs.asdict(first.access) == attrs.asdict(second.access)
