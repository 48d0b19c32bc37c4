"""The log in batches that are worth a commit, the next one fetched while one is folded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Final

from ledger.log import Log, Recorded, Selection

# Positions looked through at a time: what is not selected is not fetched.
WINDOW_BATCHES: Final = 8

Batch = tuple[Sequence[Recorded], int]
"""Events, and the position that their batch reaches."""


async def batches(
    log: Log, only: Selection, *, after: int, until: int, size: int
) -> AsyncGenerator[Batch]:
    """Yield the events of *only* in (after, until], at most *size* at a time."""
    while after < until:
        end = min(until, after + size * WINDOW_BATCHES)
        waiting: list[Recorded] = []
        async for page in log.read(after=after, until=end, only=only):
            waiting += page
            while len(waiting) > size:
                batch, waiting = waiting[:size], waiting[size:]
                yield batch, batch[-1].position
        yield waiting, end
        after = end


async def ahead(source: AsyncGenerator[Batch]) -> AsyncGenerator[Batch]:
    """Yield what *source* does, and let it fetch one more meanwhile."""
    coming = asyncio.ensure_future(anext(source, None))
    try:
        while (batch := await coming) is not None:
            coming = asyncio.ensure_future(anext(source, None))
            yield batch
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        await source.aclose()
