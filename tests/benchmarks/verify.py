"""Rows of the chain checked per second of one core, beside a hash of the same bytes alone.

    python tests/benchmarks/verify.py [--events 100000]

The limit hashes what the server sent, without reading or chaining it. Seconds are of this
process; the server sends from the other core.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import resource
from time import perf_counter, process_time

import psycopg
from bench import fill, ledger, report, say

from ledger.verify import EXPORT, verify


def hash_alone(conninfo: str) -> float:
    """Return the seconds of this process that hashing the rows' bytes takes."""
    with (
        psycopg.connect(conninfo) as connection,
        connection.cursor() as cursor,
        cursor.copy(EXPORT) as copy,
    ):
        rows = [bytes(row) for row in copy]
    began = process_time()
    for row in rows:
        hashlib.sha256(row).digest()
    return process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    count = parser.parse_args().events
    with ledger() as (conninfo,):
        say(f"appending {count:,} events")
        asyncio.run(fill(conninfo, count))
        began, began_cpu = perf_counter(), process_time()
        verification = asyncio.run(verify(conninfo))
        seconds, cpu = perf_counter() - began, process_time() - began_cpu
        memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        limit = hash_alone(conninfo)
    assert verification.fault is None
    assert verification.rows == count
    report(
        "verify",
        events=count,
        events_per_s=round(count / seconds),
        events_per_core_s=round(count / cpu),
        hash_alone_per_core_s=round(count / limit),
        ratio=round(limit / cpu, 2),
        memory_mb_after=round(memory_mb),
    )


if __name__ == "__main__":
    main()
