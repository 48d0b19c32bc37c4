"""Read models made anew as a whole: every object folded once, every row written once.

    log → facts on the shelf → portion of the accounts → rows, copied into empty tables

It serves tables that nobody reads yet, and goes as far as whole blocks do; the runner goes
on from there. What our code fails on is left to the runner altogether: it goes through
one event after another, and parks what fails.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs
import psycopg
from psycopg import sql

from ledger.log import Log
from projections.aside import INLINE_MAX, aside, seldom_collecting
from projections.models.declaration import Projection
from projections.projector.bookmark_sql import COUNT, START
from projections.projector.generations import table_name
from projections.projector.runner import STARTS_MAX, TRANSLATED
from projections.rebuild.blocks import unpacked
from projections.rebuild.copying import copy
from projections.rebuild.filling import UnreadableError, fill
from projections.rebuild.fold import Routes, Streams, UnfoldableError, rows
from projections.rebuild.portions import Portion, portions
from projections.rebuild.shelf import DamagedFactsError, Shelf

ALONE: Final = "SELECT pg_advisory_lock(hashtext('read_models.facts'))"
LET_GO: Final = "SELECT pg_advisory_unlock(hashtext('read_models.facts'))"
EMPTY: Final = sql.SQL("TRUNCATE {table}")
REACHED: Final = """
UPDATE read_models.bookmarks
   SET position = %(until)s, starts = 0
 WHERE projection = %(projection)s AND generation = %(generation)s AND position = 0
"""

AT_NOTHING: Final = """
SELECT 1
  FROM read_models.bookmarks
 WHERE projection = %(projection)s AND generation = %(generation)s
   AND position = 0 AND NOT live
"""
_LONG: Final = INLINE_MAX + 1

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
Tick = Callable[[int, int], None]

_logger = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class Making:
    """The tables that are filled, and how far.

    Attributes:
        numbers: The generation of each projection.
        tick: Is told now and then how much is done, of how much.
    """

    projections: Sequence[Projection[Any]]
    numbers: Mapping[str, int]
    blocks: int
    tick: Tick | None = None


async def make(log: Log, shelf: Shelf, making: Making) -> None:
    """Fill the tables of *making* as far as its blocks go, if that can be done.

    Those that hold anything already are left as they are, and so are all of them where an
    event cannot be read or folded, or where this was tried often in vain.
    """
    if not making.blocks:
        return
    await shelf.connection.execute(ALONE)
    try:
        untouched = await _untouched(shelf.connection, making)
        if untouched:
            await _made(log, shelf, attrs.evolve(making, projections=untouched))
    finally:
        await shelf.connection.execute(LET_GO)


async def _made(log: Log, shelf: Shelf, making: Making) -> None:
    try:
        with seldom_collecting():
            await _filled_and_folded(log, shelf, making)
    except DamagedFactsError as error:
        _logger.warning("kept_facts_are_damaged", extra={"reason": str(error)})
        await shelf.clear()
        await _empty(shelf.connection, making)
        return await _made(log, shelf, making)
    except (UnreadableError, UnfoldableError) as error:
        _logger.warning("rebuild_goes_event_by_event", extra={"reason": str(error)})
        return await _empty(shelf.connection, making)
    await shelf.clear_outdated()
    async with shelf.connection.transaction():
        for each in making.projections:
            await _arrive(shelf.connection, making, each, making.blocks * shelf.events)
    return None


async def _untouched(connection: Connection, making: Making) -> list[Projection[Any]]:
    """Return the projections that stand at nothing, emptied, and count that this begins."""
    found = []
    for each in making.projections:
        place = {"projection": each.name, "generation": making.numbers[each.name]}
        cursor = await connection.execute(AT_NOTHING, place)
        if await cursor.fetchone() is None:
            continue
        await connection.execute(_emptying(making, each))
        cursor = await connection.execute(START, place)
        started = await cursor.fetchone()
        if started is not None and started[0] <= STARTS_MAX:
            found.append(each)
    return found


async def _empty(connection: Connection, making: Making) -> None:
    for each in making.projections:
        await connection.execute(_emptying(making, each))


def _emptying(making: Making, projection: Projection[Any]) -> sql.Composed:
    table = table_name(projection.name, making.numbers[projection.name])
    return EMPTY.format(table=table)


async def _filled_and_folded(log: Log, shelf: Shelf, making: Making) -> None:
    until = making.blocks * shelf.events

    def tell(done: int) -> None:
        if making.tick is not None:
            making.tick(done // 2, until)

    await fill(log, shelf, making.blocks, tell)
    parts = list(portions(until))
    for number, portion in enumerate(parts, start=1):
        await _fold(shelf, making, portion)
        tell(until + until * number // len(parts))


async def _fold(shelf: Shelf, making: Making, portion: Portion) -> None:
    """Fold the accounts of *portion*, and write what comes of them in one commit."""
    routes = Routes(making.projections)
    streams = routes.streams()
    async for packed in shelf.read(portion.buckets, making.blocks):
        await aside(_LONG, _sort, routes, streams, portion, packed)
    async with shelf.connection.transaction():
        for each, told in zip(making.projections, streams, strict=True):
            table = table_name(each.name, making.numbers[each.name])
            made = await aside(len(told), rows, each, told)
            await copy(shelf.connection, table, made)
            told.clear()


def _sort(
    routes: Routes, streams: Sequence[Streams], portion: Portion, packed: Sequence[bytes]
) -> None:
    for part in packed:
        routes.sort(portion.of(unpacked(part)), streams)


async def _arrive(
    connection: Connection, making: Making, projection: Projection[Any], until: int
) -> None:
    place = {"projection": projection.name, "generation": making.numbers[projection.name]}
    await connection.execute(REACHED, {**place, "until": until})
    if projection.counts:
        window = {"after": 0, "until": until, "translated": TRANSLATED}
        await connection.execute(COUNT, {**place, **window})
