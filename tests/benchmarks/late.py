"""What late deliveries cost: a tenth of a log late, beside the same log in order.

    python tests/benchmarks/late.py [--events 100000] [--late-percent 10]

A late event comes up to some thousand events after its place, so that its account has
long been written; its account is then folded again from its stream. Both logs are
projected from zero by all projections, in order of time the one, late the other.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Iterator, Sequence
from itertools import islice
from time import perf_counter, process_time

import psycopg
from bench import events, ledger, report, say

from ledger.database import Role
from ledger.encoding import Encodings
from ledger.events import StripeEvent
from ledger.mapper import Mapper
from ledger.postgres import PostgresLog
from projections.models.registry import PROJECTIONS
from projections.projector.process import catch_up, rebuild

RATIO_MAX = 2.0
LATE_BY_EVENTS_MAX = 5000
RUNS = 3


def delayed(
    told: Sequence[StripeEvent], percent: int, chance: random.Random
) -> list[StripeEvent]:
    """Return *told* with *percent* of a hundred at a later place."""
    placed = []
    for at, event in enumerate(told):
        late = chance.randrange(100) < percent
        delay = chance.randrange(1, LATE_BY_EVENTS_MAX) if late else 0
        placed.append((at + delay, at, event))
    return [event for *_, event in sorted(placed, key=lambda each: each[:2])]


async def append(conninfo: str, told: Sequence[StripeEvent]) -> None:
    mapper = Mapper(Encodings.shipped())
    waiting: Iterator[StripeEvent] = iter(told)
    async with PostgresLog.open(conninfo, Role.APPENDER, deadline_s=60) as log:
        while batch := [[mapper.entry(event)] for event in islice(waiting, 1000)]:
            await log.admit(batch)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE ledger.log")


async def project(conninfo: str) -> tuple[float, float]:
    """Return the seconds and the CPU seconds of one run from zero."""
    async with PostgresLog.open(conninfo, Role.PROJECTOR, readers=2) as log:
        began, began_cpu = perf_counter(), process_time()
        await rebuild(conninfo, log, *PROJECTIONS, afresh=True)
        return perf_counter() - began, process_time() - began_cpu


async def measure(conninfos: Sequence[str]) -> list[tuple[float, float]]:
    """Return the best of some runs of each, in turns, so that both meet the same noise."""
    for conninfo in conninfos:
        async with PostgresLog.open(conninfo, Role.PROJECTOR) as log:
            await catch_up(conninfo, log)
    runs = [[await project(conninfo) for conninfo in conninfos] for _ in range(RUNS)]
    return [min(each) for each in zip(*runs, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--late-percent", type=int, default=10)
    options = parser.parse_args()
    told = list(events(options.events))
    late = delayed(told, options.late_percent, random.Random(7))
    with ledger(databases=2) as conninfos:
        say(f"appending {len(told):,} events twice")
        for conninfo, order in zip(conninfos, (told, late), strict=True):
            asyncio.run(append(conninfo, order))
        say("projecting")
        in_order, disordered = asyncio.run(measure(conninfos))
    ratio = disordered[0] / in_order[0]
    report(
        "late",
        events=len(told),
        late_percent=options.late_percent,
        in_order_s=round(in_order[0], 2),
        late_s=round(disordered[0], 2),
        ratio=round(ratio, 2),
        ratio_cpu=round(disordered[1] / in_order[1], 2),
        limit=RATIO_MAX,
        held=ratio <= RATIO_MAX,
    )


if __name__ == "__main__":
    main()
