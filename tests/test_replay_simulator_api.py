"""Lists, objects and references of the simulated Stripe, through the real SDK."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from replay.simulator.habits import Breadth
from replay.simulator.shapes import Shape
from replay.simulator.simulation import Simulation
from stripe_server import RunningStripe, running_stripe

START = datetime(2025, 9, 1, tzinfo=UTC)
LISTED = {
    "charges": "charge",
    "customers": "customer",
    "events": "event",
    "invoice_payments": "invoice_payment",
    "invoices": "invoice",
    "payment_intents": "payment_intent",
    "payment_methods": "payment_method",
    "plans": "plan",
    "prices": "price",
    "products": "product",
    "promotion_codes": "promotion_code",
    "setup_intents": "setup_intent",
    "subscription_schedules": "subscription_schedule",
    "tax_rates": "tax_rate",
}


def life(shape: Shape | None = Shape.ENDIVE) -> Simulation:
    return Simulation(
        seed=1, accounts=8, months=14, start=START, shape=shape, breadth=Breadth.WHOLE
    )


@pytest.fixture(scope="module")
def running() -> Iterator[RunningStripe]:
    with running_stripe(life()) as server:
        yield server


@pytest.fixture(scope="module")
def client(running: RunningStripe) -> stripe.StripeClient:
    return running.client()


def all_of(client: stripe.StripeClient, name: str, **params: object) -> list[Any]:
    return list(getattr(client.v1, name).list(params).auto_paging_iter())


@pytest.mark.parametrize(("name", "kind"), LISTED.items())
def test_paging_through_a_list_meets_each_object_once_the_newest_first(
    running: RunningStripe, client: stripe.StripeClient, name: str, kind: str
) -> None:
    shelf = running.company.events if kind == "event" else running.company._told.shelf
    found = all_of(client, name, limit=7)
    ids = [each.id for each in found]
    created = [each.created for each in found]
    assert {each.object for each in found} == {kind}
    assert len(set(ids)) == len(ids)
    assert created == sorted(created, reverse=True)
    if kind != "payment_method":
        assert len(ids) == shelf.counts()[kind]


def test_a_page_before_a_cursor_is_the_page_that_was_there(
    client: stripe.StripeClient,
) -> None:
    newest = client.v1.invoices.list({"limit": 5})
    next_page = client.v1.invoices.list({"limit": 5, "starting_after": newest.data[-1].id})
    back = client.v1.invoices.list({"limit": 5, "ending_before": next_page.data[0].id})
    assert [each.id for each in back.data] == [each.id for each in newest.data]
    assert newest.has_more
    assert next_page.has_more
    assert not back.has_more


def test_canceled_subscriptions_are_listed_only_when_asked_for(
    client: stripe.StripeClient,
) -> None:
    every = all_of(client, "subscriptions", status="all")
    live = all_of(client, "subscriptions")
    ended = all_of(client, "subscriptions", status="canceled")
    assert {each.status for each in ended} == {"canceled"}
    assert len(every) == len(live) + len(ended)
    assert live


def test_a_list_is_filtered_by_what_the_resource_knows(client: stripe.StripeClient) -> None:
    subscription = all_of(client, "subscriptions", status="all")[0]
    price = subscription["items"].data[0].price.id
    customer, middle = subscription.customer, int((START + timedelta(days=200)).timestamp())
    invoices = all_of(client, "invoices")
    since = all_of(client, "invoices", created={"gte": middle})
    until = all_of(client, "invoices", created={"lt": middle})
    assert len(since) + len(until) == len(invoices)
    assert min(each.created for each in since) >= middle
    mine = all_of(client, "invoices", customer=customer)
    assert mine
    assert [each.id for each in mine] == [
        each.id for each in invoices if each.customer == customer
    ]
    held = all_of(client, "invoices", subscription=subscription.id, status="paid")
    assert {each.parent.subscription_details.subscription for each in held} == {
        subscription.id
    }
    assert subscription.id in [
        each.id for each in all_of(client, "subscriptions", status="all", price=price)
    ]
    events = all_of(client, "events", types=["invoice.paid", "charge.succeeded"])
    assert {each.type for each in events} == {"invoice.paid", "charge.succeeded"}


def test_events_go_back_thirty_days(running: RunningStripe) -> None:
    client = running.client()
    oldest = running.company.now - 30 * 86400
    assert all(each.created >= oldest for each in all_of(client, "events"))
    event = client.v1.events.list().data[0]
    assert client.v1.events.retrieve(event.id).data == event.data


def test_tiers_are_shown_only_when_asked_for(client: stripe.StripeClient) -> None:
    plain = all_of(client, "prices")
    full = all_of(client, "prices", expand=["data.tiers"])
    tiered = [each for each in full if each.tiers_mode]
    assert tiered
    assert all("tiers" not in each.to_dict() for each in plain)
    assert all(each.tiers[-1].up_to is None for each in tiered)
    one = client.v1.prices.retrieve(tiered[0].id, {"expand": ["tiers"]})
    assert one.to_dict() == tiered[0].to_dict()


def test_the_products_of_a_coupon_are_shown_only_when_asked_for(
    client: stripe.StripeClient,
) -> None:
    products = {each.id for each in all_of(client, "products")}
    plain = all_of(client, "coupons")
    full = all_of(client, "coupons", expand=["data.applies_to"])
    limited = [each.applies_to.products for each in full if "applies_to" in each.to_dict()]
    assert limited
    assert all(products.issuperset(each) for each in limited)
    assert all("applies_to" not in each.to_dict() for each in plain)


def test_references_expand_through_objects_and_lists(client: stripe.StripeClient) -> None:
    paid = client.v1.invoices.list({"status": "paid", "limit": 1}).data[0]
    path = "payments.data.payment.payment_intent"
    found = client.v1.invoices.retrieve(paid.id, {"expand": [path, "customer"]})
    assert found.payments is not None
    intent = found.payments.data[0].payment.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert intent.status == "succeeded"
    assert isinstance(found.customer, stripe.Customer)
    with pytest.raises(stripe.InvalidRequestError, match=r"cannot be expanded \(nothing\)"):
        client.v1.invoices.retrieve(paid.id, {"expand": ["nothing"]})
    with pytest.raises(stripe.InvalidRequestError, match=r"try expanding 'data\.customer'"):
        client.v1.invoices.list({"expand": ["customer"]})
    with pytest.raises(stripe.InvalidRequestError, match="more than 4 levels"):
        client.v1.invoices.list({"expand": [f"data.{path}"]})


def test_lists_within_an_object_have_pages_of_their_own(
    client: stripe.StripeClient,
) -> None:
    invoice = max(
        client.v1.invoices.list({"limit": 50}).data, key=lambda one: len(one.lines)
    )
    expected = [line.id for line in invoice.lines.data]
    lines = client.v1.invoices.line_items.list(invoice.id, {"limit": 1})
    assert [line.id for line in lines.auto_paging_iter()] == expected
    subscription = client.v1.subscriptions.list({"status": "all"}).data[0]
    items = client.v1.subscription_items.list({"subscription": subscription.id})
    assert {each.id for each in items.data} == {
        each.id for each in subscription["items"].data
    }
    assert client.v1.subscription_items.retrieve(items.data[0].id).object == (
        "subscription_item"
    )
    customer = client.v1.payment_methods.list().data[0].customer
    methods = client.v1.customers.payment_methods.list(str(customer))
    assert {each.customer for each in methods.data} == {customer}


def test_a_deleted_customer_is_a_stub_and_not_listed() -> None:
    short = Simulation(seed=5, accounts=2, months=1, start=START, shape=Shape.ENDIVE)
    with running_stripe(short) as server:
        client = server.client()
        gone, left = client.v1.customers.list().data
        told = {"type": "customer.deleted", "data": {"object": gone.to_dict()}}
        server.company._told.shelf.hear(told)
        assert [each.id for each in all_of(client, "customers")] == [left.id]
        after = client.v1.customers.list({"starting_after": gone.id})
        assert [each.id for each in after.data] == [left.id]
        stub = client.v1.customers.retrieve(gone.id)
        assert stub.to_dict() == {"id": gone.id, "object": "customer", "deleted": True}


def test_objects_come_in_the_version_asked_for_and_events_in_their_own(
    running: RunningStripe,
) -> None:
    client, old = running.client(), running.client(version="2024-06-20")
    invoice = client.v1.invoices.list({"limit": 1}).data[0]
    rendered = old.v1.invoices.retrieve(invoice.id).to_dict()
    assert invoice.parent is not None
    assert invoice.parent.subscription_details is not None
    assert rendered["subscription"] == invoice.parent.subscription_details.subscription
    assert "parent" not in rendered
    versions = {each.api_version for each in old.v1.events.list().data}
    assert versions == {Shape.ENDIVE.value}
    between = running.client(version="2025-12-15.clover")
    assert between.v1.invoices.retrieve(invoice.id).id == invoice.id
    with pytest.raises(stripe.InvalidRequestError, match="Invalid Stripe API version"):
        running.client(version="soon").v1.invoices.list()


def test_an_account_of_many_versions_shows_its_objects_in_the_one_asked_for() -> None:
    with running_stripe(life(shape=None)) as mixed:
        client = mixed.client()
        versions = {each.api_version for each in all_of(client, "events")}
        assert len(versions) > 3
        assert all("parent" in each.to_dict() for each in all_of(client, "invoices"))
        customer = client.v1.customers.list().data[0]
        client.v1.customers.update(customer.id, {"name": "Another"})
        assert client.v1.customers.retrieve(customer.id).name == "Another"
        newest = client.v1.events.list({"type": "customer.*"}).data[0]
        assert newest.api_version == mixed.company.version.value


def test_what_is_true_at_the_end_is_what_the_objects_say(running: RunningStripe) -> None:
    client = running.client()
    for account, expected in running.company.simulation.expectations().items():
        if expected.deleted:
            continue
        customer = client.v1.customers.retrieve(account)
        assert customer.email == expected.email
        for subscription_id, each in expected.subscriptions.items():
            held = client.v1.subscriptions.retrieve(subscription_id)
            assert held.status == each.status
            assert held.cancel_at_period_end == each.cancel_at_period_end
            assert held["items"].data[-1].quantity == each.quantity
