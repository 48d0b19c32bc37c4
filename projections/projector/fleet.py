"""Runners that follow the log side by side, for as long as the process lives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from ledger.errors import LedgerError, UnavailableError
from ledger.log import Log
from projections.projector.passage import Passage
from projections.projector.runner import BATCH_EVENTS, Runner

POLL_S: Final = 1.0
# After a wake-up more is on its way: one commit for what a few milliseconds bring.
GATHER_S: Final = 0.005
BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)

_logger = logging.getLogger(__name__)


class Fleet:
    """Runs several projections over one log, at least one.

    Args:
        batch: Events per commit.
    """

    def __init__(
        self, log: Log, runners: Sequence[Runner], *, batch: int = BATCH_EVENTS
    ) -> None:
        self._log = log
        self._runners = runners
        self._passage = Passage(log, runners, batch)

    @property
    def position(self) -> int:
        """Up to where all of them are known to have read."""
        return self._passage.position

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the log until *stop* is set; wait out a database that is away."""
        tries = 0
        while not stop.is_set():
            try:
                await self.catch_up()
                tries = 0
                if await self._log.wait(after=self.position, timeout_s=POLL_S):
                    await asyncio.sleep(GATHER_S)
            except UnavailableError as error:
                self._forget()
                _logger.warning("projection_waits", extra={"reason": str(error)})
                pause = BACKOFF_S[min(tries, len(BACKOFF_S) - 1)]
                tries += 1
                try:
                    await asyncio.wait_for(stop.wait(), pause)
                except TimeoutError:
                    continue

    async def catch_up(self, until: int | None = None) -> int:
        """Project everything there is, or up to *until*; return the bookmark of all."""
        try:
            while not await self._passage.go_on(until):
                self._forget()
        except LedgerError:
            self._forget()
            raise
        return self.position

    def _forget(self) -> None:
        for runner in self._runners:
            runner.forget()
