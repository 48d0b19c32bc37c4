"""Requests as a process counts them for Prometheus."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from ledger.metrics import Metrics
from ledger.problems import bad_request, problems
from ledger.traffic import TRAFFIC, Traffic


async def answer(_request: web.Request) -> web.Response:
    return web.Response(text="yes")


async def refuse(_request: web.Request) -> web.Response:
    raise bad_request("write it otherwise")


async def stream(request: web.Request) -> web.StreamResponse:
    told = web.StreamResponse()
    await told.prepare(request)
    return told


async def test_requests_refusals_and_how_long_they_took_are_counted() -> None:
    app = web.Application(middlewares=[problems])
    app[TRAFFIC] = traffic = Traffic()
    app.add_routes(
        [
            web.get("/v1/accounts/{account}/access", answer),
            web.get("/refuse", refuse),
            web.get("/stream", stream),
        ]
    )
    client: TestClient[Any, Any]
    async with TestClient(TestServer(app)) as client:
        for account in ("cus_1", "cus_2"):
            await client.get(f"/v1/accounts/{account}/access")
        for path in ("/refuse", "/stream", "/nothing"):
            await client.get(path)
        await client.delete("/refuse")

    assert traffic.requests.values == {
        "GET /v1/accounts/{account}/access": 2,
        "GET /refuse": 1,
        "GET /stream": 1,
        "nowhere": 2,
    }
    assert traffic.refusals.values == {"bad-request": 1, "not-found": 1, "method": 1}
    assert sum(traffic.latency.counts) == 5
    text = Metrics(*traffic.shown).text().decode()
    assert 'ledger_refusals_total{reason="method"} 1.0' in text
    assert "ledger_request_seconds_count 5.0" in text
