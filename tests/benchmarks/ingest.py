"""Durable acknowledged deliveries per second over HTTP, beside a bare aiohttp handler.

    python tests/benchmarks/ingest.py [--seconds 5] [--connections 64]

``wrk`` sends a file of pre-signed requests, first to a handler that only reads the body
and answers, on asyncio's own loop and on uvloop, then, each id once, to
``python -m webhooks`` (which takes uvloop) on a fresh ledger. Where the time goes is
measured step by step in this process afterwards.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from bench import bodies, ledger, report, say

from ledger.admission import admit
from ledger.clock import utc_now
from ledger.encoding import Encodings
from ledger.envelope import stripe_event
from ledger.log import Head
from ledger.mapper import Mapper
from ledger.row import genesis_hash
from webhooks.signature import Endpoint, check

SECRET = "whsec_benchmark_of_the_door"
BODY_BYTES = range(3000, 5001)
DELIVERIES_PER_S_MAX = 20_000  # of the receiver: more, and ids would come twice
HERE = Path(__file__).parent

BARE = """
import sys
from aiohttp import web
async def receive(request):
    await request.read()
    return web.Response(body=b'{"received":true}', content_type="application/json")
async def healthz(request):
    return web.Response()
app = web.Application()
app.add_routes([web.post("/webhooks/stripe", receive), web.get("/readyz", healthz)])
if sys.argv[2] == "uvloop":
    import uvloop
    uvloop.install()
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
"""


def sign(body: bytes, at: int) -> str:
    mac = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


def write_requests(path: Path, count: int) -> list[bytes]:
    """Write *count* requests with ids of their own; return some of the bodies."""
    samples = list(bodies(min(count, 4000), size=BODY_BYTES))
    now = int(time.time())
    with path.open("wb") as file:
        for number in range(count):
            body = samples[number % len(samples)]
            start = body.index(b'"evt_') + 1
            end = body.index(b'"', start)
            unique = f"evt_{number:0{end - start - 4}d}".encode()
            body = body[:start] + unique + body[end:]
            head = (
                "POST /webhooks/stripe HTTP/1.1\r\nHost: localhost\r\n"
                f"Stripe-Signature: {sign(body, now)}\r\n"
                "Content-Type: application/json; charset=utf-8\r\n"
                f"User-Agent: Stripe/1.0\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            request = head.encode() + body
            file.write(f"{len(request):08d}".encode() + request)
    return samples


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(
    command: Callable[[int], Sequence[str]],
    environment: dict[str, str],
    ready: str = "readyz",
) -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen(
        command(port),
        env={**os.environ, **environment, "LEDGER_PORT": str(port)},
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.time() + 20
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/{ready}", timeout=1)
                break
            except (urllib.error.URLError, ConnectionError) as error:
                if process.poll() is not None or time.time() > until:
                    raise SystemExit(f"the server did not start: {error}") from error
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def load(port: int, requests: Path, connections: int, seconds: int) -> dict[str, float]:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s"]
    command += [str(HERE / "ingest.lua"), f"http://127.0.0.1:{port}"]
    done = subprocess.run(
        command,
        env={**os.environ, "LEDGER_BENCH_REQUESTS": str(requests)},
        check=True,
        capture_output=True,
        text=True,
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def steps(samples: Sequence[bytes]) -> dict[str, float]:
    """Return microseconds of this process for each step of a delivery, best of seven."""
    now = int(time.time())
    endpoint = Endpoint(name="bench", key=SECRET.encode())
    signed = [(sign(body, now), body) for body in samples]
    made = [stripe_event(body, ledger_livemode=False) for body in samples]
    mapper = Mapper(Encodings.shipped())
    units = [[mapper.entry(event)] for event in made]
    head = Head(ledger_id="x", position=0, hash=genesis_hash("x"), recorded_at=None)
    moment = utc_now()
    work: dict[str, Callable[[], object]] = {
        "signature": lambda: [
            check([header], body, [endpoint], now=now, tolerance_s=300)
            for header, body in signed
        ],
        "envelope_and_strictness": lambda: [
            stripe_event(body, ledger_livemode=False) for body in samples
        ],
        "encode": lambda: [mapper.entry(event) for event in made],
        "admit_and_chain": lambda: admit(units, head=head, taken={}, now=moment),
    }
    return {name: _best(step) / len(samples) * 1e6 for name, step in work.items()}


def _best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(7):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ledger() as (conninfo,):
        requests = Path(folder) / "requests"
        count = DELIVERIES_PER_S_MAX * options.seconds
        say(f"signing {count:,} deliveries")
        samples = write_requests(requests, count)
        bare = {}
        for kind in ("asyncio", "uvloop"):
            command = [sys.executable, "-c", BARE]
            with server(lambda port: [*command, str(port), kind], {}) as port:  # noqa: B023
                bare[kind] = load(port, requests, options.connections, options.seconds)
        settings = {
            "DATABASE_URL": conninfo,
            "LEDGER_MODE": "test",
            "STRIPE_WEBHOOK_SECRETS": SECRET,
            "LEDGER_TOKEN_KEY": "benchmark-benchmark-benchmark-benchmark",
            "LEDGER_METRICS_PORT": "0",
            "LEDGER_HOST": "127.0.0.1",
        }
        with server(lambda _: [sys.executable, "-m", "webhooks"], settings) as port:
            ours = load(port, requests, options.connections, options.seconds)
        with psycopg.connect(conninfo) as connection:
            row = connection.execute("SELECT position FROM ledger.head").fetchone()
    assert row is not None
    per_s = {name: run["requests"] / run["seconds"] for name, run in bare.items()}
    rate = ours["requests"] / ours["seconds"]
    report(
        "ingest",
        connections=options.connections,
        body_bytes=round(sum(map(len, samples)) / len(samples)),
        appended=row[0],
        refused=ours["refused"],
        acknowledged_per_s=round(rate),
        bare_per_s=round(per_s["asyncio"]),
        ratio=round(rate / per_s["asyncio"], 2),
        bare_uvloop_per_s=round(per_s["uvloop"]),
        ratio_uvloop=round(rate / per_s["uvloop"], 2),
        p50_ms=ours["p50_ms"],
        p99_ms=ours["p99_ms"],
        bare_p50_ms=bare["asyncio"]["p50_ms"],
        bare_p99_ms=bare["asyncio"]["p99_ms"],
    )
    budget = 1e6 / rate
    spent = steps(samples[:1000])
    rest = budget - sum(spent.values()) - 1e6 / per_s["uvloop"]
    report(
        "ingest_where_time_goes_us",
        delivery=round(budget, 1),
        http=round(1e6 / per_s["uvloop"], 1),
        **{name: round(time_us, 1) for name, time_us in spent.items()},
        commit_driver_and_waiting=round(rest, 1),
    )


if __name__ == "__main__":
    main()
