"""Trials of the read API: what it gives away, what it logs, what it bears."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
import psycopg
import pytest
from aiohttp.test_utils import TestClient, TestServer

from doors import TOKEN_KEY
from ledger.database import Role, connect
from ledger.events import StripeEvent
from ledger.problems import RATES
from ledger.rates import Rates
from ledger.tokens import Scope, mint
from projections.api.app import application
from projections.api.serving import opened
from projections.client.concurrent import AsyncLedger
from projections.client.problems import NotNowError, RefusedError
from projections.reading import STATEMENT_TIMEOUT
from test_projections_api_app import NOW, Door, door
from test_projections_client import Doors, doors

__all__ = ["door", "doors"]

ADDRESS: Final = "ada.lovelace@example.com"
PATHS: Final = ("billing", "access", "invoices", "seats", "dunning", "timeline")
SLOW_READERS: Final = 300


def customer() -> StripeEvent:
    shown = {"id": "cus_1", "object": "customer", "email": ADDRESS, "name": "Ada Lovelace"}
    return StripeEvent(
        event_id="evt_customer",
        body=json.dumps({"id": "evt_customer", "data": {"object": shown}}).encode(),
        account="cus_1",
        object_id="cus_1",
        occurred_at=NOW,
        stripe_type="customer.updated",
    )


async def test_A08_personal_data_is_shown_with_scope_read_and_to_nobody_else(
    door: Door,
) -> None:
    await door.append(customer())
    await door.project()

    told = await (await door.get("/v1/accounts/cus_1/billing")).json()
    assert told["billing_contact"] == {"email": ADDRESS}
    for other in set(Scope) - {Scope.READ}:
        for path in PATHS:
            answer = await door.get(f"/v1/accounts/cus_1/{path}", scope=other)
            assert (answer.status, ADDRESS in await answer.text()) == (403, False)
    # What is asked on every request, and listed to auditors, holds none of it at all.
    for path, scope in (("/v1/accounts/cus_1/access", "read"), ("/v1/events", "audit")):
        text = await (await door.get(path, scope=scope)).text()
        assert "lovelace" not in text.lower()


async def test_A09_an_error_shows_neither_statement_nor_trace(door: Door) -> None:
    with psycopg.connect(door.conninfo, autocommit=True) as connection:
        connection.execute("ALTER TABLE read_models.bookmarks RENAME COLUMN live TO gone")
    for path in ("/v1/accounts/cus_1/access", "/v1/accounts/cus_1/billing", "/v1/status"):
        answer = await door.get(path)
        text = await answer.text()
        assert answer.status in (500, 503)
        assert answer.content_type == "application/problem+json"
        for word in ("SELECT", "bookmarks", "Traceback", "psycopg", "File "):
            assert word not in text


async def test_A10_readers_may_write_nothing_and_every_statement_has_its_end(
    door: Door,
) -> None:
    async with await connect(
        door.conninfo, Role.READER, statement_timeout=STATEMENT_TIMEOUT
    ) as connection:
        shown = await (await connection.execute("SHOW statement_timeout")).fetchone()
        assert shown == ("5s",)
        for statement in (
            "DELETE FROM ledger.log",
            "UPDATE ledger.head SET position = 0",
            "DELETE FROM read_models.bookmarks",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute(statement)


@pytest.mark.parametrize(
    "readers", [SLOW_READERS, pytest.param(1000, marks=pytest.mark.slow)]
)
async def test_A10_slow_readers_do_not_slow_acknowledgements(
    doors: Doors, readers: int
) -> None:
    port = int(doors.base.rsplit(":", 1)[1].rstrip("/"))
    request = (
        "GET /v1/accounts/cus_1/billing HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {doors.token}\r\n\r\n"
    ).encode()
    writers = []
    for _ in range(readers):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)  # and nobody ever reads the answer
        writers.append(writer)

    took: list[float] = []
    async with AsyncLedger(doors.base, doors.token) as ledger:
        for number in range(15):
            began = time.perf_counter()
            await ledger.assign_seat("shop-17", f"u_{number}")
            took.append(time.perf_counter() - began)

    for writer in writers:
        writer.close()
    assert sorted(took)[-2] < 2.0


async def test_a_token_that_asks_too_much_waits_and_others_do_not(
    ledger_database18: str,
) -> None:
    def token(account: str) -> str:
        now = datetime.now(UTC)
        return mint(
            key=TOKEN_KEY, scopes=["read"], account=account, expires_at=None, now=now
        )

    async with opened(ledger_database18) as api:
        app = application(api, [TOKEN_KEY])
        app[RATES] = Rates(3)
        async with TestServer(app) as server:
            base = str(server.make_url("/"))
            async with AsyncLedger(base, token("a"), tries_max=1) as ledger:
                met = [await _met(ledger) for _ in range(5)]
            async with AsyncLedger(base, token("b"), tries_max=1) as other:
                assert (await _met(other)).status != 429

    assert [each.status for each in met].count(429) >= 1
    refused = next(each for each in met if each.status == 429)
    assert isinstance(refused, NotNowError)
    assert refused.slug == "too-many-requests"


async def _met(ledger: AsyncLedger) -> RefusedError:
    with pytest.raises(RefusedError) as met:
        await ledger.access("a")
    return met.value


def test_a_bucket_fills_again() -> None:
    rates = Rates(2)

    assert [rates.wait_s("t", 0.0) for _ in range(3)] == [0, 0, 1]
    assert [rates.wait_s("t", 0.5), rates.wait_s("t", 0.5)] == [0, 1]
    assert rates.wait_s("other", 0.5) == 0
    assert [Rates(0).wait_s("t", 0.0) for _ in range(9)] == [0] * 9


async def test_logs_hold_no_body_no_secret_and_no_address(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await door.append(customer())
    await door.project()
    token = mint(
        key=b"0123456789abcdef", scopes=["read"], account=None, expires_at=None, now=NOW
    )
    for path in PATHS:
        await (await door.get(f"/v1/accounts/cus_1/{path}?x={ADDRESS}")).read()
        await (await door.get(f"/v1/accounts/cus_1/{path}")).read()
    await door.client.get("/v1/status", headers={"Authorization": f"Bearer {token}x"})

    # The server of this test logs requests; our own processes switch that off.
    ours = [each for each in caplog.records if each.name != "aiohttp.access"]
    told = "".join(f"{each.getMessage()} {vars(each)}" for each in ours)
    for secret in (ADDRESS, "Lovelace", token[:20], door.conninfo):
        assert secret not in told


async def test_a_token_lives_as_long_as_its_key(door: Door) -> None:
    keys: list[bytes] = [TOKEN_KEY]
    now = datetime.now(UTC)
    old = mint(key=TOKEN_KEY, scopes=["read"], account=None, expires_at=None, now=now)
    new = mint(key=b"k" * 32, scopes=["read"], account=None, expires_at=None, now=now)
    async with (
        opened(door.conninfo) as api,
        TestClient(TestServer(application(api, keys))) as client,
    ):

        async def statuses() -> list[int]:
            return [await _status(client, each) for each in (old, new)]

        assert await statuses() == [200, 401]
        keys[:] = [b"k" * 32, TOKEN_KEY]  # as on SIGHUP
        assert await statuses() == [200, 200]
        keys[:] = [b"k" * 32]
        assert await statuses() == [401, 200]


async def _status(client: TestClient[Any, Any], token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    async with client.get("/v1/accounts/cus_1/access", headers=headers) as answer:
        assert isinstance(answer, aiohttp.ClientResponse)
        return answer.status
