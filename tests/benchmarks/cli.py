"""The command line: how soon it answers, and how much of a log it takes in a second.

    python tests/benchmarks/cli.py [--accounts 1000] [--months 12]

help and status are the best of five processes, status beside a running server. verify,
replay and export are of whole processes, start and all: seconds on the clock, and per core
by their CPU time. A comparison finds facts kept of what the read models were made of, or
reads every body again. diff --all compares all accounts at two moments eleven months apart.
Each line has the limit of its own and the ratio to it; above 1 is better than the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import perf_counter

import psycopg
from bench import START, ledger, report, say

from ledger.database import Role
from ledger.envelope import stripe_event
from ledger.events import Command, Event, SeatAssigned, SeatReleased
from ledger.postgres import PostgresLog
from projections.projector.process import catch_up
from replay.simulator.occurrences import SeatOccurrence, StripeOccurrence
from replay.simulator.simulation import simulate

BL = [sys.executable, "-P", "-m", "replay.start"]
HELP_S_MAX = 0.25
STATUS_S_MAX = 0.4
VERIFY_PER_CORE_S_MIN = 100_000
REPLAY_PER_S_MIN = 50_000
EXPORT_PER_S_MIN = 50_000
DIFF_S_MAX = 10.0
BEST_OF = 5
FIRST, LAST = "2025-02-01", "2026-01-01"


def lives(accounts: int, months: int) -> Iterator[Event]:
    """Yield what happens to companies, and who got a seat, in order of time."""
    for told in simulate(seed=1, accounts=accounts, months=months, start=START):
        if isinstance(told, StripeOccurrence):
            yield stripe_event(told.body, ledger_livemode=False)
        elif isinstance(told, SeatOccurrence):
            kind = SeatAssigned if told.active else SeatReleased
            yield kind(
                account=told.account,
                command=Command.identify(
                    account=told.account, route="seats", key=told.key, fingerprint="f"
                ),
                user=told.user,
                actor=told.actor,
                effective_at=told.effective_at,
            )


async def prepare(conninfo: str, accounts: int, months: int) -> int:
    """Append the lives, make the read models, and return how many events there are."""
    events, count = lives(accounts, months), 0
    async with PostgresLog.open(conninfo, Role.APPENDER, deadline_s=60) as log:
        while batch := list(islice(events, 1000)):
            await log.append(batch)
            count += len(batch)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE ledger.log")
    async with PostgresLog.open(conninfo, Role.PROJECTOR, readers=2) as log:
        await catch_up(conninfo, log)
    return count


def timed(env: dict[str, str], *arguments: str, codes: tuple[int, ...] = (0,)) -> float:
    """Return the seconds that a command takes, from its start to its end."""
    began = perf_counter()
    done = subprocess.run(
        [*BL, *arguments], env=env, stdout=subprocess.DEVNULL, check=False
    )
    seconds = perf_counter() - began
    assert done.returncode in codes, (arguments, done.returncode)
    return seconds


def core_seconds() -> float:
    """Return the CPU time of all commands that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def started(env: dict[str, str], name: str, limit: float, *arguments: str) -> None:
    """Report the best of some starts."""
    best = min(timed(env, *arguments) for _ in range(BEST_OF))
    report(
        f"cli_{name}", seconds=round(best, 3), limit_s=limit, ratio=round(limit / best, 2)
    )


def walked(
    env: dict[str, str], name: str, events: int, limit: int, *arguments: str
) -> tuple[float, float]:
    """Run a command over the whole log and report events per second."""
    before = core_seconds()
    seconds = timed(env, *arguments, "--progress", "none")
    cores = core_seconds() - before
    rate = events / (cores if name == "verify" else seconds)
    report(
        f"cli_{name}",
        events=events,
        seconds=round(seconds, 2),
        events_per_s=round(events / seconds),
        events_per_core_s=round(events / cores),
        limit_per_s=limit,
        ratio=round(rate / limit, 2),
        peak_mb_so_far=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
    )
    return seconds, cores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--months", type=int, default=12)
    given = parser.parse_args()
    with ledger() as (conninfo,), tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "DATABASE_URL": conninfo, "LEDGER_MODE": "test"}
        env["LEDGER_TOKEN_KEY"] = "0123456789abcdef0123456789abcdef"
        started(env, "help", HELP_S_MAX, "--help")
        say(f"appending the lives of {given.accounts:,} accounts")
        events = asyncio.run(prepare(conninfo, given.accounts, given.months))
        started(env, "status", STATUS_S_MAX, "status")
        walked(env, "verify", events, VERIFY_PER_CORE_S_MIN, "verify", "--log")
        kept = str(Path(folder) / "events.parquet")
        export = ("export", "--format", "parquet", "-o", kept)
        walked(env, "export_parquet", events, EXPORT_PER_S_MIN, *export)
        compare = ("replay", "--compare")
        walked(env, "replay_compare", events, REPLAY_PER_S_MIN, *compare)
        walked(env, "compare_bodies", events, REPLAY_PER_S_MIN, *compare, "--bodies")
        diff = timed(env, "diff", "--all", FIRST, LAST, "--progress", "none", codes=(0, 1))
        report(
            "cli_diff_all",
            accounts=given.accounts,
            events=events,
            seconds=round(diff, 2),
            limit_s=DIFF_S_MAX,
            ratio=round(DIFF_S_MAX / diff, 2),
        )


if __name__ == "__main__":
    main()
