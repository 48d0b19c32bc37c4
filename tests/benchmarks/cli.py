"""The command line: how soon it answers, and how much of a log it takes in a second.

    python tests/benchmarks/cli.py [--accounts 1000] [--months 12]

All of it beside a running server. help and status are the best of five processes. verify,
replay and export are of whole processes, start and all: seconds on the clock, and per core
by their CPU time; a comparison finds facts kept of what the read models were made of, or
reads every body again. diff --all compares all accounts at two moments eleven months apart.
What goes through a whole log does so twice, first through one of a quarter of the accounts:
flat in memory is what has the same peak in both. Each line has the limit of its own and the
ratio to it; above 1 is better than the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from time import perf_counter

import attrs
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


@attrs.frozen
class Ledger:
    """One to ask: its settings, and how many events it holds."""

    env: dict[str, str]
    events: int


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


def prepared(conninfo: str, accounts: int, months: int) -> int:
    """Do `prepare` in a process of its own: what a large one starts counts as large."""
    given = json.dumps([conninfo, accounts, months])
    done = subprocess.run(
        [sys.executable, __file__, "--prepare", given], stdout=subprocess.PIPE, check=True
    )
    return int(done.stdout)


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


@attrs.frozen
class Cost:
    """What a command took: seconds on the clock, seconds of cores, megabytes at most."""

    seconds: float
    cores: float
    peak_mb: int


def cost(env: dict[str, str], *arguments: str, codes: tuple[int, ...] = (0,)) -> Cost:
    """Return what a command takes, from its start to its end, with what it starts."""
    began = perf_counter()
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([*BL, *arguments], env=env, stdout=quiet, stderr=quiet)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in codes, (arguments, process.returncode)
    return Cost(
        perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024
    )


@contextmanager
def serving(env: dict[str, str]) -> Iterator[None]:
    """Let a server run on the ledger, with an empty port of its own."""
    own = env | {"LEDGER_PORT": "0", "STRIPE_WEBHOOK_SECRETS": "whsec_" + "0" * 32}
    with subprocess.Popen([*BL, "serve"], env=own, stderr=subprocess.PIPE) as process:
        said = process.stderr
        assert said is not None
        while b"metrics" not in (line := said.readline()):
            assert line, "the server ended"
        try:
            yield
        finally:
            process.terminate()


def started(env: dict[str, str], name: str, limit: float, *arguments: str) -> None:
    """Report the best of some starts."""
    best = min((cost(env, *arguments) for _ in range(BEST_OF)), key=lambda one: one.seconds)
    report(
        f"cli_{name}",
        seconds=round(best.seconds, 3),
        core_seconds=round(best.cores, 3),
        limit_s=limit,
        ratio=round(limit / best.seconds, 2),
    )


def walked(
    ledgers: Sequence[Ledger], name: str, limit: int, *arguments: str, per_core: bool
) -> None:
    """Run a command over the whole of each log; report events per second, and memory."""
    few, many = (cost(each.env, *arguments, "--progress", "none") for each in ledgers)
    events = ledgers[-1].events
    rate = events / (many.cores if per_core else many.seconds)
    report(
        f"cli_{name}",
        events=events,
        seconds=round(many.seconds, 2),
        events_per_s=round(events / many.seconds),
        events_per_core_s=round(events / many.cores),
        limit_per_s=limit,
        ratio=round(rate / limit, 2),
        peak_mb=many.peak_mb,
        peak_mb_of_a_quarter=few.peak_mb,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--prepare", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.prepare:
        sys.stdout.write(str(asyncio.run(prepare(*json.loads(given.prepare)))))
        return
    with ledger(databases=2) as conninfos, tempfile.TemporaryDirectory() as folder:
        ledgers = []
        for conninfo, accounts in zip(
            conninfos, (given.accounts // 4, given.accounts), strict=True
        ):
            say(f"appending the lives of {accounts:,} accounts")
            env = {**os.environ, "DATABASE_URL": conninfo, "LEDGER_MODE": "test"}
            env["LEDGER_TOKEN_KEY"] = "0123456789abcdef0123456789abcdef"
            ledgers.append(Ledger(env, prepared(conninfo, accounts, given.months)))
        with serving(ledgers[-1].env):
            started(ledgers[-1].env, "help", HELP_S_MAX, "--help")
            started(ledgers[-1].env, "status", STATUS_S_MAX, "status")
            measured(ledgers, Path(folder), given.accounts)


def measured(ledgers: Sequence[Ledger], folder: Path, accounts: int) -> None:
    """Report what goes through the whole of a log."""
    walked(ledgers, "verify", VERIFY_PER_CORE_S_MIN, "verify", "--log", per_core=True)
    export = ("export", "--format", "parquet", "-o", str(folder / "events.parquet"))
    walked(ledgers, "export_parquet", EXPORT_PER_S_MIN, *export, per_core=False)
    compare = ("replay", "--compare")
    walked(ledgers, "replay_compare", REPLAY_PER_S_MIN, *compare, per_core=False)
    bodies = (*compare, "--bodies")
    walked(ledgers, "compare_bodies", REPLAY_PER_S_MIN, *bodies, per_core=False)
    asked = ("diff", "--all", FIRST, LAST, "--progress", "none")
    few, many = (cost(each.env, *asked, codes=(0, 1)) for each in ledgers)
    report(
        "cli_diff_all",
        accounts=accounts,
        events=ledgers[-1].events,
        seconds=round(many.seconds, 2),
        core_seconds=round(many.cores, 2),
        limit_s=DIFF_S_MAX,
        ratio=round(DIFF_S_MAX / many.seconds, 2),
        peak_mb=many.peak_mb,
        peak_mb_of_a_quarter=few.peak_mb,
    )


if __name__ == "__main__":
    main()
