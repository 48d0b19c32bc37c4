"""What a log tells up to a position, by portion: kept facts, and the rest read now."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from fractions import Fraction
from typing import Final

import attrs

from ledger.log import Log
from projections.aside import INLINE_MAX, aside
from projections.rebuild.blocks import unpacked
from projections.rebuild.filling import packed_facts
from projections.rebuild.fold import Routes, Streams
from projections.rebuild.portions import Portion, portions
from projections.rebuild.scratch import Scratch
from projections.rebuild.shelf import Shelf

_LONG: Final = INLINE_MAX + 1


@attrs.define(kw_only=True)
class Facts:
    """All that is told up to a position.

    Attributes:
        blocks: How many blocks the shelf holds of it, the first ones.
        scratch: What follows them; None while there is nothing.
        position: Up to where all is told.
    """

    shelf: Shelf
    blocks: int
    scratch: Scratch | None = None
    position: int = attrs.field(
        default=attrs.Factory(lambda self: self.blocks * self.shelf.events, takes_self=True)
    )

    async def reach(
        self, log: Log, until: int, tell: Callable[[int], None] | None = None
    ) -> None:
        """Read on up to *until*, aside from the shelf.

        Raises:
            UnreadableError: Some of it cannot be translated.
        """
        self.scratch = self.scratch or Scratch()
        while self.position < until:
            end = min(until, self.position + self.shelf.events)
            self.scratch.put(await packed_facts(log, self.position, end))
            self.position = end
            if tell is not None:
                tell(end)

    async def of(self, portion: Portion, routes: Routes) -> list[Streams]:
        """Return what the accounts of *portion* are told, sorted by *routes*."""
        streams = routes.streams()
        async for parts in self._parts(portion.buckets):
            await aside(_LONG, _sort, routes, streams, portion, parts)
        return streams

    async def by_portion(
        self, routes: Routes
    ) -> AsyncGenerator[tuple[Fraction, list[Streams]]]:
        """Yield the streams of each portion, with the share of all that is done then."""
        parts = list(portions(self.position))
        for number, portion in enumerate(parts, start=1):
            yield Fraction(number, len(parts)), await self.of(portion, routes)

    def close(self) -> None:
        """Let go of what was read aside from the shelf."""
        if self.scratch is not None:
            self.scratch.close()

    async def _parts(self, buckets: range) -> AsyncIterator[Sequence[bytes]]:
        if self.blocks:
            async for parts in self.shelf.read(buckets, self.blocks):
                yield parts
        if self.scratch is not None:
            yield self.scratch.read(buckets)


async def first_blocks(shelf: Shelf, until: int) -> int:
    """Return how many blocks, from the first on and up to *until*, are on *shelf*."""
    held, blocks = await shelf.held(), 0
    while blocks in held and (blocks + 1) * shelf.events <= until:
        blocks += 1
    return blocks


def _sort(
    routes: Routes, streams: Sequence[Streams], portion: Portion, parts: Sequence[bytes]
) -> None:
    for part in parts:
        routes.sort(portion.of(unpacked(part)), streams)
