"""A passage through the log for several runners side by side: it is read once for all.

    a page → translated for all → … → each runner folds its part, and commits it

They stay at one position but for a batch. While one of them goes carefully all go one
after another, so that an event that ends the process is never taken for one that another
runner had at hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import aclosing, nullcontext
from typing import Protocol, TypeVar

from ledger.events import StripeEvent
from ledger.log import Log, Recorded, Selection
from projections.aside import aside, seldom_collecting
from projections.projector.folding import Reading
from projections.projector.parts import Parts, routes
from projections.projector.rows import Rows
from projections.projector.windows import Page, ahead, pages
from projections.translation.translate import Kind, Translation

R = TypeVar("R")


class Passenger(Protocol):
    """A runner, as far as a passage knows it."""

    @property
    def reads(self) -> Translation:
        """The events that it reads, and into what."""

    @property
    def position(self) -> int:
        """How far it is."""

    @property
    def careful(self) -> bool:
        """Whether it handles one event at a time, since one of them may kill it."""

    @property
    def begun(self) -> bool:
        """Whether it is known that this process handles events for it."""

    @property
    def parked(self) -> frozenset[str]:
        """The accounts that it passes over."""

    @property
    def rows(self) -> Rows:
        """Where it keeps what it makes."""

    def idles(self, reading: Reading, end: int) -> bool:
        """Tell whether nothing of *reading* changes anything but its bookmark."""

    def passed_over(self, end: int) -> None:
        """Learn that its bookmark is at *end*."""

    async def prepare(self) -> None:
        """Look up where it is."""

    async def begin(self) -> None:
        """Make it known that events are about to be handled."""

    async def take(self, batch: Sequence[Recorded], end: int) -> bool:
        """Read *batch*, keep what it makes and stand at *end*."""

    async def keep(self, reading: Reading, end: int) -> bool:
        """Keep what *reading* makes and stand at *end*."""


class Passage:
    """Takes several runners through one log, at least one.

    Args:
        size: Events per commit.
    """

    def __init__(self, log: Log, runners: Sequence[Passenger], size: int) -> None:
        self._log = log
        self._runners = runners
        self._size = size
        selections = [each.reads.selection for each in runners]
        self._only = Selection(
            stripe_types=frozenset().union(*(each.stripe_types for each in selections)),
            topics=frozenset().union(*(each.topics for each in selections)),
        )
        self._routes = routes([each.reads for each in runners])
        self._parts: Parts | None = None
        self._reached = 0

    @property
    def position(self) -> int:
        """Up to where all of them are known to have read."""
        return min(each.position for each in self._runners)

    async def go_on(self, until: int | None) -> bool:
        """Go to the end of the log or *until*; False if others have moved a bookmark."""
        # All at once: after a cut each of them has a connection to find broken.
        await together(runner.prepare() for runner in self._runners)
        head = (await self._log.head()).position
        after, until = self.position, head if until is None else min(head, until)
        source = pages(self._log, self._only, after=after, until=until, size=self._size)
        self._parts = None
        far = until - after > self._size
        async with aclosing(ahead(source)) as coming:
            with seldom_collecting() if far else nullcontext():
                async for page in coming:
                    if not await self._turn(page):
                        return False
        return True

    async def _turn(self, page: Page) -> bool:
        await self._begin(page)
        if any(each.careful for each in self._runners) or not self._abreast:
            return await self._keep() and await self._take(page)
        if self._parts is None:
            self._parts = Parts(self._routes, [each.parked for each in self._runners])
        await aside(len(page.events), self._parts.read, page.events)
        self._reached = page.end
        return not page.last or await self._keep()

    async def _begin(self, page: Page) -> None:
        waiting = [runner for runner in self._runners if not runner.begun]
        if waiting:
            kinds = {_kind(recorded) for recorded in page.events}
            for runner in waiting:
                if not kinds.isdisjoint(runner.reads.rows):
                    await runner.begin()

    @property
    def _abreast(self) -> bool:
        return len({each.position for each in self._runners}) == 1

    async def _keep(self) -> bool:
        """Keep what was read for all, if anything was."""
        if self._parts is None:
            return True
        readings, self._parts = self._parts.readings, None
        each = list(zip(self._runners, readings, strict=True))
        idle = [one for one, part in each if one.idles(part, self._reached)]
        work = [one.keep(part, self._reached) for one, part in each if one not in idle]
        if idle:
            work.append(self._pass_over(idle))
        return all(await together(work))

    async def _pass_over(self, idle: Sequence[Passenger]) -> bool:
        rows, after = [each.rows for each in idle], idle[0].position
        if not await rows[0].pass_over(rows, after, self._reached):
            return False
        for each in idle:
            each.passed_over(self._reached)
        return True

    async def _take(self, page: Page) -> bool:
        parts = [
            (runner, [one for one in page.events if _kind(one) in runner.reads.rows])
            for runner in self._runners
        ]
        if any(runner.careful for runner in self._runners):
            return all([await runner.take(part, page.end) for runner, part in parts])
        return all(await together(runner.take(part, page.end) for runner, part in parts))


async def together(work: Iterable[Coroutine[None, None, R]]) -> list[R]:
    """Return what each answers; all are at their end before an error of one is raised."""
    answers = await asyncio.gather(*work, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]


def _kind(recorded: Recorded) -> Kind:
    event = recorded.event
    return event.stripe_type if isinstance(event, StripeEvent) else type(event)
