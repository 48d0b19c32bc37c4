"""The projector: every projection run at once, rebuilt where its version asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from types import MappingProxyType
from typing import Any, Final

import psycopg

from ledger.database import Role, connect
from ledger.errors import UnavailableError
from ledger.log import Log
from ledger.postgres import PostgresLog
from projections.models.declaration import Projection
from projections.models.registry import PROJECTIONS
from projections.projector import generations
from projections.projector.fleet import Fleet
from projections.projector.generations import table_name
from projections.projector.postgres import Connection, PostgresRows
from projections.projector.runner import Runner
from projections.rebuild.blocks import BLOCK_EVENTS
from projections.rebuild.keeping import keep
from projections.rebuild.shelf import opened
from projections.rebuild.whole import Making, Tick, make

ANALYSED_FROM: Final = 1000
RETRY_S: Final = 1.0
WHOLE_FROM_BLOCKS: Final = 4
HEAD: Final = "SELECT position FROM ledger.head"


async def run(
    conninfo: str,
    stop: asyncio.Event,
    projections: Sequence[Projection[Any]] = PROJECTIONS,
) -> None:
    """Keep the read models of *projections* up to date until *stop* is set.

    Those of an older version, or with much to read, are rebuilt first; the others do not
    wait for them.
    """
    outdated = await _outdated(conninfo, projections, stop)
    current = [each for each in projections if each not in outdated]
    async with asyncio.TaskGroup() as group:
        group.create_task(keep(conninfo, stop))
        for each in (current, outdated):
            if each and not stop.is_set():
                group.create_task(_follow(conninfo, each, stop))


async def catch_up(
    conninfo: str, log: Log, projections: Sequence[Projection[Any]] = PROJECTIONS
) -> None:
    """Project what the log holds now, and return."""
    await prepare(conninfo, log, *projections)
    async with _fleet(conninfo, log, projections) as fleet:
        await fleet.catch_up()


async def prepare(
    conninfo: str,
    log: Log,
    *projections: Projection[Any],
    block_events: int = BLOCK_EVENTS,
) -> None:
    """Make first generations, and rebuild those that are to be made as a whole."""
    outdated = await _found(conninfo, projections, block_events * WHOLE_FROM_BLOCKS)
    if outdated:
        await rebuild(conninfo, log, *outdated, block_events=block_events)


async def rebuild(
    conninfo: str,
    log: Log,
    *projections: Projection[Any],
    afresh: bool = False,
    tick: Tick | None = None,
    block_events: int = BLOCK_EVENTS,
) -> None:
    """Make the rows of *projections* anew from the whole log, then let readers see them.

    Readers and the live runners go on meanwhile. Interrupted, it goes on where it was;
    with *afresh* it begins again.

    Args:
        tick: Is told now and then how many events are done, of how many.
        block_events: Events that are read and kept at a time.
    """
    async with (
        _projector(conninfo) as connection,
        opened(conninfo, Role.PROJECTOR, events=block_events) as shelf,
    ):
        begun = {
            each.name: (await generations.begin(connection, each, afresh=afresh)).number
            for each in projections
        }
        head = (await log.head()).position
        making = Making(
            connection=connection,
            projections=projections,
            numbers=begun,
            blocks=head // shelf.events,
            tick=tick,
        )
        await make(log, shelf, making)
        async with _fleet(conninfo, log, projections, begun) as fleet:
            if await fleet.catch_up() >= ANALYSED_FROM:
                for name, number in begun.items():
                    await _analyse(connection, name, number)
            while not await generations.swap_all(connection, begun):
                await fleet.catch_up()
        for name in begun:
            await generations.drop_unused(connection, name)


async def _follow(
    conninfo: str, projections: Sequence[Projection[Any]], stop: asyncio.Event
) -> None:
    # A log of its own: one listener wakes one reader. The second connection fetches the
    # next batch while late accounts are read on the first.
    async with PostgresLog.open(conninfo, role=Role.PROJECTOR, readers=2) as log:
        while not stop.is_set():
            try:
                await prepare(conninfo, log, *projections)
                break
            except UnavailableError:
                await asyncio.sleep(RETRY_S)
        async with _fleet(conninfo, log, projections) as fleet:
            await fleet.run(stop)


async def _outdated(
    conninfo: str, projections: Sequence[Projection[Any]], stop: asyncio.Event
) -> list[Projection[Any]]:
    while not stop.is_set():
        try:
            return await _found(conninfo, projections)
        except UnavailableError:
            await asyncio.sleep(RETRY_S)
    return []


async def _found(
    conninfo: str,
    projections: Sequence[Projection[Any]],
    whole_from: int = BLOCK_EVENTS * WHOLE_FROM_BLOCKS,
) -> list[Projection[Any]]:
    """Make first generations; return the projections whose rows are made as a whole.

    Those are of older versions, or hold nothing yet of a log that is long already.
    """
    async with _projector(conninfo) as connection:
        cursor = await connection.execute(HEAD)
        (head,) = await cursor.fetchone() or (0,)
        outdated = []
        for each in projections:
            generation = await generations.found(connection, each)
            unread = generation.position == 0 and head >= whole_from
            if unread or generation.version < each.version:
                outdated.append(each)
        return outdated


@asynccontextmanager
async def _fleet(
    conninfo: str,
    log: Log,
    projections: Sequence[Projection[Any]],
    numbers: Mapping[str, int] = MappingProxyType({}),
) -> AsyncIterator[Fleet]:
    """Yield runners on the live generations, or on those of *numbers* by name."""
    async with AsyncExitStack() as opened:
        runners = []
        for each in projections:
            rows = PostgresRows(conninfo, each.name, numbers.get(each.name))
            opened.push_async_callback(rows.close)
            runners.append(Runner(each, log, rows))
        yield Fleet(log, runners)


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
