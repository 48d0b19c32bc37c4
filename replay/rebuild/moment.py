"""The rows of read models as they stand at one moment, with bookmarks and who is parked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs
import psycopg
from psycopg import sql

from ledger.appender import PackedArray, PackedArrayDumper
from ledger.database import Role, connect
from ledger.errors import UnavailableError
from projections.models.declaration import Projection
from projections.projector.folding import Key
from projections.projector.packing import columns, unpacked
from projections.projector.rows import Row

FETCHED: Final = 2000
ONE_MOMENT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
BOOKMARKS: Final = """
SELECT projection, position
  FROM read_models.bookmarks
 WHERE live AND projection = ANY(%s)
"""
PARKED: Final = """
SELECT projection, account
  FROM read_models.parked
  JOIN read_models.bookmarks USING (projection, generation)
 WHERE live
"""
# The server compares, so that only what differs is fetched.
DIFFERING: Final = sql.SQL("""
SELECT account, object, kept.state IS NOT NULL, kept.state, kept.refers
  FROM unnest(%b::text[], %b::bytea[], %b::bytea[], %b::text[])
       AS wanted (account, object, state, refers)
  LEFT JOIN {view} AS kept USING (account, object)
 WHERE kept.state IS DISTINCT FROM wanted.state
    OR kept.refers IS DISTINCT FROM wanted.refers
""")
ALL: Final = sql.SQL("SELECT account, object, state, refers FROM {view}")
COUNT: Final = sql.SQL("SELECT count(*) FROM {view}")

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


@attrs.frozen(kw_only=True)
class Moment:
    """What readers of that moment see.

    Attributes:
        positions: How far each projection is.
        parked: Of each the accounts that wait for a repaired release.
    """

    connection: Connection
    positions: Sequence[int]
    parked: Mapping[str, frozenset[str]]

    async def differing(
        self, projection: Projection[Any], rows: Mapping[Key, Row]
    ) -> Mapping[Key, Row | None]:
        """Return what stands in the place of those of *rows* that do not stand there."""
        if not rows:
            return {}
        cursor = self.connection.cursor(binary=True)
        await cursor.execute(_on(DIFFERING, projection), columns(rows))
        found = await cursor.fetchall()
        return {
            (account, unpacked(name)): Row(state=state, refers=refers) if kept else None
            for account, name, kept, state, refers in found
        }

    async def count(self, projection: Projection[Any]) -> int:
        """Return how many rows there are."""
        cursor = await self.connection.execute(_on(COUNT, projection))
        found = await cursor.fetchone()
        return 0 if found is None else int(found[0])

    async def rows(self, projection: Projection[Any]) -> AsyncIterator[tuple[Key, Row]]:
        """Yield all rows, some fetched at a time."""
        async with self.connection.cursor("kept", binary=True) as cursor:
            cursor.itersize = FETCHED
            await cursor.execute(_on(ALL, projection))
            async for row in cursor:
                yield _row(row)


@asynccontextmanager
async def moment_of(
    conninfo: str, projections: Sequence[Projection[Any]]
) -> AsyncIterator[Moment]:
    """Yield the moment that is now; it lasts as long as the block."""
    async with await connect(conninfo, Role.READER) as connection:
        connection.adapters.register_dumper(PackedArray, PackedArrayDumper)
        try:
            async with connection.transaction():
                await connection.execute(ONE_MOMENT)
                yield await _now(connection, [each.name for each in projections])
        except psycopg.OperationalError as error:
            raise UnavailableError(f"read models: {error}") from error


async def _now(connection: Connection, names: Sequence[str]) -> Moment:
    cursor = await connection.execute(BOOKMARKS, (list(names),))
    positions: dict[str, int] = dict(await cursor.fetchall())
    parked: defaultdict[str, set[str]] = defaultdict(set)
    for name, account in await (await connection.execute(PARKED)).fetchall():
        parked[name].add(account)
    return Moment(
        connection=connection,
        positions=[positions[name] for name in names],
        parked={name: frozenset(parked[name]) for name in names},
    )


def _on(query: sql.SQL, projection: Projection[Any]) -> sql.Composed:
    return query.format(view=sql.Identifier("read_models", projection.name))


def _row(row: tuple[Any, ...]) -> tuple[Key, Row]:
    account, name, state, refers = row
    return (account, unpacked(name)), Row(state=bytes(state), refers=refers)
