"""Facts kept as the log grows, so that a rebuild finds them: unhurriedly, beside all else.

The projector's runners do not wait for it. What it does between two pauses takes a few
milliseconds, since it may share a process with whoever answers requests.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final

from ledger.database import Role
from ledger.errors import NotConfiguredError, UnavailableError
from ledger.postgres import PostgresLog
from projections.rebuild.blocks import BLOCK_EVENTS
from projections.rebuild.filling import Filling, UnreadableError
from projections.rebuild.shelf import Shelf, opened

STRIDE_EVENTS: Final = 64
PAUSE_S: Final = 0.02
LOOK_S: Final = 5.0

_logger = logging.getLogger(__name__)


async def keep(
    conninfo: str,
    stop: asyncio.Event,
    *,
    events: int = BLOCK_EVENTS,
    look_s: float = LOOK_S,
) -> None:
    """Keep what the log tells in whole blocks of *events*, until *stop* is set."""
    while not stop.is_set():
        try:
            async with (
                PostgresLog.open(conninfo, Role.PROJECTOR, readers=1) as log,
                opened(conninfo, Role.PROJECTOR, events=events) as shelf,
            ):
                await _keep(log, shelf, stop, look_s)
        except UnavailableError:
            await _pause(stop, look_s)
        except (UnreadableError, NotConfiguredError) as error:
            # Whoever rebuilds goes without; a release that can read it begins again.
            _logger.warning("facts_are_not_kept", extra={"reason": str(error)})
            return


async def _keep(log: PostgresLog, shelf: Shelf, stop: asyncio.Event, look_s: float) -> None:
    done = 0
    while not stop.is_set():
        blocks = (await log.head()).position // shelf.events
        if blocks > done and await _all_kept(log, shelf, blocks, stop):
            await shelf.clear_outdated()
            done = blocks
        await _pause(stop, look_s)


async def _all_kept(
    log: PostgresLog, shelf: Shelf, blocks: int, stop: asyncio.Event
) -> bool:
    """Keep the first *blocks*; False if somebody else is at it, or that was stopped."""
    held = await shelf.held()
    for block in range(blocks):
        if block in held:
            continue
        async with shelf.alone() as mine:
            if not mine or not await _kept(log, shelf, block, stop):
                return False
    return True


async def _kept(log: PostgresLog, shelf: Shelf, block: int, stop: asyncio.Event) -> bool:
    """Keep one block, some events at a time; False if that was stopped."""
    filling, first = Filling(log), block * shelf.events
    for after in range(first, first + shelf.events, STRIDE_EVENTS):
        if stop.is_set():
            return False
        until = min(after + STRIDE_EVENTS, first + shelf.events)
        await filling.read(after, until)
        await asyncio.sleep(PAUSE_S)
    await shelf.put(block, await filling.packed())
    return True


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
