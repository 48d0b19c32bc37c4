"""The log as its users see it: append, and read on from a position.

An append answers only for what is committed. Positions are contiguous from 1, and a
reader that has seen position *n* has seen everything before it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from typing import Protocol

import attrs

from ledger.events import TOPICS, Event


@attrs.frozen(kw_only=True)
class Recorded:
    """An event with its place in the log.

    Attributes:
        position: Contiguous from 1 over the whole log.
        recorded_at: When the log took it, by the database's clock; never decreases.
        event: What was appended.
    """

    position: int
    recorded_at: datetime
    event: Event


@attrs.frozen(kw_only=True)
class Receipt:
    """The answer to one event: where it stands in the log.

    Attributes:
        position: Its own position, or that of the event that was there first.
        duplicate: Whether it was there already and nothing was written.
        original: The event that was there first; None unless *duplicate*.
    """

    position: int
    duplicate: bool = False
    original: Recorded | None = None


@attrs.frozen(kw_only=True)
class Head:
    """The end of the log: position 0 and the genesis hash while it is empty.

    Attributes:
        recorded_at: Of the last event; None while the log is empty.
    """

    ledger_id: str
    position: int
    hash: bytes
    recorded_at: datetime | None


@attrs.frozen(kw_only=True)
class Selection:
    """Which events a reader can use; the others need not even be fetched.

    Attributes:
        stripe_types: Of Stripe's events those of these types.
        topics: Of all others those of these topics; one that this release does not know
            is always read, since whoever folds its account must stop there.
    """

    stripe_types: frozenset[str]
    topics: frozenset[str] = frozenset()

    @property
    def left_out(self) -> frozenset[str]:
        """The topics, other than Stripe's events, that are not read."""
        return frozenset(TOPICS) - self.topics - {"stripe_event"}

    def takes(self, topic: str, stripe_type: str | None) -> bool:
        """Tell whether an event is among the selected."""
        if topic == "stripe_event":
            return stripe_type in self.stripe_types
        return topic not in self.left_out


class Log(Protocol):
    """An append-only log; ``ledger.postgres`` keeps it, ``ledger.twin`` is its twin."""

    async def append(self, events: Sequence[Event]) -> Sequence[Receipt]:
        """Append each event unless its id is there; answer for each, in order.

        Raises:
            UnavailableError: The commit did not happen or is not known to have; the
                same call may be made again.
        """
        ...

    async def append_together(self, events: Sequence[Event]) -> Sequence[Receipt]:
        """Append all of *events* or, if any id is there already, none.

        In the second case every receipt is a duplicate of the event at its id; an event
        whose own id is free (a longer batch under a used key) answers with the first one.
        """
        ...

    async def head(self) -> Head:
        """Return the end of the log."""
        ...

    def read(
        self,
        *,
        after: int = 0,
        until: int | None = None,
        accounts: Collection[str] | None = None,
        only: Selection | None = None,
    ) -> AsyncIterator[Sequence[Recorded]]:
        """Read (after, until] in order of position, in batches, with flat memory.

        Args:
            accounts: Only accepted events of these accounts; None is the whole log, with
                quarantined and foreign events.
            only: Only accepted events of this selection, of all accounts or of *accounts*.
        """
        ...

    async def newest(
        self, *, accounts: Collection[str], before: int, limit: int
    ) -> Sequence[Recorded]:
        """Return up to *limit* accepted events of *accounts*, newest first.

        Those at *before* and after it are left out. What it costs grows with *limit*,
        not with the accounts' streams.
        """
        ...

    async def at(self, positions: Collection[int]) -> Sequence[Recorded]:
        """Return the events at *positions*, in order; what it costs grows with them."""
        ...

    async def find(self, event_id: str) -> Sequence[Recorded]:
        """Return the events under one id (``evt_…``, ``cmd:…``), by version; often one."""
        ...

    async def wait(self, *, after: int, timeout_s: float) -> bool:
        """Wait until the head is beyond *after*; False when the time is over first."""
        ...
