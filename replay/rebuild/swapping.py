"""Read models made anew beside the live ones, with word of how far that is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from ledger.database import Role, connect
from ledger.postgres import PostgresLog
from projections.models.declaration import Projection
from projections.projector import process
from replay.report.progress import Tick

LOOK_S: Final = 0.25
REACHED: Final = """
SELECT coalesce(min(position), 0)
  FROM read_models.bookmarks
 WHERE NOT live AND projection = ANY(%s)
"""


async def swap(conninfo: str, chosen: Sequence[Projection[Any]], tick: Tick) -> None:
    """Fold the log into new tables and put them in place, all in one step.

    Interrupted, it goes on where it was when it is called again.
    """
    async with PostgresLog.open(conninfo, Role.PROJECTOR, readers=2) as log:
        await process.prepare(conninfo, log, *chosen)
        head = (await log.head()).position
        telling = asyncio.create_task(_tell(conninfo, chosen, tick, head))
        try:
            await process.rebuild(conninfo, log, *chosen, tick=tick)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)


async def _tell(
    conninfo: str, chosen: Sequence[Projection[Any]], tick: Tick, head: int
) -> None:
    names = [each.name for each in chosen]
    async with await connect(conninfo, Role.READER) as connection:
        while True:
            await asyncio.sleep(LOOK_S)
            cursor = await connection.execute(REACHED, (names,))
            for (reached,) in await cursor.fetchall():
                if reached:  # before, whoever makes them as a whole tells of it
                    tick(min(reached, head), head)
