"""Read models rehearsed: one event after another, in memory, as the projector takes them.

That is how it is done where our code fails on an event: the account is then parked here as
well, and only the others are compared.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import attrs
from psycopg import sql

from ledger.postgres import PostgresLog
from projections.models.declaration import Projection
from projections.projector.fleet import Fleet
from projections.projector.folding import Key
from projections.projector.packing import unpacked
from projections.projector.rows import Row
from projections.projector.runner import Runner
from projections.projector.twin import MemoryRows
from replay.entries import hold_against_chain
from replay.ledgers import Connection, connected
from replay.models import read_models
from replay.rebuild.differences import Compared, Found

STEP: Final = 16384
FETCHED: Final = 2000
KEPT: Final = sql.SQL("SELECT account, object, state, refers FROM {view}")
PARKED: Final = """
SELECT account
  FROM read_models.parked
  JOIN read_models.bookmarks USING (projection, generation)
 WHERE live AND projection = %s
"""


@attrs.frozen(kw_only=True)
class _Rehearsal:
    """A projection on its way through the log once more, in memory."""

    projection: Projection[Any]
    twin: MemoryRows
    runner: Runner


async def rehearsed(
    conninfo: str,
    log: PostgresLog,
    progress: Callable[[int, int], None],
    projections: Sequence[Projection[Any]],
) -> list[Compared]:
    """Compare *projections* with what the runner makes of *log*, each to its bookmark.

    Raises:
        IntegrityFailureError: An event that cannot be folded is not what was written.
    """
    with connected(conninfo) as connection:
        known = {one.name: one for one in read_models(connection, 0)}
    total = min(known[each.name].position for each in projections)
    rehearsals = [_rehearsal(each, log) for each in projections]
    fleet = Fleet(log, [each.runner for each in rehearsals])
    with _unlogged():
        for until in (*range(STEP, total, STEP), total):
            await fleet.catch_up(until)
            progress(until, total)
        return [await _compared(conninfo, each) for each in rehearsals]


@contextmanager
def _unlogged() -> Iterator[None]:
    """Let the report tell who is parked: as a runner logs it, it would be news."""
    logger = logging.getLogger(Runner.__module__)
    logger.addFilter(_is_other)
    try:
        yield
    finally:
        logger.removeFilter(_is_other)


def _is_other(told: logging.LogRecord) -> bool:
    return told.getMessage() != "account_parked"


def _rehearsal(projection: Projection[Any], log: PostgresLog) -> _Rehearsal:
    twin = MemoryRows(projection.version)
    return _Rehearsal(
        projection=projection, twin=twin, runner=Runner(projection, log, twin)
    )


async def _compared(conninfo: str, rehearsal: _Rehearsal) -> Compared:
    """Compare with rows and bookmark of one moment: the projector may be at work."""
    projection, twin = rehearsal.projection, rehearsal.twin
    with connected(conninfo) as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        models = {one.name: one.position for one in read_models(connection, 0)}
        position = models[projection.name]
        await rehearsal.runner.catch_up(position)
        rows = len(twin.rows)
        parked = {row[0] for row in connection.execute(PARKED, (projection.name,))}
        failed = twin.failures.values()
        for position in sorted({each.position for each in failed}):
            hold_against_chain(connection, position)
        found = Found(projection, parked, failed)
        for key, kept in _kept(connection, projection.name):
            found.take(key, twin.rows.pop(key, None), kept)
        for key, wanted in twin.rows.items():
            found.take(key, wanted, None)
    twin.rows.clear()
    return found.compared(rows, position)


def _kept(connection: Connection, name: str) -> Iterator[tuple[Key, Row]]:
    """Yield the rows as they are kept, some at a time."""
    query = KEPT.format(view=sql.Identifier("read_models", name))
    with connection.cursor("kept", binary=True) as cursor:
        cursor.itersize = FETCHED
        cursor.execute(query)
        for account, raw, state, refers in cursor:
            yield (account, unpacked(raw)), Row(state=bytes(state), refers=refers)
