"""Rows B06 and D12 of the trials: slow connections end, and served ones are not cut."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from doors import Served, connected, event, exchange, post, reply, served, settings_of

HEADER_S, BODY_S = 1.0, 0.5


@pytest.fixture
async def door() -> AsyncIterator[Served]:
    settings = settings_of(header_deadline_s=HEADER_S, body_deadline_s=BODY_S)
    async with served(settings) as door:
        yield door


async def held_for(port: int, *, first: bytes, drip: bytes, every_s: float = 0.1) -> float:
    """Send *first*, then *drip* over and over; return how long that was borne."""
    started = time.monotonic()
    async with connected(port) as (reader, writer):
        writer.write(first)
        ended = asyncio.create_task(reader.read())
        while not ended.done() and time.monotonic() - started < 5:
            writer.write(drip)
            await asyncio.wait([ended], timeout=every_s)
        ended.cancel()
        await asyncio.wait([ended])
    return time.monotonic() - started


@pytest.mark.parametrize(
    ("first", "drip"),
    [
        (b"", b""),
        (b"P", b"O"),
        (b"POST /webhooks/stripe HTTP/1.1\r\nX: ", b"x"),
        (b"GET /healthz HTTP/1.1\r\nHost: door\r\n\r\nGET /healthz HTTP/1.1\r\nX: ", b"x"),
    ],
)
async def test_B06_a_connection_without_a_whole_header_is_closed_in_time(
    door: Served, first: bytes, drip: bytes
) -> None:
    assert await held_for(door.port, first=first, drip=drip) < HEADER_S + 0.5


async def test_B06_a_body_that_drips_is_given_up_with_408(door: Served) -> None:
    async with connected(door.port) as (reader, writer):
        started = time.monotonic()
        writer.write(post(b"", headers=["Content-Length: 5000"]))
        answer = asyncio.create_task(reply(reader))
        while not answer.done() and time.monotonic() - started < 5:
            writer.write(b"x")
            await asyncio.wait([answer], timeout=0.05)

        assert (await answer).status == 408
        assert time.monotonic() - started < BODY_S + 0.5
        assert await door.stored() == []


async def test_B06_idle_connections_that_have_been_served_may_stay(door: Served) -> None:
    async with connected(door.port) as (reader, writer):
        writer.write(post(event()))
        first = await reply(reader)
        await asyncio.sleep(HEADER_S + 0.5)
        writer.write(post(event()))
        second = await reply(reader)

    assert (first.status, second.status) == (200, 200)


async def test_B06_five_hundred_slow_ones_do_not_hold_up_the_others(door: Served) -> None:
    slow = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(500)]
    for _, writer in slow:
        writer.write(b"POST /webhooks/stripe HTTP/1.1\r\nX-")

    started = time.monotonic()
    answers = [await door.deliver(event(f"evt_{number}")) for number in range(20)]
    took_s = time.monotonic() - started
    for reader, writer in slow:
        assert await asyncio.wait_for(reader.read(), HEADER_S + 2) == b""
        writer.close()

    assert {answer.status for answer in answers} == {200}
    assert took_s < 2


async def test_B06_control_by_default_a_slow_header_is_borne() -> None:
    runner = web.AppRunner(web.Application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()

    held_s = await held_for(
        runner.addresses[0][1], first=b"GET / HTTP/1.1\r\nX: ", drip=b"x"
    )
    await runner.cleanup()

    assert held_s >= 5


async def test_D12_what_is_under_way_is_answered_and_what_is_new_is_refused(
    door: Served,
) -> None:
    body = event()
    async with connected(door.port) as (reader, writer), connected(door.port) as (idle, _):
        writer.write(post(body)[:-10])
        await asyncio.sleep(0.1)
        draining = asyncio.create_task(door.listener.drain())
        await asyncio.sleep(0.1)

        with pytest.raises(ConnectionRefusedError):
            await exchange(door.port, post(event("evt_new")))
        writer.write(body[-10:])
        answer = await reply(reader)
        assert await idle.read() == b""
        await draining

    assert answer.status == 200
    assert answer.headers["Connection"] == "close"
    assert await door.bodies() == [body]


async def test_D12_a_request_on_an_open_connection_is_still_served_while_stopping(
    door: Served,
) -> None:
    async with connected(door.port) as (reader, writer):
        writer.write(post(event("evt_1")))
        await reply(reader)
        draining = asyncio.create_task(door.listener.drain())
        await asyncio.sleep(0.05)
        writer.write(post(event("evt_2")))
        answer = await reply(reader)
        await draining

    assert answer.status == 200
    assert answer.headers["Connection"] == "close"
