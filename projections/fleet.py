"""Runners that go through the log side by side, so that it is read once for all of them.

    the log → a batch → one runner for each projection, each with a commit of its own

They stay at one position but for a batch; each parks its own accounts. A runner that
goes carefully makes all go one after another, so that an event that ends the process is
never taken for one that another runner had at hand.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import aclosing
from typing import Final, TypeVar

from ledger.errors import LedgerError, UnavailableError
from ledger.events import StripeEvent
from ledger.log import Log, Recorded, Selection
from projections.runner import BATCH_EVENTS, Runner
from projections.windows import ahead, batches

POLL_S: Final = 1.0
# After a wake-up more is on its way: one commit for what a few milliseconds bring.
GATHER_S: Final = 0.005
BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)

R = TypeVar("R")
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
        self._batch = batch
        selections = [each.reads.selection for each in runners]
        self._only = Selection(
            stripe_types=frozenset().union(*(each.stripe_types for each in selections)),
            topics=frozenset().union(*(each.topics for each in selections)),
        )
        self._readers: dict[object, list[int]] = defaultdict(list)
        for number, each in enumerate(runners):
            for kind in (*each.reads.stripe, *each.reads.own):
                self._readers[kind].append(number)

    @property
    def position(self) -> int:
        """Up to where all of them are known to have read."""
        return min(each.position for each in self._runners)

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
            while not await self._go_on(until):
                self._forget()
        except LedgerError:
            self._forget()
            raise
        return self.position

    async def _go_on(self, until: int | None) -> bool:
        # All at once: after a cut each of them has a connection to find broken.
        await _all(runner.prepare() for runner in self._runners)
        head = (await self._log.head()).position
        end_of_all = head if until is None else min(head, until)
        source = batches(
            self._log, self._only, after=self.position, until=end_of_all, size=self._batch
        )
        async with aclosing(ahead(source)) as coming:
            async for batch, end in coming:
                if not await self._take(batch, end):
                    return False
        return True

    async def _take(self, batch: Sequence[Recorded], end: int) -> bool:
        parts = zip(self._runners, self._parts(batch), strict=True)
        if any(runner.careful for runner in self._runners):
            return all([await runner.take(part, end) for runner, part in parts])
        return all(await _all(runner.take(part, end) for runner, part in parts))

    def _parts(self, batch: Sequence[Recorded]) -> list[list[Recorded]]:
        """Return, for each runner, those of *batch* that it reads."""
        parts: list[list[Recorded]] = [[] for _ in self._runners]
        for recorded in batch:
            event = recorded.event
            kind = event.stripe_type if isinstance(event, StripeEvent) else type(event)
            for number in self._readers.get(kind, ()):
                parts[number].append(recorded)
        return parts

    def _forget(self) -> None:
        for runner in self._runners:
            runner.forget()


async def _all(work: Iterable[Coroutine[None, None, R]]) -> list[R]:
    """Return what each answers; all are at their end before an error of one is raised."""
    answers = await asyncio.gather(*work, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]
