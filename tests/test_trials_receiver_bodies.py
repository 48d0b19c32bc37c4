"""Rows B01 to B08, B15 and O11: what is taken in, by size, form, coding and mode."""

from __future__ import annotations

import asyncio
import gzip
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from aiohttp import web

from doors import (
    PATH,
    Served,
    connected,
    event,
    exchange,
    post,
    reply,
    served,
    settings_of,
)
from ledger.events import StripeEvent, Verdict

LIMIT = 20_000


@pytest.fixture
async def door() -> AsyncIterator[Served]:
    async with served() as door:
        yield door


@pytest.fixture
async def small() -> AsyncIterator[Served]:
    async with served(settings_of(body_limit=LIMIT)) as door:
        yield door


def padded(size: int) -> bytes:
    body = event(padding="")
    return event(padding="x" * (size - len(body)))


async def verdicts(door: Served) -> list[Verdict]:
    events = [recorded.event for recorded in await door.stored()]
    return [event.verdict for event in events if isinstance(event, StripeEvent)]


@pytest.mark.parametrize("chunked", [False, True])
async def test_B01_a_body_of_the_limit_is_kept_and_a_byte_more_is_not(
    small: Served, *, chunked: bool
) -> None:
    fits, over = padded(LIMIT), padded(LIMIT + 1)

    assert (await small.deliver(fits, chunked=chunked)).status == 200
    refused = await small.deliver(over, chunked=chunked)

    assert refused.status == 413
    assert refused.headers["Connection"] == "close"
    assert await small.bodies() == [fits]


async def test_B01_an_endless_body_costs_less_memory_than_twice_the_limit() -> None:
    limit = 1024 * 1024
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"

    async with (
        served(settings_of(body_limit=limit)) as door,
        connected(door.port) as (reader, writer),
    ):
        tracemalloc.start()
        writer.write(post(b"", chunked=True).removesuffix(b"0\r\n\r\n"))
        with suppress(ConnectionError):
            for _ in range(1024):
                writer.write(chunk)
                await writer.drain()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        with suppress(ConnectionError):
            assert (await reply(reader)).status == 413

    # The client's own buffers are in it too.
    assert peak < 2 * limit + 1024 * 1024


async def test_B02_a_chunked_body_is_kept_as_it_was_signed(door: Served) -> None:
    body = padded(50_000)

    assert (await door.deliver(body, chunked=True)).status == 200
    assert await door.bodies() == [body]


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: 5, 5"],
        ["Content-Length: +5"],
        ["Content-Length: 99999999999999999999999"],
        ["Transfer-Encoding: chunked, chunked"],
    ],
)
async def test_B03_a_length_that_can_be_read_two_ways_ends_the_connection(
    door: Served, headers: list[str]
) -> None:
    request = post(b"{}", headers=["Content-Length: 5", *headers[1:]])
    request = request.replace(b"Content-Length: 5", headers[0].encode(), 1)

    refused = await exchange(door.port, request)

    assert refused.status == 400
    assert refused.headers["Connection"] == "close"
    assert refused.headers["Content-Type"].startswith("application/problem+json")


@pytest.mark.parametrize("size", [b"x", b"-1", b"+1", b"0x1", b"", b"f" * 20])
@pytest.mark.parametrize("pause_s", [0, 0.05])
async def test_B03_a_chunk_of_no_size_ends_the_connection(
    door: Served, size: bytes, pause_s: float
) -> None:
    async with connected(door.port) as (reader, writer):
        writer.write(post(b"", chunked=True).removesuffix(b"0\r\n\r\n"))
        await asyncio.sleep(pause_s)
        writer.write(size + b"\r\n{}\r\n0\r\n\r\n")

        assert (await reply(reader)).status == 400
        assert await asyncio.wait_for(reader.read(), 5) == b""


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate", "foo", "identity"])
async def test_B04_an_encoded_body_is_refused_unread(door: Served, coding: str) -> None:
    bomb = gzip.compress(b"\0" * 1024 * 1024)
    whole = [f"Content-Encoding: {coding}", f"Content-Length: {200 * 1024 * 1024}"]
    started = time.perf_counter()

    refused = await exchange(door.port, post(b"", headers=whole))

    assert refused.status == 415
    assert time.perf_counter() - started < 1
    assert (await door.deliver(bomb, headers=["Content-Encoding: gzip"])).status == 415
    assert await door.stored() == []


async def test_B04_control_aiohttp_inflates_what_it_is_sent() -> None:
    seen = []

    async def read(request: web.Request) -> web.Response:
        seen.append(len(await request.read()))
        return web.Response()

    app = web.Application()
    app.router.add_post(PATH, read)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    body = zlib.compress(b"x" * 500_000)
    request = post(body, headers=["Content-Encoding: deflate"])
    await exchange(runner.addresses[0][1], request)
    await runner.cleanup()

    assert seen == [500_000]


async def test_B05_an_oversized_body_is_not_asked_for(door: Served) -> None:
    headers = ["Expect: 100-continue", "Content-Length: 9000000"]

    refused = await exchange(door.port, post(b"", headers=headers))

    assert refused.status == 413


async def test_B05_a_body_that_fits_is_asked_for(door: Served) -> None:
    body = event()
    whole = post(body, headers=["Expect: 100-continue"])

    async with connected(door.port) as (reader, writer):
        writer.write(whole.removesuffix(body))
        asked = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        writer.write(body)
        answer = await reply(reader)

    assert asked == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.status == 200
    strange = await exchange(door.port, post(body, headers=["Expect: a-miracle"]))
    assert strange.status == 417


async def test_B07_a_client_that_leaves_in_mid_body_leaves_nothing(
    door: Served, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(door.port) as (_, writer):
        writer.write(post(padded(90_000))[:50_000])
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.transport.abort()
    await asyncio.sleep(0.2)

    assert await door.stored() == []
    assert [each for each in caplog.records if each.exc_info] == []
    assert (await door.deliver(event())).status == 200


async def test_B08_a_client_that_leaves_before_its_answer_finds_it_at_its_return(
    door: Served,
) -> None:
    body = event()
    async with connected(door.port) as (_, writer):
        writer.write(post(body))
        await writer.drain()
        writer.transport.abort()
    await asyncio.sleep(0.2)

    again = await door.deliver(body)

    assert again.json == {"received": True, "position": 1, "duplicate": True}
    assert await door.bodies() == [body]


@pytest.mark.parametrize(
    "content_type",
    ["", "Content-Type: text/plain", "Content-Type: application/json; charset=utf-16"],
)
async def test_B15_the_signature_decides_and_not_the_content_type(
    door: Served, content_type: str
) -> None:
    request = post(event()).replace(
        b"Content-Type: application/json\r\n",
        f"{content_type}\r\n".encode() if content_type else b"",
    )

    assert (await exchange(door.port, request)).status == 200
    assert await verdicts(door) == [Verdict.ACCEPTED]


async def test_O11_a_live_event_is_kept_apart_from_a_test_ledger(door: Served) -> None:
    assert (await door.deliver(event(livemode=True))).status == 200
    assert (await door.deliver(event("evt_2", account="acct_other"))).status == 200
    assert (await door.deliver(event("evt_3"))).status == 200

    assert await verdicts(door) == [Verdict.FOREIGN, Verdict.FOREIGN, Verdict.ACCEPTED]
    counted = [each async for page in door.log.read(accounts=["cus_1"]) for each in page]
    assert [each.position for each in counted] == [3]
