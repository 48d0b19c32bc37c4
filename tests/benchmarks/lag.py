"""How long after its acknowledgement a delivery is visible in every read model.

    python tests/benchmarks/lag.py [--seconds 10] [--rate 500]

A receiver and a projector, each a process of its own, share a fresh ledger. Deliveries
are sent at an even rate, whatever the answers take. The bookmarks are looked at all the
time; an event is visible at the first look that finds every bookmark at or beyond it, so
the figure is never too small.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from statistics import quantiles

import aiohttp
import psycopg
from ingest import SECRET, bodies, ledger, report, say, server, sign

LIMIT_MS = 100
LOOK_EVERY_S = 0.002
WARM_UP_S = 2
BOOKMARKS = "SELECT min(position), count(*) FROM read_models.bookmarks WHERE live"
PLACES = "SELECT originator_id, position FROM ledger.log"


def unique(count: int) -> list[tuple[str, bytes]]:
    """Return *count* bodies, each with an id of its own."""
    made = []
    for number, body in enumerate(bodies(count)):
        start = body.index(b'"evt_') + 1
        end = body.index(b'"', start)
        name = f"evt_{number:0{end - start - 4}d}"
        made.append((name, body[:start] + name.encode() + body[end:]))
    return made


async def send(port: int, told: Sequence[tuple[str, bytes]], rate: int) -> dict[str, float]:
    """Deliver at *rate* a second; return when each was acknowledged."""
    acknowledged: dict[str, float] = {}
    url = f"http://127.0.0.1:{port}/webhooks/stripe"
    connector = aiohttp.TCPConnector(limit=64)

    async with aiohttp.ClientSession(connector=connector) as session:

        async def deliver(name: str, body: bytes) -> None:
            headers = {
                "Stripe-Signature": sign(body, int(time.time())),
                "Content-Type": "application/json",
            }
            async with session.post(url, data=body, headers=headers) as answer:
                await answer.read()
                if answer.status == 200:
                    acknowledged[name] = time.perf_counter()

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number, (name, body) in enumerate(told):
                wait = began + number / rate - time.perf_counter()
                if wait > 0:
                    await asyncio.sleep(wait)
                group.create_task(deliver(name, body))
    return acknowledged


async def watch(
    conninfo: str, until: int, seen: list[tuple[float, int]], timeout_s: float
) -> None:
    """Note every change of the least bookmark until it is at *until*."""
    connection = await psycopg.AsyncConnection.connect(conninfo, autocommit=True)
    async with connection, asyncio.timeout(timeout_s):
        while not seen or seen[-1][1] < until:
            cursor = await connection.execute(BOOKMARKS, prepare=True)
            row = await cursor.fetchone()
            position = (row[0] or 0) if row else 0
            if not seen or position > seen[-1][1]:
                seen.append((time.perf_counter(), position))
            await asyncio.sleep(LOOK_EVERY_S)


async def run(
    conninfo: str, port: int, told: Sequence[tuple[str, bytes]], rate: int
) -> list[float]:
    """Return the milliseconds from acknowledgement to sight, of each delivery."""
    seen: list[tuple[float, int]] = []
    watching = asyncio.create_task(
        watch(conninfo, len(told), seen, len(told) / rate * 3 + 30)
    )
    acknowledged = await send(port, told, rate)
    await watching
    async with await psycopg.AsyncConnection.connect(conninfo) as connection:
        cursor = await connection.execute(PLACES)
        place: dict[str, int] = dict(await cursor.fetchall())
    by_position = sorted((place[name], at) for name, at in acknowledged.items())
    lags, look = [], 0
    for position, at in by_position:
        while seen[look][1] < position:
            look += 1
        if position > WARM_UP_S * rate:
            lags.append(max(0.0, seen[look][0] - at) * 1000)
    return lags


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rate", type=int, default=500)
    options = parser.parse_args()
    told = unique((options.seconds + WARM_UP_S) * options.rate)
    with ledger() as (conninfo,):
        settings = {
            "DATABASE_URL": conninfo,
            "LEDGER_MODE": "test",
            "STRIPE_WEBHOOK_SECRETS": SECRET,
            "LEDGER_TOKEN_KEY": "benchmark-benchmark-benchmark-benchmark",
            "LEDGER_METRICS_PORT": "0",
            "LEDGER_HOST": "127.0.0.1",
        }
        receiver = [sys.executable, "-P", "-m", "webhooks"]
        projector = [sys.executable, "-P", "-m", "projections"]
        with (
            server(lambda _: receiver, settings) as port,
            server(lambda _: projector, settings, ready="healthz"),
        ):
            say(f"{len(told):,} deliveries at {options.rate} a second")
            lags = asyncio.run(run(conninfo, port, told, options.rate))
    cuts = quantiles(lags, n=1000)
    report(
        "lag",
        deliveries=len(lags),
        deliveries_per_s=options.rate,
        p50_ms=round(cuts[499], 1),
        p99_ms=round(cuts[989], 1),
        p999_ms=round(cuts[998], 1),
        limit_ms=LIMIT_MS,
        ratio=round(cuts[989] / LIMIT_MS, 2),
        held=cuts[989] <= LIMIT_MS,
    )


if __name__ == "__main__":
    main()
