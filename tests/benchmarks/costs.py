"""What an event of a full rebuild costs, step by step, in microseconds of one core.

    python tests/benchmarks/costs.py [--events 50000]

Each step is done for a page of the log after the other, in one thread, with nothing in
between; the best of some runs, so that it is what the step costs on a quiet machine.
A rebuild costs more than their sum: its steps wait for each other's memory.

    fetch       rows from PostgreSQL, as they are stored
    event       a row as an event, its body still compressed
    decompress  the bodies of the events that are read
    parse       the least that any reader of JSON has to do: pass over every byte once
    translate   bodies into facts, for all projections, with what it takes to parse them
    fold        facts into states
    encode      states into rows
    pack        rows into what is sent to PostgreSQL

and beside them those of read models that are made as a whole:

    keep        facts into what is kept of them, compressed
    find        kept facts as those of an object each, most of them not looked into
    anew        objects from nothing into rows, encoded
"""

from __future__ import annotations

import argparse
import asyncio
import gc
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import process_time
from typing import Any

import msgspec
from bench import fill, ledger, report, say

from ledger.database import Role
from ledger.encoding import Encodings
from ledger.events import StripeEvent
from ledger.log import Recorded, Selection
from ledger.mapper import Mapper
from ledger.postgres import PostgresLog
from projections.models.declaration import Projection
from projections.models.registry import PROJECTIONS
from projections.projector import folding
from projections.projector.folding import Reading
from projections.projector.packing import columns
from projections.projector.parts import Parts, routes
from projections.projector.rows import Codec, rows_of
from projections.projector.runner import BATCH_EVENTS
from projections.rebuild.blocks import Packer, unpacked
from projections.rebuild.fold import Routes, rows
from projections.rebuild.kinds import KINDS
from projections.translation.translate import translation

RUNS = 3
ALL = routes([translation(KINDS)])
APART = ("parse", "keep", "find", "anew")


class Nothing(msgspec.Struct):
    """None of an event's fields."""


class Costs:
    """Seconds of each step, of one run."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = process_time()
        yield
        self.seconds[name] += process_time() - began


async def run(conninfo: str, costs: Costs) -> None:
    tables = [translation(each.handlers) for each in PROJECTIONS]
    only = Selection(
        stripe_types=frozenset().union(*(each.selection.stripe_types for each in tables)),
        topics=frozenset().union(*(each.selection.topics for each in tables)),
    )
    mapper, ways = Mapper(Encodings.shipped()), routes(tables)
    read, parts, packer = 0, Parts(ways, [()] * len(tables)), Packer()
    async with PostgresLog.open(conninfo, Role.PROJECTOR) as log:
        pages = log.rows(only=only)
        while True:
            with costs.step("fetch"):
                page = await anext(pages, None)
            if page is None:
                break
            with costs.step("event"):
                recorded = [mapper.recorded(row) for row in page]
            read += len(recorded)
            again = list(recorded)
            _translated(recorded, parts, costs)
            _kept(again, packer, costs)
            if read >= BATCH_EVENTS:
                _folded(parts.readings, costs)
                _made_anew(packer, costs)
                read, parts, packer = 0, Parts(ways, [()] * len(tables)), Packer()
    _folded(parts.readings, costs)
    _made_anew(packer, costs)


def _kept(recorded: list[Recorded], packer: Packer, costs: Costs) -> None:
    parts = Parts(ALL, [()])
    parts.read(recorded)
    with costs.step("keep"):
        packer.take(parts.readings[0].facts)


def _made_anew(packer: Packer, costs: Costs) -> None:
    with costs.step("keep"):
        blocks = packer.blocks()
    ways = Routes(PROJECTIONS)
    streams = ways.streams()
    with costs.step("find"):
        for block in blocks:
            ways.sort(unpacked(block), streams)
    with costs.step("anew"):
        for projection, told in zip(PROJECTIONS, streams, strict=True):
            rows(projection, told)


def _translated(recorded: list[Recorded], parts: Parts, costs: Costs) -> None:
    events = [one.event for one in recorded if isinstance(one.event, StripeEvent)]
    with costs.step("decompress"):
        bodies = [event.body for event in events]
    skip = msgspec.json.Decoder(Nothing).decode
    with costs.step("parse"):
        for body in bodies:
            skip(body)
    with costs.step("translate"):
        parts.read(recorded)


def _folded(readings: Sequence[Reading], costs: Costs) -> None:
    for projection, reading in zip(PROJECTIONS, readings, strict=True):
        _of_one(projection, reading, costs)


def _of_one(projection: Projection[Any], reading: Reading, costs: Costs) -> None:
    states: dict[folding.Key, Any] = {}
    with costs.step("fold"):
        folding.apply(projection, reading.facts, states)
    with costs.step("encode"):
        made = rows_of(projection, Codec(projection), states)
    with costs.step("pack"):
        columns(made)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    options = parser.parse_args()
    count = options.events
    best: dict[str, float] = {}
    gc.disable()
    with ledger(databases=1) as (conninfo,):
        say(f"appending {count:,} events")
        asyncio.run(fill(conninfo, count))
        for _ in range(RUNS):
            costs = Costs()
            asyncio.run(run(conninfo, costs))
            for name, seconds in costs.seconds.items():
                best[name] = min(best.get(name, seconds), seconds)
    micros = {name: seconds / count * 1e6 for name, seconds in best.items()}
    floor = sum(micros[name] for name in ("fetch", "event", "decompress", "parse"))
    whole = sum(each for name, each in micros.items() if name not in APART)
    report(
        "costs",
        projections=len(PROJECTIONS),
        events=count,
        **{f"{name}_us": round(each, 1) for name, each in micros.items()},
        floor_us=round(floor, 1),
        floor_per_core_s=round(1e6 / floor),
        sum_us=round(whole, 1),
        sum_per_core_s=round(1e6 / whole),
    )


if __name__ == "__main__":
    main()
