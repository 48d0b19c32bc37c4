"""How soon the first byte of the billing page comes, beside a bare aiohttp handler's.

    python tests/benchmarks/page.py [--events 6000] [--pages 300] [--at-once 1 8]

``python -m projections`` serves a ledger of companies' lives; the pages of the accounts
with the longest ones are asked for in turn, each visitor on a connection of its own. The
bare handler, a process of its own too, runs one ``SELECT 1`` and answers as many bytes.
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
from ingest import ledger, report, say, server

from ledger.clock import utc_now
from ledger.database import Role
from ledger.postgres import PostgresLog
from projections.page.sessions import link
from projections.page.visits import LINK, path_of
from projections.projector import process

KEY = "benchmark-benchmark-benchmark-benchmark"
LIMIT_MS = 50
BARE = """
import sys
import psycopg_pool
from aiohttp import web
async def answer(request):
    async with pool.connection() as connection:
        await connection.execute("SELECT 1")
    return web.Response(body=b"x" * 8000, content_type="text/html")
async def opened(app):
    global pool
    async with psycopg_pool.AsyncConnectionPool(sys.argv[2], min_size=8) as pool:
        yield
app = web.Application()
app.add_routes([web.get("/{path:.*}", answer)])
app.cleanup_ctx.append(opened)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
"""
LONGEST = """
SELECT account FROM ledger.log WHERE account LIKE 'cus%%'
 GROUP BY account ORDER BY count(*) DESC LIMIT %s
"""


async def asked(base: str, paths: Sequence[str], pages: int, at_once: int) -> list[float]:
    """Return the milliseconds to the first byte of each of *pages* pages."""
    found: list[float] = []
    waiting = iter(range(pages))

    async def visit(session: aiohttp.ClientSession) -> None:
        for number in waiting:
            begun = time.perf_counter()
            async with session.get(base + paths[number % len(paths)]) as answer:
                took = (time.perf_counter() - begun) * 1000
                if answer.status != 200:
                    raise SystemExit(f"{answer.url}: {answer.status}")
                await answer.read()
            found.append(took)

    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        for path in paths:
            account = path.rpartition("/")[2]
            given = link(account, "u_1", key=KEY.encode(), now=utc_now())
            async with session.get(f"{base}{path}?{LINK}={given}") as answer:
                await answer.read()
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(visit(session))
    return found


def percentiles(found: Sequence[float]) -> dict[str, float]:
    cuts = quantiles(found, n=100)
    return {"p50_ms": round(cuts[49], 1), "p99_ms": round(cuts[98], 1)}


async def filled(conninfo: str, events: int, accounts: int) -> list[str]:
    """Fill a ledger and its read models; return the paths of the longest lives' pages."""
    # Imported by now, and put out of reach: see there.
    from bench import fill  # noqa: PLC0415

    await fill(conninfo, events)
    async with PostgresLog.open(conninfo, role=Role.PROJECTOR) as log:
        await process.catch_up(conninfo, log)
    async with await psycopg.AsyncConnection.connect(conninfo) as connection:
        cursor = await connection.execute(LONGEST, [accounts])
        return [path_of(name) for (name,) in await cursor.fetchall()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=6000)
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--accounts", type=int, default=10)
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 8])
    options = parser.parse_args()
    with ledger() as (conninfo,):
        paths = asyncio.run(filled(conninfo, options.events, options.accounts))
        settings = {
            "DATABASE_URL": conninfo,
            "LEDGER_MODE": "test",
            "LEDGER_TOKEN_KEY": KEY,
            "LEDGER_METRICS_PORT": "0",
            "LEDGER_HOST": "127.0.0.1",
        }
        ours = [sys.executable, "-P", "-m", "projections"]
        with (
            server(lambda _: ours, settings, ready="healthz") as port,
            server(lambda it: [sys.executable, "-c", BARE, str(it), conninfo], {}) as bare,
        ):
            for at_once in options.at_once:
                measured(port, bare, paths, options.pages, at_once)


def measured(port: int, bare: int, paths: list[str], pages: int, at_once: int) -> None:
    """Ask both servers, the one after the other, and report."""
    say(f"{pages} pages of {len(paths)} accounts, {at_once} at once")
    took = {}
    for name, at in (("page", port), ("bare", bare)):
        base = f"http://127.0.0.1:{at}"
        asyncio.run(asked(base, paths, len(paths) * 2, at_once))
        took[name] = percentiles(asyncio.run(asked(base, paths, pages, at_once)))
    report(
        "page",
        at_once=at_once,
        pages=pages,
        **{f"page_{name}": value for name, value in took["page"].items()},
        **{f"bare_{name}": value for name, value in took["bare"].items()},
        limit_ms=LIMIT_MS,
        held=took["page"]["p99_ms"] <= LIMIT_MS,
    )


if __name__ == "__main__":
    main()
