"""Stripe's hosted pages, opened through the real SDK at a simulated Stripe."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
import pytest
from aiohttp import ClientResponse, DummyCookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from doors import settings_of
from ledger.acts import ActDone, ActFailed, ActRequested
from ledger.clock import utc_now
from ledger.database import Role
from ledger.events import AccountLinked, Command, StripeEvent
from ledger.postgres import PostgresLog
from ledger.problems import TOKEN_KEYS, problems
from ledger.settings import Secret, Settings
from ledger.tokens import mint
from projections.api import app as read_api
from projections.api.serving import opened
from projections.projector import process
from replay.simulator.api.faults import FaultKind
from replay.simulator.simulation import Simulation
from stripe_server import RunningStripe, running_stripe
from webhooks import hosted_routes
from webhooks.hosted import Hosted
from webhooks.hosted_terms import currency_of, methods

KEY: Final = b"0123456789abcdef"
BACK: Final = "https://shop.example/billing"
PORTAL: Final = {"return_url": BACK, "admin": "u_1"}
CHECKOUT: Final = {
    "price": "price_1",
    "quantity": 3,
    "success_url": f"{BACK}?done",
    "cancel_url": BACK,
    "admin": "u_1",
}


@pytest.fixture(scope="module")
def stripe_at_work() -> Iterator[RunningStripe]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with running_stripe(Simulation(seed=1, accounts=4, months=2, start=start)) as running:
        yield running


@attrs.define
class Product:
    """The product's back end, and an admin's browser, in front of the door."""

    client: TestClient[Any, Any]
    log: PostgresLog
    conninfo: str
    stripe: RunningStripe
    customer: str
    keys: int = 0

    async def post(
        self,
        account: str,
        name: str,
        body: dict[str, Any],
        *,
        key: str | None = None,
        scope: str = "portal",
        bound: str | None = None,
    ) -> ClientResponse:
        await process.catch_up(self.conninfo, self.log)
        self.keys += 1
        token = mint(key=KEY, scopes=[scope], account=bound, expires_at=None, now=utc_now())
        headers = {
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": key or f"key {account} {self.keys}",
        }
        return await self.client.post(
            f"/v1/accounts/{account}/{name}", json=body, headers=headers
        )

    async def acts(self, account: str) -> list[str]:
        return [
            type(recorded.event).__name__
            async for batch in self.log.read(accounts=[account])
            for recorded in batch
            if isinstance(recorded.event, ActRequested | ActDone | ActFailed)
        ]

    async def page(self, account: str) -> tuple[str, dict[str, str]]:
        """Return the page's text as the admin u_1 sees it, and the cookie."""
        await process.catch_up(self.conninfo, self.log)
        token = mint(key=KEY, scopes=["page"], account=None, expires_at=None, now=utc_now())
        answer = await self.client.post(
            f"/v1/accounts/{account}/page-sessions",
            json={"admin": "u_1"},
            headers={"Authorization": f"Bearer {token}"},
        )
        url = (await answer.json())["url"]
        path = url.removeprefix(str(self.client.make_url("/")).rstrip("/"))
        entered = await self.client.get(path, allow_redirects=False)
        cookies = {"bl_page": entered.cookies["bl_page"].value}
        shown = await self.client.get(entered.headers["Location"], cookies=cookies)
        return await shown.text(), cookies


def configured(stripe: RunningStripe | None, **changes: object) -> Settings:
    key = None if stripe is None else Secret(stripe.key)
    base = "http://127.0.0.1:9" if stripe is None else stripe.base
    return settings_of(
        stripe_api_key=key,
        stripe_api_base=base,
        return_origins=("https://shop.example",),
        checkout_prices=("price_1", "price_2"),
        **changes,
    )


async def serving(
    conninfo: str, settings: Settings, stripe: RunningStripe
) -> AsyncIterator[Product]:
    hosted = Hosted(settings)
    async with (
        PostgresLog.open(conninfo, role=Role.APPENDER) as log,
        opened(conninfo, settings.checkout_prices) as api,
        hosted_routes.opened(hosted, log, api),
    ):
        app = web.Application(middlewares=[problems])
        app[TOKEN_KEYS] = [KEY]
        app.add_routes([*read_api.routes(api), *hosted_routes.routes(hosted)])
        jar = DummyCookieJar()
        async with TestClient(TestServer(app), cookie_jar=jar) as client:
            customer = stripe.client().v1.customers.list().data[0].id
            yield Product(client, log, conninfo, stripe, customer)


@pytest.fixture
async def product(
    module_ledger18: str, stripe_at_work: RunningStripe
) -> AsyncIterator[Product]:
    async for each in serving(module_ledger18, configured(stripe_at_work), stripe_at_work):
        yield each


@pytest.fixture
async def without_key(
    module_ledger18: str, stripe_at_work: RunningStripe
) -> AsyncIterator[Product]:
    async for each in serving(module_ledger18, configured(None), stripe_at_work):
        yield each


def subscribed(customer: str, status: str) -> StripeEvent:
    now = utc_now()
    price = {
        "id": "price_1",
        "object": "price",
        "unit_amount": 9900,
        "currency": "usd",
        "nickname": "Shop",
        "recurring": {"interval": "month"},
    }
    item = {
        "id": "si",
        "quantity": 1,
        "price": price,
        "current_period_start": int((now - timedelta(days=3)).timestamp()),
        "current_period_end": int((now + timedelta(days=27)).timestamp()),
    }
    shown = {
        "id": f"sub_{customer}",
        "status": status,
        "currency": "usd",
        "items": {"data": [item]},
    }
    name = f"evt_{customer}_{status}"
    return StripeEvent(
        event_id=name,
        body=json.dumps({"id": name, "data": {"object": shown}}).encode(),
        account=customer,
        object_id=f"sub_{customer}",
        occurred_at=now.replace(microsecond=0),
        stripe_type="customer.subscription.updated",
    )


async def test_the_portal_opens_and_what_was_asked_is_told(product: Product) -> None:
    answer = await product.post(product.customer, "portal-sessions", PORTAL)

    body = await answer.json()
    assert answer.status == 201, body
    assert body["url"].startswith("https://billing.stripe.com/")
    assert answer.headers["Ledger-Position"] == str(body["position"])
    assert (await product.acts(product.customer))[-2:] == ["ActRequested", "ActDone"]


async def test_the_same_key_again_is_the_same_page_and_no_new_act(
    product: Product,
) -> None:
    first = await product.post(product.customer, "portal-sessions", PORTAL, key="same")
    acts = await product.acts(product.customer)

    again = await product.post(product.customer, "portal-sessions", PORTAL, key="same")
    other = await product.post(
        product.customer, "portal-sessions", {**PORTAL, "admin": "u_2"}, key="same"
    )

    assert (first.status, again.status, other.status) == (201, 200, 422)
    assert (await first.json())["url"] == (await again.json())["url"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert await product.acts(product.customer) == acts


async def test_the_address_of_a_page_is_nowhere_in_the_log(product: Product) -> None:
    answer = await product.post(product.customer, "portal-sessions", PORTAL)
    url = (await answer.json())["url"]

    stored = [
        repr(recorded.event)
        async for batch in product.log.read(accounts=[product.customer])
        for recorded in batch
    ]
    assert stored
    assert not any(url in each for each in stored)


async def test_a_checkout_opens_for_an_account_that_stripe_does_not_know(
    product: Product,
) -> None:
    body = {**CHECKOUT, "country": "DE"}
    answer = await product.post("shop-new", "checkout-sessions", body)

    assert answer.status == 201, await answer.text()
    assert (await answer.json())["url"].startswith("https://checkout.stripe.com/")
    asked = [
        dict(recorded.event.asked)
        async for batch in product.log.read(accounts=["shop-new"])
        for recorded in batch
        if isinstance(recorded.event, ActRequested)
    ]
    assert asked[0]["currency"] == "eur"
    assert asked[0]["methods"] == "card,sepa_debit"
    assert asked[0]["account"] == "shop-new"


async def test_nobody_subscribes_twice(product: Product) -> None:
    await product.log.append([subscribed("cus_live", "active")])
    live = await product.post("cus_live", "checkout-sessions", CHECKOUT)
    again = await product.post(product.customer, "checkout-sessions", CHECKOUT)

    assert live.status == 409
    assert (await live.json())["type"].endswith("subscription-live")
    assert again.status == 201


@pytest.mark.parametrize(
    ("name", "change", "status"),
    [
        ("portal-sessions", {"return_url": "https://evil.example/"}, 400),
        ("portal-sessions", {"return_url": "https://shop.example.evil.example/"}, 400),
        ("portal-sessions", {"return_url": "https://shop.example@evil.example/"}, 400),
        ("portal-sessions", {"return_url": "javascript:alert(1)"}, 400),
        ("portal-sessions", {"admin": ""}, 400),
        ("portal-sessions", {"more": 1}, 400),
        ("checkout-sessions", {"price": "price_other"}, 400),
        ("checkout-sessions", {"quantity": 0}, 400),
        ("checkout-sessions", {"quantity": 1.5}, 400),
        ("checkout-sessions", {"success_url": "http://shop.example/"}, 400),
    ],
)
async def test_what_is_not_on_the_lists_is_refused(
    product: Product, name: str, change: dict[str, Any], status: int
) -> None:
    base = PORTAL if name == "portal-sessions" else CHECKOUT
    answer = await product.post("shop-wrong", name, {**base, **change})

    assert answer.status == status, await answer.text()
    assert answer.content_type == "application/problem+json"
    assert await product.acts("shop-wrong") == []


async def test_tokens_of_another_scope_or_account_open_nothing(product: Product) -> None:
    scope = await product.post(product.customer, "portal-sessions", PORTAL, scope="read")
    other = await product.post(
        product.customer, "portal-sessions", PORTAL, bound="cus_other"
    )

    assert (scope.status, other.status) == (403, 404)


async def test_a_token_of_the_linked_account_opens_its_customers_portal(
    product: Product,
) -> None:
    link = Command(id="cmd:link", fingerprint="")
    await product.log.append(
        [AccountLinked(account="shop-7", command=link, customer=product.customer)]
    )

    answer = await product.post("shop-7", "portal-sessions", PORTAL, bound="shop-7")

    assert answer.status == 201, await answer.text()


async def test_an_account_without_a_customer_has_no_portal(product: Product) -> None:
    answer = await product.post("shop-none", "portal-sessions", PORTAL)

    assert answer.status == 409
    assert (await answer.json())["type"].endswith("no-customer")


async def test_what_stripe_refuses_is_told_and_kept(product: Product) -> None:
    answer = await product.post("cus_unknown", "portal-sessions", PORTAL)

    assert answer.status == 422
    assert "No such customer" in (await answer.json())["detail"]
    assert await product.acts("cus_unknown") == ["ActRequested", "ActFailed"]


async def test_a_stripe_that_fails_is_503_and_the_same_key_goes_on(
    product: Product,
) -> None:
    product.stripe.faults.add(FaultKind.BROKEN, "/v1/billing_portal", times=3)
    first = await product.post(product.customer, "portal-sessions", PORTAL, key="later")
    again = await product.post(product.customer, "portal-sessions", PORTAL, key="later")

    assert first.status == 503
    assert first.headers["Retry-After"]
    assert again.status == 200, await again.text()


async def test_without_a_key_both_say_which_setting_is_missing(
    without_key: Product,
) -> None:
    for name, body in (("portal-sessions", PORTAL), ("checkout-sessions", CHECKOUT)):
        answer = await without_key.post("cus_1", name, body)
        assert answer.status == 501
        assert "STRIPE_API_KEY" in (await answer.json())["detail"]


async def test_the_pages_button_leads_to_the_portal_in_one_click(product: Product) -> None:
    await product.log.append([subscribed(product.customer, "past_due")])
    text, cookies = await product.page(product.customer)
    token = re.search(r'name="token" value="([^"]+)"', text)
    assert token

    path = f"/billing/{product.customer}/portal"
    answer = await product.client.post(path, data={"token": token[1]}, cookies=cookies)

    assert answer.status == 200
    assert 'http-equiv="refresh" content="0; url=https://billing.stripe.com/' in (
        await answer.text()
    )


async def test_a_form_that_stripe_does_not_answer_leads_back(product: Product) -> None:
    text, cookies = await product.page(product.customer)
    token = re.search(r'name="token" value="([^"]+)"', text)
    product.stripe.faults.add(FaultKind.BROKEN, "/v1/billing_portal", times=3)
    answer = await product.client.post(
        f"/billing/{product.customer}/portal",
        data={"token": token and token[1]},
        cookies=cookies,
    )

    shown = await answer.text()
    assert answer.status == 503
    assert "Stripe does not answer just now" in shown
    assert f'href="/billing/{product.customer}"' in shown
    assert "refresh" not in shown


async def test_a_form_without_its_token_or_cookie_does_nothing(product: Product) -> None:
    text, cookies = await product.page(product.customer)
    token = re.search(r'name="token" value="([^"]+)"', text)
    path = f"/billing/{product.customer}/portal"
    acts = await product.acts(product.customer)
    evil = {"Origin": "https://evil.example"}
    for data, sent, headers in (
        ({}, cookies, {}),
        ({"token": "x"}, cookies, {}),
        ({"token": token and token[1]}, {}, {}),
        ({"token": token and token[1]}, cookies, evil),
    ):
        answer = await product.client.post(path, data=data, cookies=sent, headers=headers)
        assert answer.status == 404

    assert await product.acts(product.customer) == acts


async def test_an_account_that_has_ended_starts_again_from_the_page(
    product: Product,
) -> None:
    await product.log.append([subscribed("cus_gone", "canceled")])
    text, cookies = await product.page("cus_gone")
    token = re.search(r'name="token" value="([^"]+)"', text)

    assert "Subscribe again" in text
    assert "<bdi>Shop</bdi>" in text
    assert token
    form = {"token": token[1], "price": "price_1"}
    answer = await product.client.post(
        "/billing/cus_gone/checkout", data=form, cookies=cookies
    )
    assert answer.status == 422  # the simulated Stripe does not know this customer
    assert "Stripe did not accept that" in await answer.text()


@pytest.mark.parametrize(
    ("currency", "interval", "total", "offered"),
    [
        ("usd", "month", 9_900, "card us_bank_account"),
        ("usd", "month", 900_000, "card us_bank_account"),
        ("usd", "year", 500_000, "card us_bank_account"),
        ("usd", "year", 500_001, "card us_bank_account customer_balance"),
        ("usd", "year", None, "card us_bank_account"),
        ("eur", "year", 900_000, "card sepa_debit"),
        ("gbp", "month", 9_900, "card bacs_debit"),
        ("cad", "year", 900_000, "card"),
        ("aud", "month", 9_900, "card"),
        ("jpy", "month", 9_900, "card"),
    ],
)
def test_P02_only_what_is_supported_is_offered(
    currency: str, interval: str, total: int | None, offered: str
) -> None:
    assert methods(currency, interval, total) == tuple(offered.split())


@pytest.mark.parametrize(
    ("country", "currency"),
    [
        ("US", "usd"),
        ("DE", "eur"),
        ("gb", "gbp"),
        ("CA", "cad"),
        ("AU", "aud"),
        ("JP", "usd"),
        (None, "usd"),
    ],
)
def test_P12_the_currency_follows_the_country(country: str | None, currency: str) -> None:
    assert currency_of(country) == currency
