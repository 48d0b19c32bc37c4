"""What is no HTTP, on a socket of its own."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web

from ledger.connections import DoorRunner

UNREADABLE = (b"GARBAGE", b"GET / HTTP/9.1 x", b"GET /x\x01 HTTP/1.1\r\nHost: a")


async def exchanged(request: bytes) -> tuple[bytes, bytes]:
    """Return head and body of the answer to *request*, up to the connection's end."""
    runner = DoorRunner(web.Application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(request + b"\r\n\r\n")
    async with asyncio.timeout(5):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await runner.cleanup()
    return head, body


@pytest.mark.parametrize("request_", UNREADABLE)
async def test_a_request_that_is_no_http_is_told_so_as_a_problem(request_: bytes) -> None:
    head, body = await exchanged(request_)

    assert b" 400 " in head.split(b"\r\n")[0]
    assert b"application/problem+json" in head
    assert json.loads(body)["detail"] == "this is no HTTP request that can be read"


@pytest.mark.parametrize("request_", [b"HEAD / HTTP/9.1 x", b"HEAD /x\x01 HTTP/1.1"])
async def test_a_head_request_gets_no_body_even_when_it_cannot_be_read(
    request_: bytes,
) -> None:
    head, body = await exchanged(request_)

    assert b" 400 " in head
    assert body == b""
