"""The simulated company at a moment, in every API version that is asked for.

One run tells the events, in the account's own versions; another run of the same life for
each version asked for tells how its objects look there. All stand at the same moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime
from typing import Any, Final

import attrs
import msgspec

from replay.simulator.api import errors
from replay.simulator.api.shelf import EVENTS_KEPT_S, Rendered, Shelf
from replay.simulator.chances import Chance
from replay.simulator.envelope import Envelope, Request, previous_attributes
from replay.simulator.identities import stripe_account_letters
from replay.simulator.occurrences import Occurrence, StripeOccurrence
from replay.simulator.renewals import months_after
from replay.simulator.shapes import Shape
from replay.simulator.simulation import Simulation

_BREATH_EVERY: Final = 50


@attrs.frozen(kw_only=True)
class Written:
    """A change that a request made, to be made in every version.

    Attributes:
        told: The type of the event about it.
        at: Whole seconds since 1970; what was told by then is changed.
    """

    name: str
    object_id: str
    told: str
    alter: Callable[[Rendered], None]
    at: int

    def change(self, shelf: Shelf) -> tuple[Rendered, Rendered]:
        """Change the object on a shelf; return it as it was, and as it is.

        Raises:
            StripeError: There is no such object, or it refuses.
        """
        kept = shelf.find(self.name, self.object_id)
        if kept is None or kept.deleted:
            raise errors.no_such(self.name, self.object_id, param="id")
        before, after = kept.rendered(), kept.rendered()
        self.alter(after)
        shelf.put(deepcopy(after))
        return before, after


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
        self._written: list[Written] = []
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
            if occurrence.created >= self.now - EVENTS_KEPT_S:
                shelf.keep_event(event)
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

    async def write(
        self, written: Written, event_id: str, request: Request
    ) -> StripeOccurrence | None:
        """Make a change in every version; return the event about it, if it is one.

        Raises:
            StripeError: There is no such object, or it refuses.
        """
        shelf = await self.shelf(self.version)
        before, after = written.change(shelf)
        for run in self._runs.values():
            if run.shelf is not shelf:
                written.change(run.shelf)
            run.written += 1
        self._written.append(written)
        previous = previous_attributes(before, after)
        if not previous:
            return None
        updated = written.told.endswith("updated")
        occurrence = StripeOccurrence(
            event_id=event_id,
            type=written.told,
            created=self.now,
            sent=self.now,
            account=after.get("customer", written.object_id),
            body=Envelope(
                event_id=event_id,
                type=written.told,
                shape=self.version,
                created=self.now,
                subject=after,
                previous=previous if updated else None,
                request=request,
                pending_webhooks=1,
            ).to_bytes(),
        )
        self.events.keep_event(msgspec.json.decode(occurrence.body))
        return occurrence

    async def _hear(self, run: _Run) -> None:
        """Bring a run to this moment, with what requests changed on the way."""
        for written in self._written[run.written :]:
            await self._hear_until(run, written.at)
            written.change(run.shelf)
            run.written += 1
        await self._hear_until(run, self.now)

    async def _hear_until(self, run: _Run, moment: int) -> None:
        for number, occurrence in enumerate(run.until(moment)):
            run.shelf.hear(msgspec.json.decode(occurrence.body))
            if number % _BREATH_EVERY == 0:
                await asyncio.sleep(0)


class _Run:
    """A simulation that is read bit by bit, and what it has told."""

    def __init__(self, simulation: Simulation, *, livemode: bool) -> None:
        self.written = 0
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
