"""The projector: every projection run at once, rebuilt where its version asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg

from ledger.database import Role, connect
from ledger.errors import UnavailableError
from ledger.log import Log
from ledger.postgres import PostgresLog
from projections import generations
from projections.declaration import Projection
from projections.generations import Generation, table_name
from projections.postgres import Connection, PostgresRows
from projections.registry import PROJECTIONS
from projections.runner import Runner

ANALYSED_FROM: Final = 1000
RETRY_S: Final = 1.0


async def run(
    conninfo: str,
    stop: asyncio.Event,
    projections: Sequence[Projection[Any]] = PROJECTIONS,
) -> None:
    """Keep the read models of *projections* up to date until *stop* is set."""
    async with asyncio.TaskGroup() as group:
        for projection in projections:
            group.create_task(_follow(conninfo, projection, stop))


async def catch_up(
    conninfo: str, log: Log, projections: Sequence[Projection[Any]] = PROJECTIONS
) -> None:
    """Project what the log holds now, and return."""
    for projection in projections:
        await prepare(conninfo, log, projection)
        rows = PostgresRows(conninfo, projection.name)
        try:
            await Runner(projection, log, rows).catch_up()
        finally:
            await rows.close()


async def prepare(conninfo: str, log: Log, projection: Projection[Any]) -> Generation:
    """Make the first generation, or rebuild one of an older version."""
    async with _projector(conninfo) as connection:
        live = await generations.found(connection, projection)
    if live.version < projection.version:
        await rebuild(conninfo, log, projection)
    return live


async def rebuild(
    conninfo: str, log: Log, projection: Projection[Any], *, afresh: bool = False
) -> None:
    """Make the rows of *projection* anew from the whole log, then let readers see them.

    Readers and the live runner go on meanwhile. Interrupted, it goes on where it was;
    with *afresh* it begins again.
    """
    async with _projector(conninfo) as connection:
        generation = await generations.begin(connection, projection, afresh=afresh)
        rows = PostgresRows(conninfo, projection.name, generation.number)
        runner = Runner(projection, log, rows)
        try:
            if await runner.catch_up() >= ANALYSED_FROM:
                await _analyse(connection, projection.name, generation.number)
            while not await generations.swap(
                connection, projection.name, generation.number
            ):
                await runner.catch_up()
        finally:
            await rows.close()
        await generations.drop_unused(connection, projection.name)


async def _follow(conninfo: str, projection: Projection[Any], stop: asyncio.Event) -> None:
    # Each has a log of its own: one listener wakes one reader, and what decodes bodies
    # belongs to one thread at a time.
    async with PostgresLog.open(conninfo, role=Role.PROJECTOR, readers=1) as log:
        while not stop.is_set():
            try:
                await prepare(conninfo, log, projection)
                break
            except UnavailableError:
                await asyncio.sleep(RETRY_S)
        rows = PostgresRows(conninfo, projection.name)
        try:
            await Runner(projection, log, rows).run(stop)
        finally:
            await rows.close()


async def _analyse(connection: Connection, projection: str, number: int) -> None:
    analyse = psycopg.sql.SQL("ANALYZE {}").format(table_name(projection, number))
    await connection.execute(analyse)


@asynccontextmanager
async def _projector(conninfo: str) -> AsyncIterator[Connection]:
    connection = await connect(conninfo, Role.PROJECTOR)
    async with connection:
        try:
            yield connection
        except psycopg.OperationalError as error:
            raise UnavailableError(f"read models: {error}") from error
