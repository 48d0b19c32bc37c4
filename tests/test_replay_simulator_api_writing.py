"""What a request changes at the simulated Stripe, and the events that tell of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import stripe

from replay.simulator.shapes import Shape
from replay.simulator.simulation import Simulation
from stripe_server import RunningStripe, running_stripe

LIFE = Simulation(
    seed=3,
    accounts=8,
    months=2,
    start=datetime(2026, 1, 1, tzinfo=UTC),
    shape=Shape.ENDIVE,
)


@pytest.fixture(scope="module")
def running() -> Iterator[RunningStripe]:
    with running_stripe(LIFE) as server:
        yield server


@pytest.fixture
def client(running: RunningStripe) -> stripe.StripeClient:
    return running.client()


def active(client: stripe.StripeClient, place: int) -> stripe.Subscription:
    return client.v1.subscriptions.list({"status": "active", "limit": 50}).data[place]


def newest_event(client: stripe.StripeClient) -> stripe.Event:
    return client.v1.events.list({"limit": 1}).data[0]


def test_a_quantity_is_changed_in_every_version_and_told_once(
    running: RunningStripe, client: stripe.StripeClient
) -> None:
    before = active(client, 0)
    item = before["items"].data[-1]
    after = client.v1.subscriptions.update(
        before.id,
        {"items": [{"id": item.id, "quantity": 41}], "proration_behavior": "none"},
        {"idempotency_key": "sync-1"},
    )
    client.v1.subscriptions.update(
        before.id,
        {"items": [{"id": item.id, "quantity": 41}], "proration_behavior": "none"},
        {"idempotency_key": "sync-1"},
    )
    assert after["items"].data[-1].quantity == 41
    event = newest_event(client)
    assert event.type == "customer.subscription.updated"
    assert event.request is not None
    assert event.request.idempotency_key == "sync-1"
    assert (
        event.data.to_dict()["object"]
        == client.v1.subscriptions.retrieve(before.id).to_dict()
    )
    old = event.data.to_dict()["previous_attributes"]["items"]["data"][-1]["quantity"]
    assert old == item.quantity
    told = client.v1.events.list({"type": "customer.subscription.*"}).data
    assert [one.id for one in told].count(event.id) == 1
    classic = running.client(version="2024-06-20").v1.subscriptions.retrieve(before.id)
    assert classic["items"].data[-1].quantity == 41
    client.v1.subscription_items.update(item.id, {"quantity": 3})
    for version in (None, "2024-06-20", "2025-03-31.basil"):
        read = running.client(version=version).v1.subscription_items.retrieve(item.id)
        assert read.quantity == 3


def test_a_subscription_pauses_resumes_and_ends_once(client: stripe.StripeClient) -> None:
    held = active(client, 1)
    later = client.v1.subscriptions.update(held.id, {"cancel_at_period_end": True})
    assert later.cancel_at == held["items"].data[0].current_period_end
    assert client.v1.subscriptions.pause(held.id, {}).status == "paused"
    assert newest_event(client).type == "customer.subscription.paused"
    assert client.v1.subscriptions.resume(held.id, {}).status == "active"
    ended = client.v1.subscriptions.cancel(held.id)
    assert ended.status == "canceled"
    assert newest_event(client).type == "customer.subscription.deleted"
    with pytest.raises(stripe.InvalidRequestError) as gone:
        client.v1.subscriptions.cancel(held.id)
    assert gone.value.code == "resource_missing"
    with pytest.raises(stripe.InvalidRequestError, match="canceled subscription"):
        client.v1.subscriptions.update(held.id, {"cancel_at_period_end": True})


def test_a_customer_is_changed_and_what_changes_nothing_is_not_told(
    client: stripe.StripeClient,
) -> None:
    customer = client.v1.customers.list().data[0]
    client.v1.customers.update(customer.id, {"email": "new@example.com"})
    told = newest_event(client)
    assert told.type == "customer.updated"
    assert told.data.to_dict()["previous_attributes"] == {"email": customer.email}
    client.v1.customers.update(customer.id, {"email": "new@example.com"})
    assert newest_event(client).id == told.id
    client.v1.customers.update(customer.id, {"metadata": {"account_id": "a_1"}})
    read = client.v1.customers.retrieve(customer.id).to_dict()
    assert read["metadata"] == {"account_id": "a_1"}


def test_a_change_that_makes_no_sense_changes_nothing(client: stripe.StripeClient) -> None:
    held = active(client, 0)
    told = newest_event(client).id
    for form, param in (
        ({"items": [{"id": "si_none", "quantity": 2}]}, "items"),
        ({"items": "all"}, "items"),
        ({"cancel_at_period_end": "perhaps"}, "cancel_at_period_end"),
        ({"surprise": "1"}, "surprise"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.subscriptions.update(held.id, form)  # type: ignore[arg-type]
        assert refused.value.param == param
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.subscriptions.update("sub_none", {"cancel_at_period_end": True})
    assert newest_event(client).id == told
    assert client.v1.subscriptions.retrieve(held.id).to_dict() == held.to_dict()
