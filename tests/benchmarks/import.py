"""What an import costs for each object, beside a loop that only pages through them.

    python tests/benchmarks/import.py --objects 100000
    python tests/benchmarks/import.py --latency-ms 0     the processor's share alone

The API is a page of real objects served over and over under new ids, from a process of its
own, so that what is measured is ours: reading pages, judging objects, and the log.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Coroutine
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web
from bench import START, ledger, report

from ledger.clock import utc_now
from ledger.database import Role
from ledger.postgres import PostgresLog
from replay.simulator.occurrences import StripeOccurrence
from replay.simulator.simulation import simulate
from webhooks.import_progress import ProgressFile
from webhooks.importing import Import
from webhooks.stripe_client import StripeClient
from webhooks.stripe_rate import Rate
from webhooks.stripe_resources import BY_PATH

PAGE = 100


def templates() -> list[bytes]:
    """Return a page of invoices, each with a mark where its id stands."""
    found: dict[str, bytes] = {}
    for each in simulate(seed=1, accounts=40, months=12, start=START):
        if isinstance(each, StripeOccurrence) and b"invoice.paid" in each.body:
            shown = msgspec.json.decode(each.body)["data"]["object"]
            found[shown["id"]] = msgspec.json.encode({**shown, "id": "in_@"})
        if len(found) == PAGE:
            break
    return list(found.values())


def serve(objects: int, latency_s: float, pipe: Connection) -> None:
    """Serve *objects* invoices, the newest first, until the process is ended."""
    page = templates()

    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("/account"):
            return web.json_response({"id": "acct_1", "created": 1_700_000_000})
        if not request.path.endswith("/invoices") or request.query.get("limit") == "1":
            return web.json_response({"object": "list", "data": [], "has_more": False})
        await asyncio.sleep(latency_s)
        after = request.query.get("starting_after", f"in_{objects}")
        last = int(after.removeprefix("in_"))
        names = range(last - 1, max(-1, last - 1 - PAGE), -1)
        data = b",".join(
            page[name % len(page)].replace(b"in_@", b"in_%d" % name) for name in names
        )
        more = b"true" if names and names[-1] > 0 else b"false"
        body = b'{"object":"list","has_more":%s,"data":[%s]}' % (more, data)
        return web.Response(body=body, content_type="application/json")

    async def run() -> None:
        application = web.Application()
        application.router.add_get("/v1/{path:.*}", answer)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


async def bare(base: str) -> int:
    """Page through all there is, as little as that takes; return how many."""
    count, after = 0, ""
    read = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
    listed = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode
    async with aiohttp.ClientSession() as session:
        while True:
            url = f"{base}/v1/invoices?limit={PAGE}{after}"
            async with session.get(url) as response:
                answer = read(await response.read())
            found = listed(answer["data"])
            count += len(found)
            if bytes(answer["has_more"]) == b"false":
                return count
            after = f"&starting_after={msgspec.json.decode(found[-1]['id'])}"


async def imported(base: str, conninfo: str) -> int:
    """Import all there is; return how many."""
    with tempfile.TemporaryDirectory() as folder:
        client = StripeClient(key="sk_test_x", base=base, rate=Rate(1e6))
        async with PostgresLog.open(conninfo, Role.APPENDER, deadline_s=30) as log, client:
            work = Import(
                client,
                log,
                ProgressFile(Path(folder)),
                ledger_id=log.ledger_id,
                livemode=False,
                clock=utc_now,
            )
            work.resources = (BY_PATH["invoices"],)
            return (await work.run()).appended


def timed(work: Coroutine[Any, Any, int]) -> tuple[int, float, float]:
    """Return what *work* counted, and its seconds: of the clock, and of this process."""
    clock, cpu = time.perf_counter(), time.process_time()
    count = asyncio.run(work)
    return count, time.perf_counter() - clock, time.process_time() - cpu


def memory_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--latency-ms", type=int, default=100)
    given = parser.parse_args()
    objects, latency_s = given.objects, given.latency_ms / 1000
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(
        target=serve, args=(objects, latency_s, theirs), daemon=True
    )
    process.start()
    base = f"http://127.0.0.1:{ours.recv()}"
    with ledger() as (conninfo,):
        paged, bare_s, bare_cpu_s = timed(bare(base))
        before_mb = memory_mb()
        appended, import_s, import_cpu_s = timed(imported(base, conninfo))
        report(
            "import",
            objects=objects,
            latency_ms=given.latency_ms,
            paged=paged,
            appended=appended,
            bare_us=round(bare_s / paged * 1e6),
            import_us=round(import_s / appended * 1e6),
            bare_cpu_us=round(bare_cpu_s / paged * 1e6),
            import_cpu_us=round(import_cpu_s / appended * 1e6),
            ratio=round(import_s / appended / (bare_s / paged), 2),
            memory_mb_before=before_mb,
            memory_mb_after=memory_mb(),
        )
    process.terminate()


if __name__ == "__main__":
    main()
