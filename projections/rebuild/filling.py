"""The log read into facts, block by block, where the shelf lacks them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from ledger.errors import LedgerError
from ledger.log import Log, Recorded
from projections.aside import aside
from projections.projector.parts import Parts, routes
from projections.rebuild.blocks import Packer
from projections.rebuild.kinds import KINDS
from projections.rebuild.shelf import Shelf
from projections.translation.translate import translation

_READERS: Final = translation(KINDS)
_ROUTES: Final = routes([_READERS])


class UnreadableError(LedgerError):
    """Our code fails on an event; the runner parks whose it is, and folds the others."""


async def fill(
    log: Log, shelf: Shelf, blocks: int, told: Callable[[int], None] | None = None
) -> None:
    """Put the first *blocks* on the shelf, those that it lacks.

    Args:
        told: Is told of each block how many positions are done.

    Raises:
        UnreadableError: Some of it cannot be translated.
    """
    held = await shelf.held()
    for block in range(blocks):
        if block not in held:
            first = block * shelf.events
            packed = await packed_facts(log, first, first + shelf.events)
            await shelf.put(block, packed)
        if told is not None:
            told((block + 1) * shelf.events)


async def packed_facts(log: Log, after: int, until: int) -> Sequence[bytes]:
    """Return what the positions in (after, until] tell, by bucket."""
    filling = Filling(log)
    await filling.read(after, until)
    return await filling.packed()


class Filling:
    """A block on its way from the log to the shelf."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._packer = Packer()
        self._events = 0

    async def read(self, after: int, until: int) -> None:
        """Read on, from where it was read to, what (after, until] tells.

        Raises:
            UnreadableError: Some of it cannot be translated.
        """
        only = _READERS.selection
        async for page in self._log.read(after=after, until=until, only=only):
            self._events += len(page)
            await aside(len(page), _pack, self._packer, list(page))

    async def packed(self) -> Sequence[bytes]:
        """Return what was read, by bucket."""
        return await aside(self._events, self._packer.blocks)


def _pack(packer: Packer, page: list[Recorded]) -> None:
    parts = Parts(_ROUTES, [()])
    parts.read(page)
    (reading,) = parts.readings
    for failure in reading.failures.values():
        raise UnreadableError(f"position {failure.position}: {failure.error}")
    try:
        packer.take(reading.facts)
    except UnicodeEncodeError as error:
        raise UnreadableError(f"a fact cannot be kept: {error}") from error
