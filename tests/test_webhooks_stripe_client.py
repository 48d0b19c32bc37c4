"""Stripe asked over HTTP: what is tried again, what is refused, what is noticed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest
import stripe

from ledger.errors import NotConfiguredError, UnavailableError
from ledger.settings import Mode, Secret, Settings, SettingsError
from replay.simulator.api.access import ApiKey
from replay.simulator.api.faults import FaultKind
from replay.simulator.api.server import SECRET_KEY
from stripe_outside import QUICK, client_of, company
from stripe_server import RunningStripe, running_stripe
from webhooks import stripe_client
from webhooks.stripe_client import StripeClient
from webhooks.stripe_errors import (
    NotThereError,
    PermissionMissingError,
    StripeKeyError,
    StripeUnavailableError,
)
from webhooks.stripe_pages import pages
from webhooks.stripe_rate import Rate
from webhooks.stripe_resources import RESOURCES

READ = msgspec.json.Decoder(dict[str, object]).decode
NARROW = ApiKey("rk_test_narrow", frozenset({"rak_customer_read"}))


@pytest.fixture(scope="module")
def server() -> Iterator[RunningStripe]:
    with running_stripe(company(12, 4), keys=(ApiKey(SECRET_KEY), NARROW)) as running:
        yield running


@pytest.fixture
async def client(server: RunningStripe) -> AsyncIterator[StripeClient]:
    server.faults.clear()
    async with client_of(server) as client:
        yield client


async def listed(client: StripeClient, path: str, limit: int = 10) -> list[str]:
    return [
        each.id
        async for page in pages(client, path, {}, limit=limit)
        for each in page.objects
    ]


def test_the_version_is_the_one_that_the_sdk_is_written_for() -> None:
    assert stripe.api_version == stripe_client.API_VERSION


@pytest.mark.parametrize(
    "kind", [FaultKind.TOO_MANY, FaultKind.BROKEN, FaultKind.CLOSE, FaultKind.CUT]
)
async def test_what_passes_is_asked_again(
    server: RunningStripe, client: StripeClient, kind: FaultKind
) -> None:
    whole = await listed(client, "invoices")
    server.faults.add(kind, "/v1/invoices", times=3)

    assert await listed(client, "invoices") == whole


@pytest.mark.parametrize("kind", [FaultKind.REPEAT, FaultKind.SKIP])
async def test_a_page_that_repeats_or_skips_an_object_is_noticed_and_mended(
    server: RunningStripe, client: StripeClient, kind: FaultKind
) -> None:
    whole = await listed(client, "invoices")
    assert len(whole) > 20
    server.faults.add(kind, "/v1/invoices", after=1)

    found = await listed(client, "invoices")

    assert sorted(found) == sorted(whole)
    assert len(set(found)) == len(found)


async def test_a_storm_of_refusals_slows_down_and_loses_nothing(
    server: RunningStripe, client: StripeClient
) -> None:
    whole = await listed(client, "invoices", limit=5)
    server.faults.rate_per_s = 40
    rate = Rate()

    async with client_of(server, rate=rate, pauses_s=(0.05,) * 20) as hurried:
        assert await listed(hurried, "invoices", limit=5) == whole


async def test_retry_after_is_waited_for(
    server: RunningStripe, client: StripeClient
) -> None:
    server.faults.add(FaultKind.TOO_MANY, "/v1/coupons", retry_after_s=0.3)
    begun = time.monotonic()

    await client.get("coupons", {}, READ)

    assert time.monotonic() - begun >= 0.3


async def test_no_answer_in_time_is_unavailable(server: RunningStripe) -> None:
    server.faults.clear()
    server.faults.add(FaultKind.HANG, "/v1/coupons", times=None, seconds=0.4)

    async with client_of(server, timeout_s=0.05, pauses_s=(0.0,)) as hurried:
        with pytest.raises(StripeUnavailableError, match="in time"):
            await hurried.get("coupons", {}, READ)
    await asyncio.sleep(0.5)


async def test_nobody_there_is_unavailable() -> None:
    client = StripeClient(key="sk_test_x", base="http://127.0.0.1:1", pauses_s=QUICK)
    async with client:
        with pytest.raises(UnavailableError, match="cannot be reached"):
            await client.get("coupons", {}, READ)


async def test_a_wrong_key_is_named_and_never_shown(server: RunningStripe) -> None:
    async with client_of(server, key="sk_test_wrong_and_secret") as wrong:
        with pytest.raises(StripeKeyError) as refused:
            await wrong.get("coupons", {}, READ)

    assert "wrong_and_secret" not in str(refused.value)
    assert isinstance(refused.value, NotConfiguredError)


async def test_a_permission_that_lacks_is_named(server: RunningStripe) -> None:
    async with client_of(server, key=NARROW.secret) as narrow:
        with pytest.raises(PermissionMissingError, match="rak_invoice_read"):
            await narrow.get("invoices", {}, READ)


async def test_what_is_not_there_says_so(client: StripeClient) -> None:
    for path in ("invoices/in_nope", "no_such_resource"):
        with pytest.raises(NotThereError):
            await client.get(path, {}, READ)


async def test_every_resource_is_one_that_there_is(client: StripeClient) -> None:
    for resource in RESOURCES:
        await client.get(resource.path, {**resource.asked, "limit": "1"}, READ)


def test_no_key_or_one_of_the_other_mode_is_refused() -> None:
    live = Settings(stripe_api_key=Secret("rk_live_1234"), mode=Mode.TEST)

    with pytest.raises(SettingsError, match="STRIPE_API_KEY is missing"):
        StripeClient.of(Settings())
    with pytest.raises(StripeKeyError, match="live mode"):
        StripeClient.of(live)
