"""Rows B09 to B14 of the trials: whatever was signed is kept, and cheap to judge."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable

import pytest
import stripe

from doors import SECRET, Served, event, exchange, post, served, signed
from ledger.events import StripeEvent, Verdict


@pytest.fixture
async def door() -> AsyncIterator[Served]:
    async with served() as door:
        yield door


async def verdicts(door: Served) -> list[Verdict]:
    events = [recorded.event for recorded in await door.stored()]
    return [event.verdict for event in events if isinstance(event, StripeEvent)]


OPAQUE = {
    "empty": b"",
    "null": b"null",
    "list": b"[]",
    "text": b'"x"',
    "number": b"1",
    "mark": b"\xef\xbb\xbf" + event(),
    "trailing": event() + b"x",
    "not utf-8": event().replace(b"customer.updated", b"customer.\xff"),
    "deep 500": b"[" * 500 + b"]" * 500,
    "deep 10k": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "deep 500k": b"[" * 500_000 + b"]" * 500_000,
    "nan": event().replace(b"1793523600", b"NaN"),
    "infinity": event().replace(b"1793523600", b"Infinity"),
    "huge": event().replace(b"1793523600", b"1e400"),
    "digits": event().replace(b"1793523600", b"9" * 5000),
    "amount twice": event(data={"object": {"amount": 1}}).replace(
        b'"amount": 1', b'"amount": 1, "amount": 2'
    ),
    "id twice": event().replace(b'"id": "evt_1"', b'"id": "evt_1", "id": "evt_2"'),
    "lone surrogate": event().replace(b"customer.updated", b"\\ud800"),
}


@pytest.mark.parametrize("kind", OPAQUE)
async def test_B09_B10_B12_B13_what_is_no_event_is_kept_and_quarantined(
    door: Served, kind: str
) -> None:
    body = OPAQUE[kind]

    assert (await door.deliver(body)).json == {
        "received": True,
        "position": 1,
        "duplicate": False,
    }
    assert (await door.deliver(body)).json["duplicate"] is True
    assert (await door.deliver(event("evt_after"))).status == 200
    assert await door.bodies() == [body, event("evt_after")]
    assert await verdicts(door) == [Verdict.QUARANTINED, Verdict.ACCEPTED]


@pytest.mark.parametrize("kind", ["deep 10k", "deep 500k"])
async def test_B10_a_deep_body_does_not_hold_up_the_others(door: Served, kind: str) -> None:
    pauses = []

    async def watch() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0)
            pauses.append(time.perf_counter() - before)

    request = post(OPAQUE[kind])
    watching = asyncio.create_task(watch())
    answer = await exchange(door.port, request)
    watching.cancel()

    assert answer.status == 200
    assert max(pauses) < 1


def test_B10_control_the_sdk_falls_over_a_deep_body() -> None:
    body = OPAQUE["deep 10k"].decode()

    with pytest.raises(RecursionError):
        stripe.Webhook.construct_event(body, signed(body.encode()), SECRET)


@pytest.mark.parametrize(
    "make",
    [
        lambda: event(data={"object": {"list": [{} for _ in range(260_000)]}}),
        lambda: event(data={"object": {f"key_{place}": 1 for place in range(60_000)}}),
    ],
)
async def test_B11_a_megabyte_of_structure_is_acknowledged_in_time(
    door: Served, make: Callable[[], bytes]
) -> None:
    body = json.dumps(json.loads(make()), separators=(",", ":")).encode()
    assert 500_000 < len(body) <= 1024 * 1024
    request = post(body)

    started = time.perf_counter()
    answer = await exchange(door.port, request)

    assert answer.status == 200
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    "name", ["\\u0000", "\\u202egnp", "\\u001b[31mred", "=cmd()|calc", "\\ud83d\\ude00"]
)
async def test_B14_strange_characters_are_kept_and_counted(door: Served, name: str) -> None:
    body = event(data={"object": {"id": "cus_1", "object": "customer", "name": "NAME"}})
    body = body.replace(b"NAME", name.encode())

    assert (await door.deliver(body)).status == 200
    assert await door.bodies() == [body]
    assert await verdicts(door) == [Verdict.ACCEPTED]
