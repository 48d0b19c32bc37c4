"""A Stripe that answers nonsense, storms, lies or lacks things: a clear line, and no more.

Every answer of the table is given to import, catch-up and reconcile alike.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web

from ledger.clock import utc_now
from ledger.errors import LedgerError, NotConfiguredError, UnavailableError
from ledger.log import Log
from ledger.twin import MemoryLog
from replay.simulator.api.access import ApiKey
from replay.simulator.api.faults import FaultKind
from replay.simulator.api.server import SECRET_KEY
from stripe_outside import caught_up, company, imported, reconciled, stored
from stripe_server import RunningStripe, running_stripe
from test_webhooks_stripe_import import objects
from webhooks.catching_up import catch_up
from webhooks.held import Held
from webhooks.import_progress import ProgressFile
from webhooks.importing import Import
from webhooks.reconciling import Reconciliation
from webhooks.stripe_client import StripeClient
from webhooks.stripe_errors import (
    StripeKeyError,
    StripeRefusedError,
    StripeUnavailableError,
)
from webhooks.stripe_rate import Rate

Answer = Callable[[web.Request], web.Response]
QUICK: Final = (0.0, 0.0)


def always(body: bytes, status: int = 200, **headers: str) -> Answer:
    return lambda _: web.Response(body=body, status=status, headers=headers)


def listed(body: bytes) -> Answer:
    """Answer every list with *body*, and know the account."""
    account = b'{"id":"acct_1","created":1700000000}'
    return lambda request: web.Response(
        body=account if request.path.endswith("/account") else body
    )


@asynccontextmanager
async def stripe(answer: Answer) -> AsyncIterator[StripeClient]:
    """Yield a client of a Stripe that always gives *answer*."""

    async def handle(request: web.Request) -> web.Response:
        return answer(request)

    application = web.Application()
    application.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    client = StripeClient(
        key="sk_test_1", base=base, rate=Rate(1e6), timeout_s=5, pauses_s=QUICK
    )
    try:
        async with client:
            yield client
    finally:
        await runner.cleanup()


async def do_import(client: StripeClient, log: Log, directory: Path) -> None:
    work = Import(
        client,
        log,
        ProgressFile(directory),
        ledger_id="led_test",
        livemode=False,
        clock=utc_now,
    )
    await work.run()


async def do_catch_up(client: StripeClient, log: Log, _: Path) -> None:
    await catch_up(client, log, livemode=False, clock=utc_now)


async def do_reconcile(client: StripeClient, log: Log, _: Path) -> None:
    async def read() -> Held:
        return {}

    await Reconciliation(client, log, read, utc_now, livemode=False).run(fix=True)


Work = Callable[[StripeClient, Log, Path], Awaitable[None]]
NAMED: Final = b'{"error":{"message":"The provided key lacks \'rak_charge_read\'."}}'
LIVE: Final = (
    b'{"object":"list","has_more":false,"data":[{"id":"x_1","object":"event",'
    b'"livemode":true,"created":1700000000,"type":"customer.created"}]}'
)
# What Stripe answers to all; which error it is; what the line says.
ANSWERS: Final[tuple[tuple[Answer, type[LedgerError], str], ...]] = (
    (always(b"<html>proxy</html>"), UnavailableError, "cut off or no JSON"),
    (always(b'{"object":"list","da'), UnavailableError, "cut off or no JSON"),
    (always(b"[]"), UnavailableError, "cut off or no JSON"),
    (always(b"\xff\xfe"), UnavailableError, "cut off or no JSON"),
    (always(b""), UnavailableError, "cut off or no JSON"),
    (always(b"[" * 100_000), UnavailableError, "cut off or no JSON"),
    (listed(b'{"object":"list"}'), UnavailableError, "cut off or no JSON"),
    (always(b"", 500), UnavailableError, "it fails (500)"),
    (always(b"", 503), UnavailableError, "it fails (503)"),
    (always(b"", 429, **{"Retry-After": "soon"}), UnavailableError, "too often (429)"),
    (always(b"", 429, **{"Retry-After": "nan"}), UnavailableError, "too often (429)"),
    (always(b"", 302, Location="http://127.0.0.1:1"), NotConfiguredError, "(302)"),
    (always(b"not you", 400), NotConfiguredError, "(400)"),
    (always(b"who?", 401), StripeKeyError, "STRIPE_API_KEY is not accepted"),
    (always(NAMED, 403), StripeKeyError, "rak_charge_read"),
    (always(b"", 404), StripeRefusedError, ""),
    (listed(LIVE), StripeKeyError, "shows live data, but LEDGER_MODE is test"),
    (
        listed(b'{"object":"list","data":[],"has_more":true}'),
        UnavailableError,
        "again and again",
    ),
    (
        listed(b'{"object":"list","data":[{"id":"x_1"}],"has_more":true}'),
        UnavailableError,
        "again and again",
    ),
)


@pytest.mark.parametrize("work", [do_import, do_catch_up, do_reconcile])
@pytest.mark.parametrize(("answer", "error", "words"), ANSWERS)
async def test_whatever_it_answers_a_line_says_what_is_wrong(
    work: Work, answer: Answer, error: type[LedgerError], words: str, tmp_path: Path
) -> None:
    log = MemoryLog("led_test", clock=utc_now)

    async with stripe(answer) as client:
        with pytest.raises(error) as refused:
            await work(client, log, tmp_path)

    line = str(refused.value)
    assert words in line
    assert "\n" not in line
    assert "sk_test_1" not in line


@pytest.mark.parametrize(
    ("work", "expected"), [(do_import, {("customer", "cus_1")}), (do_reconcile, set())]
)
async def test_members_of_a_list_that_are_no_objects_are_left_out(
    work: Work, expected: set[tuple[str, str]], tmp_path: Path
) -> None:
    """Neither numbers nor times beyond the calendar stop what stands beside them."""
    odd = (
        b'{"object":"list","has_more":false,"data":[7,"x",null,[],{},{"id":7},'
        b'{"id":"cus_1","object":"customer","created":99999999999999}]}'
    )
    log = MemoryLog("led_test", clock=utc_now)

    async with stripe(listed(odd)) as client:
        await work(client, log, tmp_path)

    assert set(objects(await stored(log))) == expected


async def test_a_clock_that_cannot_be_stripes_dates_nothing() -> None:
    one = b'{"object":"list","data":[{"id":"cus_1","object":"customer"}]}'

    async with stripe(always(one, Date="Thu, 01 Jan 1970 00:00:00 GMT")) as client:
        answer = await client.get("customers", {}, bytes)
    async with stripe(always(one, Date="when it was")) as client:
        other = await client.get("customers", {}, bytes)

    assert answer.asked_at.year > 2020
    assert other.asked_at.year > 2020


@pytest.fixture(scope="module")
def server() -> Iterator[RunningStripe]:
    keys = (
        ApiKey(SECRET_KEY),
        ApiKey("rk_test_none", frozenset({"rak_customer_read"})),
    )
    with running_stripe(company(12, 8), keys=keys) as running:
        yield running


@pytest.fixture(autouse=True)
def well(server: RunningStripe) -> None:
    server.faults.clear()


PASSING: Final = (
    FaultKind.TOO_MANY,
    FaultKind.BROKEN,
    FaultKind.CLOSE,
    FaultKind.CUT,
    FaultKind.REPEAT,
    FaultKind.SKIP,
)


@pytest.mark.parametrize("seed", range(3))
async def test_a_flaky_stripe_gives_the_same_log_as_a_sound_one(
    server: RunningStripe, tmp_path: Path, seed: int
) -> None:
    """One request in four goes wrong, each in a way of its own."""
    whole = MemoryLog("led_test", clock=utc_now)
    await imported(server, whole, tmp_path / "sound")
    chance = random.Random(seed)
    for after in range(400):
        if chance.random() < 0.25:
            server.faults.add(chance.choice(PASSING), "/v1/", after=after)

    log = MemoryLog("led_test", clock=utc_now)
    found = await imported(server, log, tmp_path / "flaky", pauses_s=(0.0,) * 30)

    assert objects(await stored(log)) == objects(await stored(whole))
    assert found.unreadable == 0
    server.faults.clear()
    assert (await reconciled(server, log)).found == []


async def test_an_object_deleted_between_list_and_retrieve_is_no_difference_of_ours(
    server: RunningStripe, tmp_path: Path
) -> None:
    """The ledger lacks it and so does Stripe by the time it is looked at again."""
    log = MemoryLog("led_test", clock=utc_now)
    await imported(server, log, tmp_path, only=("customers", "coupons", "invoices"))
    server.faults.add(FaultKind.GONE, "/v1/subscriptions/", times=None)

    found = await reconciled(server, log, fix=True)

    assert (found.found, found.ok) == ([], True)
    assert found.looked_at > 12


async def test_what_stripe_lacks_is_named_and_the_rest_compared(
    server: RunningStripe, tmp_path: Path
) -> None:
    log = MemoryLog("led_test", clock=utc_now)
    server.faults.add(FaultKind.UNKNOWN, "/v1/coupons", times=None)
    server.faults.add(FaultKind.UNKNOWN, "/v1/events", times=None)

    taken = await imported(server, log, tmp_path)
    found = await reconciled(server, log, fix=True)
    with pytest.raises(StripeRefusedError, match="no /v1/events: nothing can be caught"):
        await caught_up(server, log)

    assert (taken.missing, taken.caught_up) == (["coupons"], None)
    assert (found.missing, found.found) == (["coupons"], [])


async def test_all_that_a_key_may_not_compare_is_named(server: RunningStripe) -> None:
    log = MemoryLog("led_test", clock=utc_now)

    with pytest.raises(StripeKeyError) as refused:
        await do_as("rk_test_none", server, log)

    for name in ("rak_subscription_read", "rak_invoice_read", "rak_coupon_read"):
        assert name in str(refused.value)
    assert (await log.head()).position == 0


async def do_as(key: str, server: RunningStripe, log: MemoryLog) -> None:
    client = StripeClient(key=key, base=server.base, pauses_s=QUICK)
    async with client:
        await do_reconcile(client, log, Path())


async def test_a_storm_of_refusals_ends_in_a_line_or_in_the_whole(
    server: RunningStripe, tmp_path: Path
) -> None:
    log = MemoryLog("led_test", clock=utc_now)
    server.faults.rate_per_s = 30
    given: dict[str, Any] = {"rate": Rate(), "pauses_s": (0.0,)}
    said = set()
    for _ in range(40):
        try:
            await imported(server, log, tmp_path, **given)
            break
        except StripeUnavailableError as error:
            said.add("too often (429)" in str(error))
            await asyncio.sleep(0.2)
    server.faults.clear()

    kept = objects(await stored(log))
    assert said <= {True}
    assert len(kept) == len(set(kept))
    assert (await reconciled(server, log)).found == []
