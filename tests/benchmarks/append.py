"""Events appended per second in batches of 1, 100 and 1000, beside a raw binary COPY.

    python tests/benchmarks/append.py [--events 20000]

Ours does all of the log's work (encode, lock, look for duplicates, chain, indexes, notify,
fsynced commit) on events whose envelopes are read; the COPY writes the same bodies,
uncompressed as they came, into a table of two columns without any index, and commits as
often. The limit ``copy_stored`` copies the compressed bytes instead. ``under_way`` is how
many batches are on their way at a time: one waits for each commit before the next is
encoded; with two, as an import keeps them, the one is encoded while the other commits.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from time import perf_counter

import psycopg
from bench import events, ledger, report, say

from ledger.database import Role
from ledger.encoding import Encodings
from ledger.events import StripeEvent
from ledger.postgres import PostgresLog

BODY_BYTES = range(3000, 5001)
RUNS = ((1, 1), (100, 1), (1000, 1), (1000, 2))


async def append(
    conninfo: str, batches: Sequence[Sequence[StripeEvent]], under_way: int
) -> float:
    async with PostgresLog.open(conninfo, Role.APPENDER, deadline_s=60) as log:
        left = iter(batches)

        async def go_on() -> None:
            for batch in left:
                await log.append(batch)

        began = perf_counter()
        await asyncio.gather(*(go_on() for _ in range(under_way)))
        return perf_counter() - began


def copy(conninfo: str, batches: Sequence[Sequence[tuple[str, bytes]]]) -> float:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS public.raw")
        connection.execute("CREATE TABLE public.raw (id text, body bytea STORAGE EXTERNAL)")
        began = perf_counter()
        for batch in batches:
            with (
                connection.cursor() as cursor,
                cursor.copy("COPY public.raw FROM STDIN (FORMAT binary)") as writer,
            ):
                writer.set_types(["text", "bytea"])
                for row in batch:
                    writer.write_row(row)
        return perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    count = parser.parse_args().events
    say("making bodies")
    made = list(events(count, size=BODY_BYTES))
    stored = Encodings.shipped()
    raw_bytes = sum(len(event.body) for event in made) / count
    with ledger(databases=len(RUNS)) as conninfos:
        for conninfo, (size, under_way) in zip(conninfos, RUNS, strict=True):
            part = made[: max(size * 20, count // 10 if size == 1 else count)]
            say(f"{len(part)} events in batches of {size}")
            batches = [part[i : i + size] for i in range(0, len(part), size)]
            raw = [[(e.event_id, e.body) for e in batch] for batch in batches]
            packed = [
                [(key, stored.encode(body)[1]) for key, body in batch] for batch in raw
            ]
            ours = asyncio.run(append(conninfo, batches, under_way))
            limit = copy(conninfo, raw)
            limit_stored = copy(conninfo, packed)
            report(
                "append",
                batch=size,
                under_way=under_way,
                body_bytes=round(raw_bytes),
                events_per_s=round(len(part) / ours),
                copy_per_s=round(len(part) / limit),
                ratio=round(limit / ours, 2),
                copy_stored_per_s=round(len(part) / limit_stored),
                ratio_stored=round(limit_stored / ours, 2),
            )
        with psycopg.connect(conninfos[-1]) as connection:
            row = connection.execute(
                "SELECT pg_total_relation_size('ledger.log'), count(*) FROM ledger.log"
            ).fetchone()
            assert row is not None
            report(
                "storage",
                body_bytes=round(raw_bytes),
                log_bytes_per_event=round(row[0] / row[1]),
                ratio=round(row[0] / row[1] / raw_bytes, 3),
            )


if __name__ == "__main__":
    main()
