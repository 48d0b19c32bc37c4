"""What a benchmark needs: a ledger, bodies of Stripe's shape, one JSON line to print."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

# Python puts a script's folder first, where a benchmark is named as the package `replay`.
sys.path[:] = [entry for entry in sys.path if entry != str(Path(__file__).parent)]

import psycopg
from psycopg.conninfo import make_conninfo

from ledger.database import Role
from ledger.embedded import EmbeddedServer
from ledger.encoding import Encodings
from ledger.envelope import stripe_event
from ledger.events import StripeEvent
from ledger.mapper import Mapper
from ledger.migrate import migrate
from ledger.postgres import PostgresLog
from replay.simulator.occurrences import StripeOccurrence
from replay.simulator.simulation import simulate

START = datetime(2025, 1, 1, tzinfo=UTC)


@contextmanager
def ledger(*, databases: int = 1) -> Iterator[list[str]]:
    """Yield the conninfos of fresh ledgers on one embedded server, stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="ledger-bench-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedServer(Path(folder) / "data") as server:
            yield [_database(server.conninfo, number) for number in range(databases)]


def _database(conninfo: str, number: int) -> str:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE bench_{number}".encode())
    made = make_conninfo(conninfo, dbname=f"bench_{number}")
    migrate(made)
    return made


def bodies(count: int, *, size: range | None = None, seed: int = 1) -> Iterator[bytes]:
    """Yield *count* different bodies as the simulator writes them, within *size* bytes."""
    accounts = max(20, count // 60)
    yielded = 0
    while yielded < count:
        for occurrence in simulate(seed=seed, accounts=accounts, months=12, start=START):
            if not isinstance(occurrence, StripeOccurrence):
                continue
            if size is None or len(occurrence.body) in size:
                yield occurrence.body
                yielded += 1
                if yielded == count:
                    return
        seed += 1


def events(
    count: int, *, size: range | None = None, seed: int = 1
) -> Iterator[StripeEvent]:
    """Yield *count* different events as the receiver would append them."""
    for body in bodies(count, size=size, seed=seed):
        yield stripe_event(body, ledger_livemode=False)


async def fill(
    conninfo: str, count: int, made: Iterator[StripeEvent] | None = None
) -> None:
    """Append *count* events of companies' lives, in the order in which they happen.

    Args:
        made: Where they are taken from; what follows them is left in it.
    """
    mapper = Mapper(Encodings.shipped())
    async with PostgresLog.open(conninfo, Role.APPENDER, deadline_s=60) as log:
        made = islice(events(count) if made is None else made, count)
        while batch := [[mapper.entry(event)] for event in islice(made, 1000)]:
            await log.admit(batch)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE ledger.log")


def report(name: str, **figures: object) -> None:
    """Print one JSON line; say on stderr what goes on in between with `say`."""
    print(json.dumps({"benchmark": name, **figures}), flush=True)


def say(text: str) -> None:
    """Tell whoever waits what is being done."""
    print(text, file=sys.stderr, flush=True)
