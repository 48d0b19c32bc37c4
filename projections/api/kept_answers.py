"""Answers kept for as long as nothing touches them and no date passes.

    pulse ── where the read models are ── what events since then touched
      │
      ├── nothing of this account, and no date passed: the answer that is kept
      └── else: read it, work it out, keep it

What is kept is as true as what is read: every question is preceded by a look that began
after it, and that look by the events which it may show.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

import attrs

from ledger.log import Log
from ledger.problems import unknown_account
from ledger.tokens import Grant
from projections.account import Account
from projections.api.responses import Written
from projections.api.touches import Names, Touches
from projections.pulse import Beat, Pulse
from projections.reading import Found
from projections.views import Source, View

# Rather than read so many events, read the accounts again.
EVENTS_MAX: Final = 5_000
BYTES_MAX: Final = 32 * 1024 * 1024
# About what the objects around a body take, at least.
BESIDE_BYTES: Final = 1_500

A = TypeVar("A")
Q = TypeVar("Q", bound=Hashable)


class LiveSource(Source, Protocol):
    """Where accounts are kept while events come: the read models, or their twin."""

    async def find_deciding(self, account: str) -> Found:
        """Return no more of *account* than decides what it may do."""
        ...

    async def look(self) -> Beat:
        """Return where the log and the read models are, all of one moment."""
        ...


@attrs.frozen(kw_only=True)
class Kept(Generic[A]):
    """An account's answer, and for how long it holds.

    Attributes:
        asked: The name that it was asked for by.
        names: What touches it when events are about it.
        position: Every event up to here is in it.
        account: What of it is asked for beside what is written.
        decided_at: The moment at which it was worked out.
        until: The first moment at which a date may change it.
        answer: What was worked out, as far as it is needed beside what is written.
        written: What is answered.
    """

    asked: str
    names: Names
    position: int
    account: Account
    stale: bool
    decided_at: datetime
    until: datetime
    answer: A
    written: Written
    beside_bytes: int = BESIDE_BYTES

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        names = self.names.hashes
        return len(self.written.json) + names.itemsize * len(names) + self.beside_bytes

    def holds(self, now: datetime) -> bool:
        """Tell whether no date has passed since, nor the clock gone back."""
        return self.decided_at <= now < self.until

    def view(self, beat: Beat, grant: Grant, now: datetime) -> View:
        """Return when and of whom it is, as *beat* has shown that it still holds.

        Raises:
            Problem: It is not for this token (404).
        """
        linked = self.account.linked
        if grant.account not in {None, self.asked, *linked.streams}:
            raise unknown_account()
        return View(
            linked=linked,
            account=self.account,
            now=now,
            position=max(self.position, beat.least),
            stale=self.stale,
            lag_ms=beat.lag_ms(now),
            replica_lag_ms=beat.replica_lag_ms(now),
        )


class Watch:
    """Looks where all is, and notes what events touched since the look before.

    Attributes:
        touches: What is known to be touched.
        pulse: Shares each look among all who wait for one.
    """

    def __init__(self, reader: LiveSource, log: Log) -> None:
        self._reader = reader
        self._log = log
        self._shown = ("", "")
        self.touches = Touches(0)
        self.pulse: Pulse[Beat] = Pulse(self._look)

    async def _look(self) -> Beat:
        beat = await self._reader.look()
        shown = (beat.rows, beat.parked)
        touches = self.touches
        if shown != self._shown or beat.most - touches.position > EVENTS_MAX:
            self._shown = shown
            touches.forget(beat.most)
        elif beat.most > touches.position:
            reached, only = beat.most, touches.selection
            stream = self._log.read(after=touches.position, until=reached, only=only)
            recorded = [one async for batch in stream for one in batch]
            touches.note(recorded, reached)
        return beat


class KeptAnswers(Generic[Q, A]):
    """The answers of one kind to what is asked: of an account, or what else of it.

    Args:
        read: Works one out; None where too little is known of the account.
        bytes_max: How much of them is kept.
    """

    def __init__(
        self,
        watch: Watch,
        read: Callable[[Q, datetime], Awaitable[Kept[A] | None]],
        *,
        bytes_max: int = BYTES_MAX,
    ) -> None:
        self._watch = watch
        self._read = read
        self._bytes_max = bytes_max
        self._kept: OrderedDict[Q, Kept[A]] = OrderedDict()
        self._epoch = watch.touches.epoch
        self.bytes = 0

    async def find(self, asked: Q, now: datetime) -> Kept[A] | None:
        """Return the answer at *now*, as the last look or a later one shows it.

        None where too little is known of it, such as of one that is not there.
        """
        touches = self._watch.touches
        epoch = touches.epoch
        if epoch != self._epoch:
            self._forget(epoch)
        kept = self._kept.get(asked)
        if (
            kept is not None
            and kept.holds(now)
            and touches.untouched(kept.names, kept.position)
        ):
            self._kept.move_to_end(asked)
            return kept
        read = await self._read(asked, now)
        # What was read before something was forgotten may be of other rows.
        if read is not None and epoch == touches.epoch and read.holds(now):
            self._keep(asked, read)
        return read

    def peek(self, asked: Q) -> Kept[A] | None:
        """Return what is kept of *asked*, whether it still holds or not."""
        return self._kept.get(asked)

    def _forget(self, epoch: int) -> None:
        self._kept.clear()
        self._epoch, self.bytes = epoch, 0

    def _keep(self, asked: Q, kept: Kept[A]) -> None:
        before = self._kept.pop(asked, None)
        self.bytes += kept.size - (0 if before is None else before.size)
        self._kept[asked] = kept
        while self.bytes > self._bytes_max:
            _, oldest = self._kept.popitem(last=False)
            self.bytes -= oldest.size
