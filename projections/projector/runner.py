"""The runner: takes a projection on from its bookmark, and keeps what it makes of the log.

    a batch → translate → load the states it needs → apply
            → fold late accounts anew → rows and bookmark in one commit

After three starts without progress it goes carefully: one event at a time, each counted
before it is handled, so that an event that kills the process parks its account as well.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final

from ledger.errors import LedgerError, UnavailableError
from ledger.log import Log, Recorded
from projections.aside import aside
from projections.models.declaration import Projection
from projections.projector import folding
from projections.projector.folding import Failure, Key, Reading
from projections.projector.kept import Kept
from projections.projector.passage import Passage
from projections.projector.rows import Codec, GenerationGoneError, Progress, Rows, rows_of
from projections.projector.windows import WINDOW_BATCHES
from projections.translation.translate import STRIPE, Translation, translation

# The more events, the more often an object that changes is written only once.
BATCH_EVENTS: Final = 16384
STARTS_MAX: Final = 3
ATTEMPTS_MAX: Final = 3
REFOLDED_AT_ONCE: Final = 500
TRANSLATED: Final = sorted(STRIPE)

_logger = logging.getLogger(__name__)


class Runner:
    """Runs one projection over a log.

    Args:
        batch: Events per commit.
    """

    def __init__(
        self,
        projection: Projection[Any],
        log: Log,
        rows: Rows,
        *,
        batch: int = BATCH_EVENTS,
    ) -> None:
        self._projection = projection
        self._log = log
        self._rows = rows
        self._batch = batch
        self._codec: Codec[Any] = Codec(projection)
        self._translation = translation(projection.handlers)
        self._only = self._translation.selection
        self._kept = Kept(self._codec, rows)
        self._parked: frozenset[str] = frozenset()
        self._position = 0
        self._generation = 0
        self._careful_until = 0
        self._ready = False
        self._counted = False
        self._alone = Passage(log, [self], batch)

    @property
    def reads(self) -> Translation:
        """The events that its projection reads, and into what."""
        return self._translation

    @property
    def careful(self) -> bool:
        """Whether it handles one event at a time, since one of them may kill it."""
        return self._position < self._careful_until

    @property
    def position(self) -> int:
        """How far this runner knows the projection to be."""
        return self._position

    @property
    def rows(self) -> Rows:
        """Where it keeps what it makes."""
        return self._rows

    @property
    def begun(self) -> bool:
        """Whether it is counted that this process handles something."""
        return self._counted

    @property
    def parked(self) -> frozenset[str]:
        """The accounts that are passed over."""
        return self._parked

    async def catch_up(self, until: int | None = None) -> int:
        """Project everything there is, or up to *until*; return the bookmark."""
        try:
            while not await self._alone.go_on(until):
                # Another runner was faster, or an account was let go on: begin from there.
                self.forget()
        except LedgerError:
            self.forget()
            raise
        return self._position

    async def prepare(self) -> None:
        """Look up how far the projection is, and who is parked, unless that is known."""
        if self._ready:
            return
        bookmark = await self._rows.bookmark()
        if bookmark.version != self._projection.version:
            raise UnavailableError(
                f"{self._projection.name} is of version {bookmark.version}, this program's "
                f"of {self._projection.version}"
            )
        self._kept.forget()
        self._position = bookmark.position
        self._generation = bookmark.generation
        self._parked = await self._rows.parked()
        self._ready = True

    async def begin(self) -> None:
        """Count, once for this process, that it is about to handle something."""
        if self._counted:
            return
        self._counted = True
        starts = await self._rows.started()
        if starts > STARTS_MAX:
            head = (await self._log.head()).position
            self._careful_until = min(head, self._position + self._batch * WINDOW_BATCHES)
            _logger.warning(
                "projection_goes_carefully",
                extra={"projection": self._projection.name, "starts": starts},
            )

    def forget(self) -> None:
        """Look everything up again before the next batch."""
        self._ready = False
        self._kept.forget()

    async def take(self, batch: Sequence[Recorded], end: int) -> bool:
        """Project *batch* and stand at *end*; False if others have moved the bookmark.

        Args:
            batch: Every event after the bookmark, up to *end*, that the projection
                reads; earlier ones are passed over.
        """
        known = self._position
        if end <= known:
            return True
        if batch and batch[0].position <= known:
            batch = [one for one in batch if one.position > known]
        if batch:
            await self.begin()
        return await self._unless_gone(self._handle(batch, end))

    async def keep(self, reading: Reading, end: int) -> bool:
        """Keep what *reading*, of all events up to *end*, makes; False as `take`."""
        if end <= self._position:
            return True
        return await self._unless_gone(self._fold(reading, end))

    def idles(self, reading: Reading, end: int) -> bool:
        """Tell whether nothing of *reading* changes anything but the bookmark."""
        return not (
            reading.facts
            or reading.failures
            or self._parked
            or self._projection.counts
            or self._rows.restarted
            or end < self._careful_until
        )

    def passed_over(self, end: int) -> None:
        """Learn that the bookmark is at *end*."""
        self._position = end

    async def _unless_gone(self, work: Coroutine[None, None, bool]) -> bool:
        try:
            return await work
        except GenerationGoneError:
            if (await self._rows.bookmark()).generation == self._generation:
                raise
            return False  # a rebuild took the place of these rows

    async def _handle(self, batch: Sequence[Recorded], end: int) -> bool:
        if not self.careful:
            return await self._project(batch, end)
        for recorded in batch:
            if not await self._take_carefully(recorded):
                return False
        return self._position == end or await self._project((), end)

    async def _take_carefully(self, recorded: Recorded) -> bool:
        """Handle one event that may kill us; its account is parked at the third death."""
        account, position = folding.parked_as(recorded.event), recorded.position
        if account not in self._parked:
            attempt = await self._rows.suspected(account, position)
            if attempt > ATTEMPTS_MAX:
                failure = Failure(
                    account=account,
                    position=position,
                    error="ProcessDied",
                    message=f"handling it ended the process {attempt - 1} times",
                )
                return await self._commit(position, {}, failures=[failure])
        return await self._project([recorded], position)

    async def _project(self, batch: Sequence[Recorded], end: int) -> bool:
        reading = await aside(
            len(batch), folding.read, self._translation, batch, self._parked
        )
        return await self._fold(reading, end)

    async def _fold(self, reading: Reading, end: int) -> bool:
        projection, size = self._projection, len(reading.facts)
        streams = await aside(size, folding.streams, projection, reading.facts)
        if self._position > 0:
            await self._kept.fetch(streams.keys())
        states = await aside(len(streams), self._kept.decoded, streams)
        applied = await aside(size, folding.apply_streams, projection, streams, states)
        failures = {**reading.failures, **applied.failures}
        replaced = await self._fold_anew(applied.late, failures, end)
        changed = {key: states[key] for key in applied.changed if key[0] not in replaced}
        for anew in replaced.values():
            changed.update(anew)
        return await self._commit(
            end, changed, failures=list(failures.values()), replaced=sorted(replaced)
        )

    async def _commit(
        self,
        end: int,
        states: Mapping[Key, Any],
        *,
        failures: Sequence[Failure],
        replaced: Sequence[str] = (),
    ) -> bool:
        rows = await aside(len(states), rows_of, self._projection, self._codec, states)
        progress = Progress(
            after=self._position,
            until=end,
            rows=rows,
            replaced=replaced,
            parked=failures,
            passed_over=self._parked,
            translated=TRANSLATED if self._projection.counts else (),
            settled=end >= self._careful_until,
        )
        if not await self._rows.commit(progress):
            return False
        self._position = end
        for failure in failures:
            self._note(failure)
        self._kept.take(states, rows, frozenset(replaced))
        return True

    def _note(self, failure: Failure) -> None:
        self._parked |= {failure.account}
        _logger.error(
            "account_parked",
            extra={
                "projection": self._projection.name,
                "account": failure.account,
                "position": failure.position,
                "error": failure.error,
            },
        )

    async def _fold_anew(
        self, late: Mapping[str, int], failures: dict[str, Failure], last: int
    ) -> dict[str, Mapping[Key, Any]]:
        """Return the states of *late* accounts, each folded from its whole stream."""
        accounts = sorted(late)
        folded: dict[str, Mapping[Key, Any]] = {}
        for start in range(0, len(accounts), REFOLDED_AT_ONCE):
            chunk = accounts[start : start + REFOLDED_AT_ONCE]
            streams: defaultdict[str, list[Recorded]] = defaultdict(list)
            async for batch in self._log.read(until=last, accounts=chunk, only=self._only):
                for recorded in batch:
                    streams[recorded.event.account or ""].append(recorded)
            for account in chunk:
                states, failure = folding.fold_anew(
                    self._projection,
                    self._translation,
                    account,
                    streams[account],
                    late[account],
                )
                if states is not None:
                    folded[account] = states
                if failure is not None:
                    failures[account] = failure
        return folded
