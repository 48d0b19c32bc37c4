"""Generations of a read model: the live one, and the one a rebuild makes beside it.

    subscriptions_g1   live      ← the view read_models.subscriptions
    subscriptions_g2   building

A rebuild reads the log from zero into tables of its own while readers and the live
runner go on. The view, and with it every reader, changes in one commit; one that was
interrupted goes on from its own bookmark.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs
import psycopg
from psycopg import sql

from ledger.errors import NotConfiguredError
from projections.models.declaration import Projection

SCHEMA: Final = "read_models"
KNOWN: Final = """
SELECT generation, version, position, live
  FROM read_models.bookmarks
 WHERE projection = %s
 ORDER BY generation
"""
ALONE: Final = "SELECT pg_advisory_xact_lock(hashtext('read_models.' || %s))"
FOUND: Final = """
INSERT INTO read_models.bookmarks (projection, generation, version, live)
VALUES (%s, %s, %s, %s)
"""
TABLE: Final = sql.SQL("CREATE TABLE {table} (LIKE read_models.objects INCLUDING ALL)")
VIEW: Final = sql.SQL("CREATE OR REPLACE VIEW {view} AS SELECT * FROM {table}")
LOCKED: Final = KNOWN.replace(" ORDER BY generation", "   FOR UPDATE")
LIVE: Final = """
UPDATE read_models.bookmarks
   SET live = %s
 WHERE projection = %s AND generation = %s
"""
TABLES: Final = """
SELECT tablename
  FROM pg_tables
 WHERE schemaname = 'read_models' AND tablename LIKE %s
"""
FORGET: Final = tuple(
    sql.SQL("DELETE FROM {table} WHERE projection = %s AND generation = %s").format(
        table=sql.Identifier(SCHEMA, name)
    )
    for name in ("bookmarks", "parked", "suspects", "untranslated")
)
# A reader takes its locks in an order of its own: we give way long before the server takes
# either of us for a deadlock.
SWAP_WAITS: Final = "SET LOCAL lock_timeout = '200ms'"
DROP_WAITS: Final = "SET LOCAL lock_timeout = '2s'"

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


@attrs.frozen(kw_only=True)
class Generation:
    """One generation and how far it has read."""

    number: int
    version: int
    position: int
    live: bool


def table_name(projection: str, generation: int) -> sql.Composed:
    """Return where the rows of a generation stand."""
    return sql.SQL("{}").format(sql.Identifier(SCHEMA, f"{projection}_g{generation}"))


async def known(connection: Connection, projection: str) -> list[Generation]:
    """Return the generations of *projection*, oldest first."""
    cursor = await connection.execute(KNOWN, (projection,))
    return [_generation(row) for row in await cursor.fetchall()]


async def found(connection: Connection, projection: Projection[Any]) -> Generation:
    """Return the live generation, made now if there is none.

    Raises:
        NotConfiguredError: The rows are of a later version than this program's.
    """
    name = projection.name
    async with connection.transaction():
        await connection.execute(ALONE, (name,))
        for generation in await known(connection, name):
            if generation.live:
                return _not_newer(generation, projection)
        await _make(connection, projection, 1, live=True)
    return Generation(number=1, version=projection.version, position=0, live=True)


async def begin(
    connection: Connection, projection: Projection[Any], *, afresh: bool = False
) -> Generation:
    """Return the generation that a rebuild fills: the one interrupted, or a new one.

    Args:
        afresh: Throw an interrupted one away.
    """
    name = projection.name
    async with connection.transaction():
        await connection.execute(ALONE, (name,))
        generations = await known(connection, name)
        for generation in generations:
            if generation.live:
                continue
            if generation.version == projection.version and not afresh:
                return generation
            await _forget(connection, name, generation.number)
        number = max((each.number for each in generations), default=0) + 1
        await _make(connection, projection, number, live=False)
    return Generation(number=number, version=projection.version, position=0, live=False)


async def swap_all(connection: Connection, numbers: Mapping[str, int]) -> bool:
    """Let readers see the generations of *numbers*, by projection, all in one commit.

    False, and nothing changed, while one of them is behind the live one, or in use.
    """
    try:
        async with connection.transaction() as transaction:
            await connection.execute(SWAP_WAITS)
            for name in sorted(numbers):
                if not await swap(connection, name, numbers[name]):
                    raise psycopg.Rollback(transaction)
            return True
    except psycopg.errors.LockNotAvailable:
        await asyncio.sleep(0)
    return False


async def swap(connection: Connection, projection: str, number: int) -> bool:
    """Let readers see generation *number*; False while it is behind the live one."""
    async with connection.transaction():
        await connection.execute(ALONE, (projection,))
        cursor = await connection.execute(LOCKED, (projection,))
        generations = {row[0]: _generation(row) for row in await cursor.fetchall()}
        mine = generations[number]
        if mine.live:
            return True
        before = [each for each in generations.values() if each.live]
        if any(each.position > mine.position for each in before):
            return False
        for each in before:
            await connection.execute(LIVE, (False, projection, each.number))
            for forget in FORGET:
                await connection.execute(forget, (projection, each.number))
        await connection.execute(LIVE, (True, projection, number))
        await _show(connection, projection, number)
    return True


async def drop_unused(connection: Connection, projection: str) -> Sequence[str]:
    """Drop the tables of generations that are gone; one still read stays for now."""
    cursor = await connection.execute(TABLES, (f"{projection}\\_g%",))
    tables = {row[0] for row in await cursor.fetchall()}
    used = {f"{projection}_g{each.number}" for each in await known(connection, projection)}
    dropped = []
    for table in sorted(tables - used):
        drop = sql.SQL("DROP TABLE {}").format(sql.Identifier(SCHEMA, table))
        try:
            async with connection.transaction():
                await connection.execute(DROP_WAITS)
                await connection.execute(drop)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.UndefinedTable):
            await asyncio.sleep(0)
        else:
            dropped.append(table)
    return dropped


async def _make(
    connection: Connection, projection: Projection[Any], number: int, *, live: bool
) -> None:
    table = table_name(projection.name, number)
    await connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
    await connection.execute(TABLE.format(table=table))
    await connection.execute(FOUND, (projection.name, number, projection.version, live))
    if live:
        await _show(connection, projection.name, number)


async def _show(connection: Connection, projection: str, number: int) -> None:
    view = sql.Identifier(SCHEMA, projection)
    await connection.execute(VIEW.format(view=view, table=table_name(projection, number)))


async def _forget(connection: Connection, projection: str, number: int) -> None:
    for forget in FORGET:
        await connection.execute(forget, (projection, number))
    drop = sql.SQL("DROP TABLE IF EXISTS {}").format(table_name(projection, number))
    await connection.execute(drop)


def _not_newer(generation: Generation, projection: Projection[Any]) -> Generation:
    if generation.version > projection.version:
        raise NotConfiguredError(
            f"the rows of {projection.name} are of version {generation.version}, this "
            f"program's of {projection.version}; run the newer program"
        )
    return generation


def _generation(row: tuple[Any, ...]) -> Generation:
    number, version, position, live = row
    return Generation(number=number, version=version, position=position, live=live)
