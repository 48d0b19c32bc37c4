"""The runner: reads the log on from a bookmark, and keeps what a projection makes of it.

    read a batch → translate → load the states it needs → apply
                 → fold late accounts anew → rows and bookmark in one commit

After three starts without progress it goes carefully: one event at a time, each counted
before it is handled, so that an event that kills the process parks its account as well.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final, ParamSpec, TypeVar

from ledger.errors import LedgerError, UnavailableError
from ledger.log import Log, Recorded
from projections import folding
from projections.declaration import Projection
from projections.folding import Failure, Key, Reading
from projections.kept import Kept
from projections.rows import Codec, Progress, Row, Rows, rows_of
from projections.translate import STRIPE, translation

BATCH_EVENTS: Final = 4096
# Positions looked through at a time: what is not selected is not fetched.
WINDOW_BATCHES: Final = 8
# Small batches are folded where they are; for large ones the event loop stays free.
INLINE_EVENTS: Final = 256
STARTS_MAX: Final = 3
ATTEMPTS_MAX: Final = 3
POLL_S: Final = 1.0
BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
REFOLDED_AT_ONCE: Final = 500
TRANSLATED: Final = sorted(STRIPE)

P = ParamSpec("P")
R = TypeVar("R")
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
        self._window = batch * WINDOW_BATCHES
        self._codec: Codec[Any] = Codec(projection)
        self._translation = translation(projection.handlers)
        self._only = self._translation.selection
        self._kept = Kept(self._codec, rows)
        self._parked: frozenset[str] = frozenset()
        self._position = 0
        self._careful_until = 0
        self._ready = False
        self._counted = False

    @property
    def position(self) -> int:
        """How far this runner knows the projection to be."""
        return self._position

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the log until *stop* is set; wait out a database that is away."""
        tries = 0
        while not stop.is_set():
            try:
                await self.catch_up()
                tries = 0
                await self._log.wait(after=self._position, timeout_s=POLL_S)
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
        """Project everything there is, or up to *until*; return the bookmark."""
        try:
            while not await self._go_on(until):
                # Another runner was faster, or an account was let go on: begin from there.
                self._forget()
        except LedgerError:
            self._forget()
            raise
        return self._position

    async def _go_on(self, until: int | None) -> bool:
        await self._prepare()
        head = (await self._log.head()).position
        end_of_all = head if until is None else min(head, until)
        async with aclosing(self._batches(end_of_all)) as batches:
            async for batch, end in batches:
                if not await self._take(batch, end):
                    return False
        return True

    async def _batches(self, until: int) -> AsyncGenerator[tuple[Sequence[Recorded], int]]:
        """Yield the events that matter, each batch with the position it reaches."""
        after = self._position
        while after < until:
            end = min(until, after + self._window)
            waiting: list[Recorded] = []
            async for page in self._log.read(after=after, until=end, only=self._only):
                waiting += page
                while len(waiting) > self._batch:
                    batch, waiting = waiting[: self._batch], waiting[self._batch :]
                    yield batch, batch[-1].position
            yield waiting, end
            after = end

    async def _prepare(self) -> None:
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
        self._parked = await self._rows.parked()
        self._ready = True

    async def _count_start(self) -> None:
        """Count, once for this process, that it is about to handle something."""
        if self._counted:
            return
        self._counted = True
        starts = await self._rows.started()
        if starts > STARTS_MAX:
            head = (await self._log.head()).position
            self._careful_until = min(head, self._position + self._window)
            _logger.warning(
                "projection_goes_carefully",
                extra={"projection": self._projection.name, "starts": starts},
            )

    def _forget(self) -> None:
        self._ready = False
        self._kept.forget()

    async def _take(self, batch: Sequence[Recorded], end: int) -> bool:
        if batch:
            await self._count_start()
        if self._position >= self._careful_until:
            return await self._project(batch, end)
        for recorded in batch:
            if not await self._take_carefully(recorded):
                return False
        return self._position == end or await self._project((), end)

    async def _take_carefully(self, recorded: Recorded) -> bool:
        """Handle one event that may kill us; its account is parked at the third death."""
        account, position = recorded.event.account or "", recorded.position
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
        reading = await _off_loop(
            batch, folding.read, self._translation, batch, self._parked
        )
        states = await self._states(batch, reading)
        applied = await _off_loop(
            batch, folding.apply, self._projection, reading.facts, states
        )
        failures = {**reading.failures, **applied.failures}
        replaced = await self._fold_anew(applied.late, failures, end)
        changed = {key: states[key] for key in applied.changed if key[0] not in replaced}
        for anew in replaced.values():
            changed.update(anew)
        rows = await _off_loop(batch, rows_of, self._projection, self._codec, changed)
        return await self._commit(
            end, rows, failures=list(failures.values()), replaced=sorted(replaced)
        )

    async def _commit(
        self,
        end: int,
        rows: Mapping[Key, Row],
        *,
        failures: Sequence[Failure],
        replaced: Sequence[str] = (),
    ) -> bool:
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
        self._kept.take(rows, replaced)
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

    async def _states(self, batch: Sequence[Recorded], reading: Reading) -> dict[Key, Any]:
        """Return the states that the facts of *reading* are applied to."""
        needed = folding.keys(self._projection, reading.facts)
        if self._position > 0:
            await self._kept.fetch(needed)
        return await _off_loop(batch, self._kept.decoded, needed)

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


async def _off_loop(
    batch: Sequence[Recorded], work: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    if len(batch) <= INLINE_EVENTS:
        return work(*args, **kwargs)
    return await asyncio.to_thread(work, *args, **kwargs)
