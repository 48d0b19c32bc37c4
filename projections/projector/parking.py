"""Parked accounts: on one of their events our code failed, and they wait for a fix.

An account that is let go on is folded again from its whole stream, up to where its
projection stands; if that fails again it stays parked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import attrs
import psycopg
from psycopg import sql

from ledger.database import Role, connect
from ledger.errors import NotFoundError, UnavailableError
from ledger.log import Log, Recorded
from projections.models.declaration import Projection
from projections.projector import folding
from projections.projector.generations import table_name
from projections.projector.packing import packed, unpacked, upserted
from projections.projector.postgres import LOAD, REPLACE, UPSERT, Connection
from projections.projector.rows import Codec, rows_of
from projections.translation.translate import translation

LIST: Final = """
SELECT parked.projection, account, parked.position, error, message, since, attempts
  FROM read_models.parked
  JOIN read_models.bookmarks USING (projection, generation)
 WHERE live
 ORDER BY since, account
"""
HELD: Final = """
SELECT bookmarks.generation, bookmarks.position, parked.position
  FROM read_models.bookmarks
  JOIN read_models.parked USING (projection, generation)
 WHERE projection = %s AND live AND account = %s
   FOR UPDATE
"""
TRIED: Final = """
UPDATE read_models.parked
   SET attempts = attempts + 1, error = %s, message = %s, position = %s
 WHERE projection = %s AND generation = %s AND account = %s
"""
FREED: Final = """
DELETE FROM read_models.parked
 WHERE projection = %s AND generation = %s AND account = %s
"""


@attrs.frozen(kw_only=True)
class Parked:
    """A parked account: nothing from *position* on is in its rows.

    Attributes:
        account: Or an object that is nobody's, as `projections.folding.parked_as` has it.
    """

    projection: str
    account: str
    position: int
    error: str
    message: str
    since: datetime
    attempts: int


async def parked(connection: Connection) -> Sequence[Parked]:
    """Return the parked accounts of all live read models, longest parked first."""
    cursor = await connection.execute(LIST)
    names = [field.name for field in attrs.fields(Parked)]
    return [Parked(**dict(zip(names, row, strict=True))) for row in await cursor.fetchall()]


async def release(
    conninfo: str, log: Log, projection: Projection[Any], account: str
) -> folding.Failure | None:
    """Let *account* go on; return why it stays parked, None when it does not.

    Raises:
        NotFoundError: It is not parked there.
    """
    try:
        async with (
            await connect(conninfo, Role.PROJECTOR) as connection,
            connection.transaction(),
        ):
            return await _release(connection, log, projection, account)
    except psycopg.OperationalError as error:
        raise UnavailableError(f"read models: {error}") from error


async def _release(
    connection: Connection, log: Log, projection: Projection[Any], account: str
) -> folding.Failure | None:
    cursor = await connection.execute(HELD, (projection.name, account))
    held = await cursor.fetchone()
    if held is None:
        raise NotFoundError(f"{account} is not parked in {projection.name}")
    generation, until, position = held
    place = (projection.name, generation, account)
    table = table_name(projection.name, generation)
    states: Mapping[folding.Key, Any] | None
    if folding.is_nobodys(account):
        recorded = await _object(log, account, position, until, projection)
        states, failure = await _gone_on(connection, projection, table, recorded)
    else:
        recorded = await _stream(log, account, until)
        states, failure = folding.fold_anew(
            projection, translation(projection.handlers), account, recorded, position
        )
        if states is not None:
            await connection.execute(REPLACE.format(table=table), ([account],))
    if states is not None:
        rows = rows_of(projection, Codec(projection), states)
        await connection.execute(UPSERT.format(table=table), upserted(rows))
    if failure is not None:
        why = (failure.error, failure.message, failure.position)
        await connection.execute(TRIED, (*why, *place))
        return failure
    await connection.execute(FREED, place)
    return None


async def _gone_on(
    connection: Connection,
    projection: Projection[Any],
    table: sql.Composed,
    recorded: Sequence[Recorded],
) -> tuple[Mapping[folding.Key, Any], folding.Failure | None]:
    """Apply *recorded* to the kept states of its object; return them, and any failure."""
    reading = folding.read(translation(projection.handlers), recorded)
    needed = sorted(folding.keys(projection, reading.facts))
    wanted = [account for account, _ in needed], [packed(name) for _, name in needed]
    cursor = connection.cursor(binary=True)
    await cursor.execute(LOAD.format(table=table), wanted)
    decode = Codec(projection).decode
    states = {(row[0], unpacked(row[1])): decode(row[2]) async for row in cursor}
    applied = folding.apply(projection, reading.facts, states)
    failures = {**reading.failures, **applied.failures}
    return states, next(iter(failures.values()), None)


async def _object(
    log: Log, name: str, position: int, until: int, projection: Projection[Any]
) -> list[Recorded]:
    """Return the events of an object that is nobody's, from *position* on.

    No index leads to them, but they are few, and let go on seldom.
    """
    only = translation(projection.handlers).selection
    return [
        recorded
        async for batch in log.read(after=position - 1, until=until, only=only)
        for recorded in batch
        if folding.parked_as(recorded.event) == name
    ]


async def _stream(log: Log, account: str, until: int) -> list[Recorded]:
    return [
        recorded
        async for batch in log.read(until=until, accounts=[account])
        for recorded in batch
    ]
