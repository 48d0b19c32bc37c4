"""Read models made anew as a whole: every object folded once, every row written once.

    log → facts on the shelf → portion of the accounts → rows, copied into empty tables

It serves tables that nobody reads yet, and goes as far as whole blocks do; the runner goes
on from there. What our code fails on is left to the runner altogether: it goes through
one event after another, and parks what fails.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

import attrs
import psycopg
from psycopg import sql

from ledger.log import Log
from projections.aside import aside, seldom_collecting
from projections.models.declaration import Projection
from projections.models.registry import PROJECTIONS
from projections.projector.bookmark_sql import COUNT, START
from projections.projector.generations import table_name
from projections.projector.rows import GenerationGoneError
from projections.projector.runner import STARTS_MAX, TRANSLATED
from projections.projector.windows import ahead
from projections.rebuild.copying import copy
from projections.rebuild.filling import UnreadableError, fill
from projections.rebuild.fold import Routes, Streams, UnfoldableError, rows
from projections.rebuild.gathered import Facts
from projections.rebuild.shelf import DamagedFactsError, Shelf

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

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
Tick = Callable[[int, int], None]

_logger = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class Making:
    """The tables that are filled, and how far.

    Attributes:
        connection: Writes them; facts come over another one.
        numbers: The generation of each projection.
        tick: Is told now and then how much is done, of how much.
    """

    connection: Connection
    projections: Sequence[Projection[Any]]
    numbers: Mapping[str, int]
    blocks: int
    tick: Tick | None = None


async def make(log: Log, shelf: Shelf, making: Making) -> None:
    """Fill the tables of *making* as far as its blocks go, if that can be done.

    Those that hold anything already are left as they are, and so are all of them where an
    event cannot be read or folded, where this was tried often in vain, or where facts of
    all kinds would have to be read for a few tables: the runner reads but those it needs.
    """
    if not making.blocks:
        return
    try:
        async with shelf.alone(wait=True):
            untouched = await _untouched(making)
            if untouched and await _pays(shelf, making):
                await _made(log, shelf, attrs.evolve(making, projections=untouched))
    except (psycopg.errors.UndefinedTable, psycopg.errors.UniqueViolation) as error:
        raise GenerationGoneError(f"somebody else is at these tables: {error}") from error


async def _made(log: Log, shelf: Shelf, making: Making) -> None:
    try:
        with seldom_collecting():
            await _filled_and_folded(log, shelf, making)
    except DamagedFactsError as error:
        _logger.warning("kept_facts_are_damaged", extra={"reason": str(error)})
        await shelf.clear()
        await _empty(making)
        return await _made(log, shelf, making)
    except (UnreadableError, UnfoldableError) as error:
        _logger.warning("rebuild_goes_event_by_event", extra={"reason": str(error)})
        return await _empty(making)
    await shelf.clear_outdated()
    async with making.connection.transaction():
        for each in making.projections:
            await _arrive(making, each, making.blocks * shelf.events)
    return None


async def _pays(shelf: Shelf, making: Making) -> bool:
    held = await shelf.held()
    lacking = sum(block not in held for block in range(making.blocks))
    few = len(making.projections) * 2 < len(PROJECTIONS)
    return not (few and lacking * 2 > making.blocks)


async def _untouched(making: Making) -> list[Projection[Any]]:
    """Return the projections that stand at nothing, emptied, and count that this begins."""
    found = []
    for each in making.projections:
        place = {"projection": each.name, "generation": making.numbers[each.name]}
        cursor = await making.connection.execute(AT_NOTHING, place)
        if await cursor.fetchone() is None:
            continue
        await making.connection.execute(_emptying(making, each))
        cursor = await making.connection.execute(START, place)
        started = await cursor.fetchone()
        if started is not None and started[0] <= STARTS_MAX:
            found.append(each)
    return found


async def _empty(making: Making) -> None:
    for each in making.projections:
        await making.connection.execute(_emptying(making, each))


def _emptying(making: Making, projection: Projection[Any]) -> sql.Composed:
    table = table_name(projection.name, making.numbers[projection.name])
    return EMPTY.format(table=table)


async def _filled_and_folded(log: Log, shelf: Shelf, making: Making) -> None:
    until = making.blocks * shelf.events

    def tell(done: int) -> None:
        if making.tick is not None:
            making.tick(done // 2, until)

    await fill(log, shelf, making.blocks, tell)
    facts = Facts(shelf=shelf, blocks=making.blocks)
    async with aclosing(ahead(facts.by_portion(Routes(making.projections)))) as coming:
        async for share, streams in coming:
            await _fold(making, streams)
            tell(until + int(until * share))


async def _fold(making: Making, streams: Sequence[Streams]) -> None:
    """Fold a portion of the accounts, and write what comes of them in one commit."""
    async with making.connection.transaction():
        for each, told in zip(making.projections, streams, strict=True):
            table = table_name(each.name, making.numbers[each.name])
            made = await aside(len(told), rows, each, told)
            await copy(making.connection, table, made)
            told.clear()


async def _arrive(making: Making, projection: Projection[Any], until: int) -> None:
    place = {"projection": projection.name, "generation": making.numbers[projection.name]}
    reached = await making.connection.execute(REACHED, {**place, "until": until})
    if reached.rowcount != 1:
        raise GenerationGoneError(f"somebody else is at the rows of {projection.name}")
    if projection.counts:
        window = {"after": 0, "until": until, "translated": TRANSLATED}
        await making.connection.execute(COUNT, {**place, **window})
