"""A projection's rows in PostgreSQL: one table per generation, one commit per batch."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Self

import psycopg
from psycopg import sql

from ledger.appender import PackedArray, PackedArrayDumper
from ledger.database import Role, connect
from ledger.errors import UnavailableError
from projections.projector.bookmark_sql import (
    ADVANCE,
    BE_IDLE,
    BOOKMARK,
    COUNT,
    PARK,
    PARKED,
    SETTLE,
    START,
    SUSPECT,
)
from projections.projector.folding import Key
from projections.projector.generations import table_name
from projections.projector.packing import byteas, columns, packed, texts, unpacked
from projections.projector.rows import Bookmark, GenerationGoneError, Progress

LOAD: Final = sql.SQL("""
SELECT account, object, state
  FROM unnest(%b::text[], %b::bytea[]) AS wanted (account, object)
  JOIN {table} USING (account, object)
""")
REPLACE: Final = sql.SQL("DELETE FROM {table} WHERE account = ANY(%b::text[])")
UPSERT: Final = sql.SQL("""
INSERT INTO {table} AS kept (account, object, state, refers)
SELECT * FROM unnest(%b::text[], %b::bytea[], %b::bytea[], %b::text[])
ON CONFLICT (account, object)
DO UPDATE SET state = excluded.state, refers = excluded.refers
""")
# Rows and bookmark in one statement: where nothing else changes, a third of the time.
ADVANCE_WITH_ROWS: Final = sql.SQL("""
WITH advanced AS (
    UPDATE read_models.bookmarks
       SET position = %(until)s
     WHERE projection = %(projection)s AND generation = %(generation)s
       AND position = %(after)s
    RETURNING position
), written AS (
    INSERT INTO {table} AS kept (account, object, state, refers)
    SELECT changed.*
      FROM unnest(%(accounts)b::text[], %(objects)b::bytea[],
                  %(states)b::bytea[], %(refers)b::text[]) AS changed
     WHERE EXISTS (SELECT FROM advanced)
    ON CONFLICT (account, object)
    DO UPDATE SET state = excluded.state, refers = excluded.refers
)
SELECT count(*) FROM advanced
""")

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


class PostgresRows:
    """A `projections.rows.Rows` in PostgreSQL.

    Args:
        generation: Which set of rows; None follows whichever is live.
    """

    def __init__(
        self, conninfo: str, projection: str, generation: int | None = None
    ) -> None:
        self._conninfo = conninfo
        self._projection = projection
        self._asked = generation
        self._generation = generation or 0
        self._starts = 0
        self._connection: Connection | None = None
        self._statements: dict[tuple[int, int], bytes] = {}

    async def bookmark(self) -> Bookmark:
        """Return how far the generation in use has been read.

        Raises:
            UnavailableError: There is none yet, or the database is away.
        """
        async with self._use() as connection:
            cursor = await connection.execute(
                BOOKMARK, {"projection": self._projection, "generation": self._asked}
            )
            found = await cursor.fetchone()
        if found is None:
            raise UnavailableError(f"{self._projection} has no rows yet")
        generation, version, position, starts = found
        self._generation, self._starts = generation, starts
        return Bookmark(
            generation=generation, version=version, position=position, starts=starts
        )

    async def started(self) -> int:
        """Count a start of a runner; return how many there were without progress."""
        async with self._use() as connection:
            cursor = await connection.execute(START, self._names())
            found = await cursor.fetchone()
        self._starts = found[0] if found else 0
        return self._starts

    async def suspected(self, account: str, position: int) -> int:
        """Count, before it happens, that an event is handled; return which time it is."""
        async with self._use() as connection:
            cursor = await connection.execute(
                SUSPECT, {**self._names(), "account": account, "position": position}
            )
            found = await cursor.fetchone()
        return found[0] if found else 1

    async def parked(self) -> frozenset[str]:
        """Return the accounts that are parked."""
        async with self._use() as connection:
            cursor = await connection.execute(PARKED, self._names())
            return frozenset(row[0] for row in await cursor.fetchall())

    async def load(self, keys: Collection[Key]) -> Mapping[Key, bytes]:
        """Return the states of those *keys* that have one."""
        wanted = (
            texts([account for account, _ in keys]),
            byteas([packed(name) for _, name in keys]),
        )
        async with self._use() as connection:
            cursor = connection.cursor(binary=True)
            await cursor.execute(self._statement(LOAD), wanted)
            found = await cursor.fetchall()
        return {(account, unpacked(name)): state for account, name, state in found}

    @property
    def place(self) -> tuple[str, int]:
        """The projection, and the generation in use."""
        return self._projection, self._generation

    @property
    def restarted(self) -> bool:
        """Whether starts of a runner are counted, which the next progress forgets."""
        return self._starts > 0

    async def pass_over(self, idle: Sequence[Self], after: int, until: int) -> bool:
        """Move the bookmarks of *idle*, which nothing changes; False if one was moved."""
        names, generations = zip(*(each.place for each in idle), strict=True)
        moved = {
            "projections": list(names),
            "generations": list(generations),
            "after": after,
            "until": until,
        }
        async with self._use() as connection:
            return (await connection.execute(BE_IDLE, moved)).rowcount == len(idle)

    async def commit(self, progress: Progress) -> bool:
        """Keep *progress*; False, and nothing kept, if it began from what is no more."""
        advance = {
            **self._names(),
            "after": progress.after,
            "until": progress.until,
            "settled": progress.settled,
        }
        if progress.is_plain and not self._starts:
            return await self._commit_plainly(progress, advance)
        async with self._use() as connection, connection.transaction() as transaction:
            cursor = connection.cursor()
            await cursor.execute(ADVANCE, advance)
            if cursor.rowcount != 1 or await self._released(cursor, progress):
                raise psycopg.Rollback(transaction)
            await self._write(cursor, progress)
            return True
        return False

    async def _commit_plainly(
        self, progress: Progress, advance: Mapping[str, object]
    ) -> bool:
        async with self._use() as connection:
            if not progress.rows:
                return (await connection.execute(ADVANCE, advance)).rowcount == 1
            names = ("accounts", "objects", "states", "refers")
            changed = dict(zip(names, columns(progress.rows), strict=True))
            cursor = await connection.execute(
                self._statement(ADVANCE_WITH_ROWS), {**advance, **changed}
            )
            found = await cursor.fetchone()
            return found == (1,)

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()

    async def _write(
        self, cursor: psycopg.AsyncCursor[tuple[Any, ...]], progress: Progress
    ) -> None:
        if progress.replaced:
            replace = self._statement(REPLACE)
            await cursor.execute(replace, (list(progress.replaced),))
        if progress.rows:
            upsert = self._statement(UPSERT)
            await cursor.execute(upsert, columns(progress.rows))
        name, generation = self._projection, self._generation
        for failure in progress.parked:
            parked = (failure.account, failure.position, failure.error, failure.message)
            await cursor.execute(PARK, (name, generation, *parked))
        if progress.translated:
            window = {"after": progress.after, "until": progress.until}
            translated = {"translated": list(progress.translated)}
            await cursor.execute(COUNT, {**self._names(), **window, **translated})
        if progress.settled and self._starts:
            await cursor.execute(SETTLE, self._names())
            self._starts = 0

    async def _released(
        self, cursor: psycopg.AsyncCursor[tuple[Any, ...]], progress: Progress
    ) -> bool:
        """Tell whether an account was let go on since this batch passed it over.

        Whoever lets it go on holds the bookmark's row, as we do now.
        """
        if not progress.passed_over:
            return False
        await cursor.execute(PARKED, self._names())
        parked = {row[0] for row in await cursor.fetchall()}
        return not parked.issuperset(progress.passed_over)

    def _names(self) -> dict[str, object]:
        return {"projection": self._projection, "generation": self._generation}

    def _statement(self, statement: sql.SQL) -> bytes:
        """Return *statement* on the table in use, put together once."""
        place = id(statement), self._generation  # statements are constants of this module
        known = self._statements.get(place)
        if known is None:
            table = table_name(self._projection, self._generation)
            known = statement.format(table=table).as_bytes()
            self._statements[place] = known
        return known

    @asynccontextmanager
    async def _use(self) -> AsyncIterator[Connection]:
        if self._connection is None or self._connection.closed:
            # A projection that lost its last commits does them again: no need to wait
            # for the disk.
            self._connection = await connect(
                self._conninfo, Role.PROJECTOR, synchronous_commit="off"
            )
            self._connection.adapters.register_dumper(PackedArray, PackedArrayDumper)
        try:
            yield self._connection
        except psycopg.errors.UndefinedTable as error:
            await self._connection.close()
            raise GenerationGoneError(f"read models: {error}") from error
        except psycopg.OperationalError as error:
            await self._connection.close()
            raise UnavailableError(f"read models: {error}") from error
