"""The log in pages, a few of which make a batch that is worth a commit.

    page  page  page │ page  page  page │ page
                 batch              batch   batch

What is read of a page can be forgotten before the next one comes, so a batch can be large
and memory small; the next page is fetched while one is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Final, TypeVar

import attrs

from ledger.log import Log, Recorded, Selection

T = TypeVar("T")

# Positions looked through at a time: what is not selected is not fetched.
WINDOW_BATCHES: Final = 2


@attrs.frozen
class Page:
    """Some events of a batch, and the position that they reach.

    Attributes:
        events: In order of position, every selected one since the page before; whoever
            reads them takes them out.
        last: Whether the batch is complete with it.
    """

    events: list[Recorded]
    end: int
    last: bool


async def pages(
    log: Log, only: Selection, *, after: int, until: int, size: int
) -> AsyncGenerator[Page]:
    """Yield the events of *only* in (after, until], in batches of at most *size*."""
    while after < until:
        end = min(until, after + size * WINDOW_BATCHES)
        room = size
        async for fetched in log.read(after=after, until=end, only=only):
            left = list(fetched)
            del fetched  # or its bodies would be held for as long as the next are fetched
            while left:
                events, left = left[:room], left[room:]
                room -= len(events)
                yield Page(events, events[-1].position, last=not room)
                room = room or size
        yield Page([], end, last=True)
        after = end


async def ahead(source: AsyncGenerator[T]) -> AsyncGenerator[T]:
    """Yield what *source* does, and let it fetch one more meanwhile."""
    coming = asyncio.ensure_future(anext(source, None))
    try:
        while (found := await coming) is not None:
            coming = asyncio.ensure_future(anext(source, None))
            yield found
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        await source.aclose()
