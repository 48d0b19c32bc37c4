"""What the simulated Stripe refuses, breaks and repeats, as the real SDK sees it."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.error import HTTPError

import pytest
import stripe

from replay.simulator.api.access import ApiKey
from replay.simulator.api.errors import StripeError
from replay.simulator.api.faults import FaultKind
from replay.simulator.api.idempotency import Answer, KeptAnswers
from replay.simulator.api.server import SECRET_KEY
from replay.simulator.shapes import Shape
from replay.simulator.simulation import Simulation
from stripe_server import RunningStripe, running_stripe

LIFE = Simulation(
    seed=3,
    accounts=12,
    months=2,
    start=datetime(2026, 1, 1, tzinfo=UTC),
    shape=Shape.ENDIVE,
)
RESTRICTED = ApiKey("rk_test_invoices", frozenset({"rak_invoice_read"}))
SESSION = {"customer": "", "return_url": "https://shop.example/billing"}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningStripe]:
    with running_stripe(LIFE, keys=(ApiKey(SECRET_KEY), RESTRICTED)) as running:
        yield running


@pytest.fixture
def running(server: RunningStripe) -> Iterator[RunningStripe]:
    """The server, on which everything goes well again afterwards."""
    yield server
    server.faults.clear()


@pytest.fixture
def client(running: RunningStripe) -> stripe.StripeClient:
    return running.client()


def plain(running: RunningStripe, path: str, **headers: str) -> tuple[int, Any, Any]:
    """Return status, headers and content of a GET without the SDK."""
    request = urllib.request.Request(running.base + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.headers, json.load(response)
    except HTTPError as refused:
        with refused:
            return refused.code, refused.headers, json.load(refused)


def customers(client: stripe.StripeClient) -> list[str]:
    return [each.id for each in client.v1.customers.list({"limit": 100}).data]


def test_a_key_is_bearer_or_the_user_of_basic(running: RunningStripe) -> None:
    basic = b64encode(f"{SECRET_KEY}:".encode()).decode()
    for shown in (f"Bearer {SECRET_KEY}", f"Basic {basic}"):
        status, headers, _ = plain(running, "/v1/account", Authorization=shown)
        assert status == 200
        assert headers["Request-Id"].startswith("req_")
    status, _, content = plain(running, "/v1/account")
    assert status == 401
    assert "did not provide an API key" in content["error"]["message"]


@pytest.mark.parametrize("key", ["sk_live_somebody", "sk_test_other1234", "nonsense"])
def test_a_wrong_key_is_refused_without_being_repeated(
    running: RunningStripe, key: str
) -> None:
    with pytest.raises(stripe.AuthenticationError) as refused:
        running.client(key=key).v1.customers.list()
    assert refused.value.http_status == 401
    assert key not in str(refused.value)
    assert key[-4:] in str(refused.value)


def test_a_restricted_key_is_told_the_permission_it_lacks(running: RunningStripe) -> None:
    client = running.client(key=RESTRICTED.secret)
    assert client.v1.invoices.list({"limit": 1}).data
    with pytest.raises(stripe.PermissionError, match="'rak_customer_read' permission"):
        client.v1.customers.list()


def test_another_account_is_not_to_be_had(
    running: RunningStripe, client: stripe.StripeClient
) -> None:
    own = running.company.account_id
    assert client.v1.customers.list(options={"stripe_account": own}).data
    with pytest.raises(stripe.PermissionError, match="acct_other"):
        client.v1.customers.list(options={"stripe_account": "acct_other"})


@pytest.mark.parametrize(
    ("path", "status", "code", "param"),
    [
        ("/v1/nothing", 404, None, None),
        ("/v1/invoices/in_none", 404, "resource_missing", "id"),
        ("/v1/invoices?sort=1", 400, "parameter_unknown", "sort"),
        ("/v1/invoices?limit=0", 400, "parameter_invalid_integer", "limit"),
        ("/v1/invoices?limit=101", 400, "parameter_invalid_integer", "limit"),
        ("/v1/invoices?limit=ten", 400, "parameter_invalid_integer", "limit"),
        ("/v1/invoices?created[gte]=x", 400, "parameter_invalid_integer", "created[gte]"),
        ("/v1/invoices?created[near]=1", 400, "parameter_unknown", "created[near]"),
        ("/v1/invoices?starting_after=in_0", 400, "resource_missing", "starting_after"),
        ("/v1/subscription_items", 400, "parameter_missing", "subscription"),
        ("/v1/mandates", 404, None, None),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_by_name(
    running: RunningStripe, path: str, status: int, code: str | None, param: str | None
) -> None:
    found, _, content = plain(running, path, Authorization=f"Bearer {SECRET_KEY}")
    error = content["error"]
    assert (found, error["type"]) == (status, "invalid_request_error")
    assert (error.get("code"), error.get("param")) == (code, param)


def test_a_storm_of_too_many_requests_ends_and_says_when_to_come_again(
    running: RunningStripe, client: stripe.StripeClient
) -> None:
    running.faults.add(FaultKind.TOO_MANY, times=2, retry_after_s=0.01)
    with pytest.raises(stripe.RateLimitError) as refused:
        client.v1.customers.list()
    assert refused.value.headers is not None
    assert refused.value.headers["Retry-After"] == "0.01"
    assert refused.value.headers["Stripe-Should-Retry"] == "true"
    assert running.client(retries=1).v1.customers.list().data


def test_so_many_requests_a_second_are_answered(
    running: RunningStripe, client: stripe.StripeClient
) -> None:
    running.faults.rate_per_s = 3
    for _ in range(3):
        client.v1.accounts.retrieve_current()
    with pytest.raises(stripe.RateLimitError):
        client.v1.accounts.retrieve_current()


def test_what_breaks_is_an_error_the_sdk_knows(
    running: RunningStripe, client: stripe.StripeClient
) -> None:
    running.faults.add(FaultKind.BROKEN, "/v1/customers")
    with pytest.raises(stripe.APIError, match="error while talking to Stripe"):
        client.v1.customers.list()
    running.faults.add(FaultKind.CUT, "/v1/customers")
    with pytest.raises(stripe.APIError, match="Invalid response body"):
        client.v1.customers.list()
    running.faults.add(FaultKind.CLOSE, "/v1/customers")
    with pytest.raises(stripe.APIConnectionError):
        client.v1.customers.list()
    running.faults.add(FaultKind.HANG, "/v1/customers", seconds=0.3)
    with pytest.raises(stripe.APIConnectionError):
        running.client(timeout_s=0.1).v1.customers.list()
    assert client.v1.customers.list().data


def test_pages_can_skip_and_repeat(
    running: RunningStripe, client: stripe.StripeClient
) -> None:
    whole = customers(client)
    running.faults.add(FaultKind.SKIP, "/v1/customers")
    assert len(customers(client)) == len(whole) - 1
    running.faults.add(FaultKind.REPEAT, "/v1/customers")
    repeated = customers(client)
    assert sorted(repeated) == sorted([*whole, whole[-1]])
    running.faults.add(FaultKind.REPEAT, "/v1/customers", after=1)
    pages = client.v1.customers.list({"limit": 5}).auto_paging_iter()
    assert [each.id for each in pages] == [*whole[:5], whole[4], *whole[5:]]
    assert customers(client) == whole


def test_an_object_can_go_between_list_and_retrieve(
    running: RunningStripe, client: stripe.StripeClient
) -> None:
    first, second = customers(client)[:2]
    running.faults.add(FaultKind.GONE, "/v1/customers/", after=1)
    assert client.v1.customers.retrieve(first).id == first
    with pytest.raises(stripe.InvalidRequestError) as gone:
        client.v1.customers.retrieve(second)
    assert gone.value.code == "resource_missing"


def test_a_resource_can_be_unknown_to_the_account(
    running: RunningStripe, client: stripe.StripeClient
) -> None:
    running.faults.add(FaultKind.UNKNOWN, "/v1/credit_notes", times=None)
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as unknown:
            client.v1.credit_notes.list()
        assert unknown.value.http_status == 404
        assert unknown.value.code is None


def test_the_same_key_with_the_same_body_is_answered_once(
    client: stripe.StripeClient,
) -> None:
    customer, other = customers(client)[:2]
    sessions = client.v1.billing_portal.sessions
    wish: Any = SESSION | {"customer": customer}
    first = sessions.create(wish, {"idempotency_key": "k1"})
    again = sessions.create(wish, {"idempotency_key": "k1"})
    new = sessions.create(wish, {"idempotency_key": "k2"})
    assert first.url.startswith("https://billing.stripe.com/p/session/")
    assert again.id == first.id
    assert again.last_response is not None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert new.id != first.id
    wish["customer"] = other
    with pytest.raises(stripe.IdempotencyError, match="other than 'k1'"):
        sessions.create(wish, {"idempotency_key": "k1"})


async def test_a_key_whose_request_is_under_way_is_refused() -> None:
    answers, done = KeptAnswers(), asyncio.Event()

    async def slow() -> Answer:
        await done.wait()
        return Answer(200, b"{}")

    first = asyncio.create_task(answers.once("k", "request", slow))
    await asyncio.sleep(0)
    with pytest.raises(StripeError) as refused:
        await answers.once("k", "request", slow)
    assert refused.value.status == 409
    done.set()
    assert await first == Answer(200, b"{}")
    assert (await answers.once("k", "request", slow)).replayed


def test_sessions_are_made_for_customers_there_are(client: stripe.StripeClient) -> None:
    session = client.v1.checkout.sessions.create(
        {
            "mode": "setup",
            "customer": customers(client)[0],
            "success_url": "https://shop.example",
        }
    )
    assert (session.mode, session.status) == ("setup", "open")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.billing_portal.sessions.create({"customer": "cus_nobody"})
    assert refused.value.param == "customer"
    with pytest.raises(stripe.InvalidRequestError, match="simulator does not support"):
        client.v1.products.create({"name": "New"})


def test_every_request_is_remembered(
    running: RunningStripe, client: stripe.StripeClient
) -> None:
    client.v1.invoices.list()
    last = running.server.seen[-1]
    assert (last.method, last.path) == ("GET", "/v1/invoices")
    assert last.version == stripe.api_version


def test_a_live_server_says_so_in_every_object() -> None:
    life = Simulation(seed=3, accounts=1, months=1, start=LIFE.start, shape=Shape.ENDIVE)
    with running_stripe(life, keys=(ApiKey("sk_live_simulated"),), livemode=True) as live:
        client = live.client()
        assert all(each.livemode for each in client.v1.customers.list().data)
        assert all(each.livemode for each in client.v1.events.list().data)
