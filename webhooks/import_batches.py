"""Objects on their way into the log: gathered by the thousand, appended while more come.

    page ─┐
    page ─┼─ batch ─ append ─ progress          the next pages are fetched meanwhile
    page ─┘

What a kill takes with it was not in the progress yet, so that it is read again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from ledger.events import StripeObject
from ledger.log import Log
from webhooks.import_progress import Progress, ProgressFile

OBJECTS: Final = 1000


class Batches:
    """Appends what is taken, one batch at a time, and then says how far it is.

    Args:
        progress: How far reading is; the file follows when that is in the log.
        objects: How many make a batch.

    Attributes:
        appended: Of all that was taken, what was news.
    """

    def __init__(
        self, log: Log, file: ProgressFile, progress: Progress, *, objects: int = OBJECTS
    ) -> None:
        self._log = log
        self._file = file
        self._progress = progress
        self._objects = objects
        self._events: list[StripeObject] = []
        self._under_way: asyncio.Task[None] | None = None
        self.appended = 0

    async def take(self, events: Sequence[StripeObject]) -> None:
        """Take what stood on a page, once the progress tells of it.

        Raises:
            UnavailableError: An earlier batch could not be appended.
        """
        self._events += events
        if len(self._events) >= self._objects:
            await self._begin()

    async def settle(self) -> None:
        """Append what is left, and wait until all is in the log.

        Raises:
            UnavailableError: It could not be appended.
        """
        await self._begin()
        await self._end()

    async def stop(self) -> None:
        """Leave the rest: whoever goes on later reads it again."""
        if self._under_way is not None:
            self._under_way.cancel()
            await asyncio.gather(self._under_way, return_exceptions=True)

    async def _begin(self) -> None:
        await self._end()
        events, self._events = self._events, []
        reached = msgspec.structs.replace(
            self._progress, counts=dict(self._progress.counts)
        )
        self._under_way = asyncio.create_task(self._append(events, reached))

    async def _end(self) -> None:
        task, self._under_way = self._under_way, None
        if task is not None:
            await task

    async def _append(self, events: Sequence[StripeObject], reached: Progress) -> None:
        if events:
            receipts = await self._log.append(events)
            self.appended += sum(not receipt.duplicate for receipt in receipts)
        self._file.keep(reached)
