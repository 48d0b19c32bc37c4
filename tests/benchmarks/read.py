"""Requests a second of the read API, beside a bare aiohttp handler that asks for one row.

    python tests/benchmarks/read.py [--events 100000] [--seconds 8] [--rate 500]

``wrk`` asks with 64 connections, each time for another of the accounts that are in use
(each was asked for once before), while deliveries come in at an even rate and are
projected by a process of their own: one in sixteen of what happens next to these, the
rest of other companies, as with a thousand accounts in use of a million events' 16,667.

The bare handler takes a connection from a pool, runs ``SELECT 1`` on the same server and
answers with as many bytes; it is measured before and after, under the same deliveries.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean

import lag
import psycopg
from bench import events, fill, ledger, report, say
from lag import SECRET, server

from ledger.events import StripeEvent
from ledger.tokens import mint
from projections.client.concurrent import AsyncLedger

HERE = Path(__file__).parent
KEY = "benchmark-benchmark-benchmark-benchmark"
KNOWN_OF = 16
AIMS = {"access": 0.7, "billing": 0.3}
SHARES = "SELECT DISTINCT account FROM read_models.subscriptions"
BOOKMARKS = "SELECT min(position) FROM read_models.bookmarks WHERE live"

BARE = """
import os, sys
import uvloop
from aiohttp import web
from psycopg_pool import AsyncConnectionPool
pool = AsyncConnectionPool(os.environ["DATABASE_URL"], open=False, min_size=1, max_size=8,
                           kwargs={"autocommit": True})
async def ask(request):
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT 1", prepare=True)
        await cursor.fetchone()
    return web.Response(body=b"x" * 450, content_type="application/json")
async def opened(app):
    await pool.open()
    yield
    await pool.close()
async def healthz(request):
    return web.Response()
app = web.Application()
app.cleanup_ctx.append(opened)
app.router.add_get("/v1/accounts/{account}/{what}", ask)
app.router.add_get("/healthz", healthz)
uvloop.install()
web.run_app(app, host="127.0.0.1", port=int(os.environ["LEDGER_PORT"]), access_log=None,
            print=None)
"""


def load(
    port: int, what: str, accounts: Path, *, connections: int, seconds: int
) -> dict[str, float]:
    done = subprocess.run(
        [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--latency",
            "-s",
            str(HERE / "read.lua"),
            f"http://127.0.0.1:{port}",
        ],
        env={
            **os.environ,
            "LEDGER_BENCH_ACCOUNTS": str(accounts),
            "LEDGER_BENCH_WHAT": what,
            "LEDGER_BENCH_TOKEN": token(),
        },
        check=True,
        capture_output=True,
        text=True,
    )
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {
        "requests_per_s": round(told["requests"] / told["seconds"]),
        "p50_ms": told["p50_ms"],
        "p99_ms": told["p99_ms"],
        "refused": told["refused"],
    }


@contextmanager
def delivering(
    port: int, rate: int, told: Sequence[tuple[str, bytes]]
) -> Iterator[list[float]]:
    """Deliver *told* at *rate* a second in a thread until the block ends."""
    ended = threading.Event()
    sent: list[float] = []

    def work() -> None:
        for start in range(0, len(told), max(1, rate)):
            if ended.is_set():
                return
            batch = told[start : start + rate]
            sent.append(len(asyncio.run(lag.send(port, batch, rate))))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield sent
    finally:
        ended.set()
        thread.join()


async def warm(port: int, what: str, accounts: list[str]) -> float:
    """Ask *what* of each of *accounts* once; return how many a second that was."""
    began = time.perf_counter()
    async with AsyncLedger(f"http://127.0.0.1:{port}", token()) as ledger:
        ask = {"access": ledger.access, "billing": ledger.billing}[what]
        for start in range(0, len(accounts), 16):
            await asyncio.gather(*map(ask, accounts[start : start + 16]))
    return len(accounts) / (time.perf_counter() - began)


def token() -> str:
    now = datetime.now(UTC)
    return mint(key=KEY.encode(), scopes=["read"], account=None, expires_at=None, now=now)


def happening(count: int, known: Iterator[StripeEvent]) -> list[tuple[str, bytes]]:
    """Return what happens next, some of it to *known* companies, the rest to others."""
    others = events(count, seed=1000)
    both = [next(known if number % KNOWN_OF == 0 else others) for number in range(count)]
    return [(each.event_id, each.body) for each in both]


def settle(conninfo: str, head: int, timeout_s: float) -> None:
    end = time.time() + timeout_s
    with psycopg.connect(conninfo, autocommit=True) as connection:
        while (found := connection.execute(BOOKMARKS).fetchone()) is None or (
            found[0] or 0
        ) < head:
            if time.time() > end:
                raise SystemExit(f"the projector is at {found} of {head}")
            time.sleep(0.2)
        connection.execute("VACUUM ANALYZE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    with ledger() as (conninfo,), tempfile.TemporaryDirectory() as folder:
        began = time.time()
        count = options.rate * options.seconds * 8
        made = events(options.events + count // KNOWN_OF + 1)
        asyncio.run(fill(conninfo, options.events, made))
        told = happening(count, made)
        say(f"{options.events:,} events appended in {time.time() - began:.0f} s")
        settings = {
            "DATABASE_URL": conninfo,
            "LEDGER_MODE": "test",
            "STRIPE_WEBHOOK_SECRETS": SECRET,
            "LEDGER_TOKEN_KEY": KEY,
            "LEDGER_METRICS_PORT": "0",
            "LEDGER_HOST": "127.0.0.1",
            "LEDGER_RATE_PER_S": "0",
        }
        run = [sys.executable, "-P", "-m"]
        with (
            server(lambda _: [*run, "webhooks"], settings) as receiver,
            server(lambda _: [*run, "projections", "projector"], settings, "healthz"),
            server(lambda _: [*run, "projections", "api"], settings, "healthz") as api,
            server(lambda _: [sys.executable, "-c", BARE], settings, "healthz") as bare,
        ):
            settle(conninfo, options.events, 600)
            say(f"projected after {time.time() - began:.0f} s")
            names = Path(folder) / "accounts"
            with psycopg.connect(conninfo) as connection:
                found = [row[0] for row in connection.execute(SHARES)]
                found = found[: options.accounts]
            names.write_text("\n".join(found) + "\n")
            cold = {what: asyncio.run(warm(api, what, found)) for what in AIMS}
            each = ", ".join(f"{what} {rate:.0f} a second" for what, rate in cold.items())
            say(f"{len(found):,} accounts asked for once: {each}")
            with delivering(receiver, options.rate, told) as sent:
                time.sleep(1)
                runs = {
                    (name, number): load(
                        port,
                        what,
                        names,
                        connections=options.connections,
                        seconds=options.seconds,
                    )
                    for name, number, port, what in (
                        ("bare", 1, bare, "access"),
                        ("access", 1, api, "access"),
                        ("billing", 1, api, "billing"),
                        ("bare", 2, bare, "access"),
                    )
                }
    limit = mean(runs["bare", each]["requests_per_s"] for each in (1, 2))
    for name, aim in AIMS.items():
        met = runs[name, 1]
        ratio = met["requests_per_s"] / limit
        report(
            f"read_{name}",
            events=options.events,
            accounts=len(found),
            cold_requests_per_s=round(cold[name]),
            deliveries_per_s=round(mean(sent)) if sent else 0,
            connections=options.connections,
            **met,
            bare_requests_per_s=round(limit),
            bare_p99_ms=runs["bare", 1]["p99_ms"],
            ratio=round(ratio, 2),
            aim=aim,
            held=ratio >= aim,
        )


if __name__ == "__main__":
    main()
