"""The simulated company at a moment, in every API version that is asked for.

One run tells the events, in the account's own versions; another run of the same life for
each version asked for tells how its objects look there. All stand at the same moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

import attrs
import msgspec

from replay.simulator.api.shelf import Shelf
from replay.simulator.chances import Chance
from replay.simulator.identities import stripe_account_letters
from replay.simulator.occurrences import Occurrence, StripeOccurrence
from replay.simulator.renewals import months_after
from replay.simulator.shapes import Shape
from replay.simulator.simulation import Simulation

_BREATH_EVERY: Final = 50


class Company:
    """A company's whole life, told up to now.

    Attributes:
        simulation: Whose `shape` is the account's own version; mixed if None.
        account_id: The Stripe account (``acct_…``).
        now: Whole seconds since 1970.
        end: As far as time can go.
    """

    def __init__(
        self,
        simulation: Simulation,
        *,
        now: datetime | None = None,
        livemode: bool = False,
    ) -> None:
        """Take a simulation that nobody reads, to stand at *now*, or else at its end."""
        self.simulation = simulation
        self.livemode = livemode
        start = int(simulation.start.timestamp())
        self.end = months_after(start, simulation.months)
        self.now = self.end if now is None else min(int(now.timestamp()), self.end)
        letters = stripe_account_letters(Chance.named(f"{simulation.seed}/account"))
        self.account_id = f"acct_1Sim02{letters}"
        self._told = _Run(simulation, livemode=livemode)
        self._runs: dict[Shape, _Run] = {}
        if simulation.shape is not None:
            self._runs[simulation.shape] = self._told
        self._lock = asyncio.Lock()

    @property
    def version(self) -> Shape:
        """The version of who asks for none."""
        return self.simulation.shape or Shape.CLOVER

    @property
    def events(self) -> Shelf:
        """The events of the last thirty days."""
        return self._told.shelf

    def tell(self) -> Iterator[StripeOccurrence]:
        """Tell the life up to now, as far as it was not told; yield its Stripe events.

        To be read to its end before it is called again.
        """
        shelf = self._told.shelf
        for occurrence in self._told.until(self.now):
            event: dict[str, Any] = msgspec.json.decode(occurrence.body)
            shelf.hear(event)
            shelf.keep_event(event)
            shelf.expire(occurrence.created)
            yield occurrence
        shelf.expire(self.now)

    async def catch_up(self, reached: Callable[[int], None] | None = None) -> None:
        """Tell the life up to now, while others are answered; tell *reached* how far."""
        for number, occurrence in enumerate(self.tell()):
            if number % _BREATH_EVERY == 0:
                if reached is not None:
                    reached(occurrence.created)
                await asyncio.sleep(0)

    async def shelf(self, shape: Shape) -> Shelf:
        """Return the objects as they stand now, in a version; its first use takes a run."""
        async with self._lock:
            if shape not in self._runs:
                run = attrs.evolve(self.simulation, shape=shape)
                self._runs[shape] = _Run(run, livemode=self.livemode)
            run_of_shape = self._runs[shape]
            if run_of_shape is not self._told:
                await self._hear(run_of_shape)
        return run_of_shape.shelf

    async def _hear(self, run: _Run) -> None:
        for number, occurrence in enumerate(run.until(self.now)):
            run.shelf.hear(msgspec.json.decode(occurrence.body))
            if number % _BREATH_EVERY == 0:
                await asyncio.sleep(0)


class _Run:
    """A simulation that is read bit by bit, and what it has told."""

    def __init__(self, simulation: Simulation, *, livemode: bool) -> None:
        self.shelf = Shelf(hidden=simulation.hidden, livemode=livemode)
        self._occurrences: Iterator[Occurrence] = simulation.occurrences()
        self._next: Occurrence | None = next(self._occurrences, None)

    def until(self, moment: int) -> Iterator[StripeOccurrence]:
        """Yield the Stripe events sent up to *moment*."""
        while self._next is not None and _sent(self._next) <= moment:
            occurrence = self._next
            self._next = next(self._occurrences, None)
            if isinstance(occurrence, StripeOccurrence):
                yield occurrence


def _sent(occurrence: Occurrence) -> int:
    if isinstance(occurrence, StripeOccurrence):
        return occurrence.sent
    return int(occurrence.effective_at.timestamp())
