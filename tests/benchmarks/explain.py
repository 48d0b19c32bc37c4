"""What an account's figures and their explanations cost in a long log.

    python tests/benchmarks/explain.py [--events 1000000] [--asked 500]

A typical account of some months and a long one of two years stand among the small events
of many others. All that is asked of them is answered in this process as the read API
does, without HTTP: anew (found in the read models, folded, explained, its events named,
written as JSON) and as it is kept. Beside it the same accounts in a hundredth of the log:
what it costs follows an account's own events, not the log's.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Any

import attrs
import psycopg
from bench import START, ledger, report, say

from ledger.clock import utc_now
from ledger.database import Role
from ledger.encoding import Encodings
from ledger.envelope import stripe_event
from ledger.events import Command, Event, SeatAssigned, SeatReleased
from ledger.mapper import Mapper
from ledger.postgres import PostgresLog
from ledger.tokens import Grant, Scope
from projections import rendering
from projections.api.billings import Beside, billings
from projections.api.explanations import Asked, Told, Why, explanations, told_by
from projections.api.kept_answers import KeptAnswers, Watch
from projections.api.questions import Question
from projections.api.responses import Written, meta
from projections.explain import rendering as explanation_rendering
from projections.explain.figures import explanation
from projections.explain.tree import Figure
from projections.projector.process import catch_up
from projections.reading import Reader
from projections.views import Views
from replay.simulator.occurrences import Occurrence, SeatOccurrence, StripeOccurrence
from replay.simulator.simulation import Simulation

LIMIT_MS = 5.0
SMALLER = 100
OTHERS = 5_000
# Of each account that is asked about, the simulation's seed and months.
LIVES = {"typical": (8, 3), "long": (5, 24)}
# Milliseconds by the clock and of this process, of each time a question was asked.
Took = dict[str, list[tuple[float, float]]]
GRANT = Grant(scopes=frozenset({Scope.READ}))


def own(seed: int, months: int) -> tuple[str, list[Event]]:
    """Return an account that is asked about, and its events."""
    run = Simulation(seed=seed, accounts=1, months=months, start=START)
    events = [event for each in run.occurrences() if (event := _event(each)) is not None]
    (account,) = run.expectations()
    return account, events


def _event(told: Occurrence) -> Event | None:
    if isinstance(told, StripeOccurrence):
        return stripe_event(told.body, ledger_livemode=False)
    if isinstance(told, SeatOccurrence):
        kind = SeatAssigned if told.active else SeatReleased
        return kind(
            account=told.account,
            command=Command(id=f"cmd:own:{told.account}:{told.key}", fingerprint=""),
            user=told.user,
            effective_at=told.effective_at,
        )
    return None


def others(count: int) -> Iterator[Event]:
    """Yield small events of other accounts: seats given and freed."""
    for number in range(count):
        account, turn = number % OTHERS, number // OTHERS
        kind = SeatReleased if turn % 2 else SeatAssigned
        yield kind(
            account=f"cus_other{account}",
            command=Command(id=f"cmd:{number}", fingerprint=""),
            user=f"u_{turn // 2 % 20}",
            effective_at=START,
        )


def mixed(mine: Sequence[Event], count: int) -> Iterator[Event]:
    """Yield *count* events, those of *mine* evenly among the others, in their order."""
    places = set(random.Random(7).sample(range(count), len(mine)))
    waiting, rest = iter(mine), others(count)
    for place in range(count):
        yield next(waiting) if place in places else next(rest)


async def fill(conninfo: str, mine: Sequence[Event], count: int) -> None:
    """Append *count* events and bring the read models up to them."""
    mapper, told = Mapper(Encodings.shipped()), mixed(mine, count)
    async with PostgresLog.open(conninfo, Role.APPENDER, deadline_s=60) as log:
        while batch := [[mapper.entry(event)] for event in islice(told, 1000)]:
            await log.admit(batch)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE ledger.log")
    async with PostgresLog.open(conninfo, Role.PROJECTOR) as log:
        await catch_up(conninfo, log)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("ANALYZE")


@attrs.frozen(kw_only=True)
class Door:
    """What the read API has at hand."""

    views: Views
    watch: Watch
    billings: KeptAnswers[str, Beside]
    explanations: KeptAnswers[Asked, Told]


Asking = Callable[[Door, str], Awaitable[bytes]]


async def billing(door: Door, account: str) -> bytes:
    """Answer as ``/billing`` does while nothing happens to the account."""
    beat = await door.watch.pulse.take()
    now = max(door.views.clock(), beat.head_at or START)
    kept = await door.billings.find(account, now)
    if kept is None:
        raise SystemExit(f"nothing is known of {account}")
    view = attrs.evolve(kept.view(beat, GRANT, now), wrongful=kept.answer.wrongful)
    return kept.written.with_meta(meta(view))


async def billing_anew(door: Door, account: str) -> bytes:
    """Answer as ``/billing`` does right after something happened to the account."""
    beat = await door.watch.pulse.take()
    view = await door.views.view(account, Question(), GRANT, beat)
    told = view.answer()
    view = await door.views.with_wrongful(view, told)
    return Written.of(rendering.billing(told)).with_meta(meta(view))


def explaining(figure: Figure) -> Asking:
    """Return what answers as ``/explain`` of *figure* does while nothing happens."""

    async def explain(door: Door, account: str) -> bytes:
        beat = await door.watch.pulse.take()
        now = max(door.views.clock(), beat.head_at or START)
        kept = await door.explanations.find(Asked(account, Why(figure)), now)
        if kept is None:
            raise SystemExit(f"nothing is known of {account}")
        events = kept.answer.seen_by(GRANT)
        return kept.written.with_meta(
            {**meta(kept.view(beat, GRANT, now)), "events": events}
        )

    return explain


def explaining_anew(figure: Figure) -> Asking:
    """Return what answers as ``/explain`` of *figure* does after something happened."""

    async def explain(door: Door, account: str) -> bytes:
        beat = await door.watch.pulse.take()
        view = await door.views.view(account, Question(), GRANT, beat)
        found = explanation(view.account, view.answer(), figure)
        events = (await told_by(door.views, view, found)).seen_by(GRANT)
        body = Written.of(explanation_rendering.explanation(found))
        return body.with_meta({**meta(view), "events": events})

    return explain


ASKED: dict[str, Asking] = {
    "billing": billing,
    "billing_anew": billing_anew,
    **{f"explain_{figure}": explaining(figure) for figure in Figure},
    **{f"explain_{figure}_anew": explaining_anew(figure) for figure in Figure},
}


async def measure(conninfo: str, account: str, asked: int) -> Took:
    """Return what each question took, *asked* times, all in turns."""
    reader = Reader(conninfo)
    await reader.open()
    took: Took = {name: [] for name in ASKED}
    try:
        async with PostgresLog.open(conninfo) as log:
            views, watch = Views(reader=reader, log=log, clock=utc_now), Watch(reader, log)
            door = Door(
                views=views,
                watch=watch,
                billings=billings(reader, views, watch),
                explanations=explanations(reader, views, watch),
            )
            for turn in range(asked + 20):
                for name, ask in ASKED.items():
                    began, began_cpu = perf_counter(), process_time()
                    await ask(door, account)
                    if turn >= 20:  # the first ones warm up
                        cpu = process_time() - began_cpu
                        took[name].append((1000 * (perf_counter() - began), 1000 * cpu))
    finally:
        await reader.close()
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--asked", type=int, default=500)
    options = parser.parse_args()
    lives = {name: own(*life) for name, life in LIVES.items()}
    mine = [event for _, events in lives.values() for event in events]
    sizes = [options.events, max(2 * len(mine), options.events // SMALLER)]
    told: dict[str, Any] = {}
    with ledger(databases=2) as conninfos:
        for conninfo, count in zip(conninfos, sizes, strict=True):
            began = perf_counter()
            asyncio.run(fill(conninfo, mine, count))
            say(
                f"{count:,} events appended and projected in {perf_counter() - began:.0f} s"
            )
        for name, (account, events) in lives.items():
            large, small = (
                asyncio.run(measure(each, account, options.asked)) for each in conninfos
            )
            told[name] = {"own_events": len(events), **figures(large, small)}
    worst = max(
        each["p99_ms"]
        for one in told.values()
        for each in one.values()
        if isinstance(each, dict)
    )
    report(
        "explain",
        events=options.events,
        small_log_events=sizes[1],
        **told,
        p99_ms=worst,
        limit_ms=LIMIT_MS,
        ratio=round(worst / LIMIT_MS, 2),
        held=worst <= LIMIT_MS,
    )


def figures(large: Took, small: Took) -> dict[str, dict[str, Any]]:
    """Return what each question took, beside the limit."""
    found: dict[str, dict[str, Any]] = {}
    for name in ASKED:
        clock, few = (
            quantiles([ms for ms, _ in one[name]], n=100) for one in (large, small)
        )
        found[name] = {
            "p50_ms": round(clock[49], 2),
            "p99_ms": round(clock[98], 2),
            "cpu_ms": round(median(ms for _, ms in large[name]), 2),
            "p50_ratio_to_small_log": round(clock[49] / few[49], 2),
            "limit_ms": LIMIT_MS,
            "held": clock[98] <= LIMIT_MS,
        }
    return found


if __name__ == "__main__":
    main()
