"""The log in the words of the eventsourcing library: its recorder and its mapper.

All of that library's vocabulary stays in this module. Its contract is synchronous, so a
thread runs the loop on which the log's one appender works. `insert_events` is strict: an
id that is there already refuses the whole call, and nothing is written. What the library
stores of an event has four fields; ours carry the whole row beside them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

import attrs
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    JSONTranscoder,
    ListenNotifySubscription,
    Mapper,
    Notification,
    OperationalError,
    StoredEvent,
)

import ledger.mapper
from ledger.admission import RepeatedIdError, unit
from ledger.encoding import Encodings
from ledger.events import Event
from ledger.log import Head
from ledger.postgres import PostgresLog
from ledger.row import Entry, Row

Answer = TypeVar("Answer")
WAIT_S: Final = 1.0


@attrs.frozen
class DomainEvent:
    """An event of the log under the names that the library reads."""

    originator_id: str
    originator_version: int
    event: Event


@dataclass(frozen=True)
class StoredEntry(StoredEvent):
    """A stored event that brings the log's other columns along."""

    entry: Entry


@dataclass(frozen=True)
class StoredRow(Notification):
    """A notification that brings the log's other columns along."""

    row: Row


class LedgerMapper(Mapper[str]):
    """Keeps bodies as they came, under pinned topics; compression sits here."""

    def __init__(self, encodings: Encodings) -> None:
        super().__init__(JSONTranscoder())
        self._mapper = ledger.mapper.Mapper(encodings)

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEntry:
        """Return what is stored of a `DomainEvent`."""
        if not isinstance(domain_event, DomainEvent):
            raise TypeError(f"{type(domain_event).__name__} is no event of this log")
        entry = self._mapper.entry(domain_event.event)
        return StoredEntry(*entry.key, topic=entry.topic, state=entry.body, entry=entry)

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[str]:
        """Return the `DomainEvent` of a `StoredRow`."""
        if not isinstance(stored_event, StoredRow):
            raise TypeError("only what was read from this log can be mapped")
        return DomainEvent(
            str(stored_event.originator_id),
            stored_event.originator_version,
            self._mapper.recorded(stored_event.row).event,
        )


class LedgerRecorder(ApplicationRecorder):
    """Records stored events in the log, states as they are given.

    Args:
        open_log: Opens the log as an appender; called once, on the recorder's own loop.
    """

    def __init__(
        self, open_log: Callable[[], AbstractAsyncContextManager[PostgresLog]]
    ) -> None:
        self._closed = False
        self._closing = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._opened = open_log()
        self._log = self._run(self._opened.__aenter__())

    def close(self) -> None:
        """Commit what waits, close the log and end the loop; other calls fail then."""
        self._run(self._opened.__aexit__(None, None, None))
        with self._closing:
            self._closed = True
        asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **_kwargs: object
    ) -> Sequence[int] | None:
        """Append all of *stored_events*, or none; return their positions.

        Raises:
            IntegrityError: An id and version is there already, or given twice.
        """
        if not stored_events:
            return []
        try:
            entries = unit([_entry(event) for event in stored_events])
        except RepeatedIdError as error:
            raise IntegrityError(str(error)) from error
        (answer,) = self._run(self._log.admit([entries]))
        taken = next((placed.row for placed in answer if placed.duplicate), None)
        if taken is not None:
            raise IntegrityError(
                f"{taken.originator_id} version {taken.originator_version} "
                f"is at position {taken.position} already"
            )
        return [placed.row.position for placed in answer]

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Return the events under one id, by version."""
        rows = self._run(self._log.find_rows(str(originator_id)))
        chosen = [
            row
            for row in rows
            if (gt is None or row.originator_version > gt)
            and (lte is None or row.originator_version <= lte)
        ]
        if desc:
            chosen.reverse()
        return [_notification(row, originator_id) for row in chosen[:limit]]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Return at most *limit* events from *start* to *stop*, in order of position."""
        after = (start or 0) - (1 if start and inclusive_of_start else 0)
        return self._run(self._select(after, stop, limit, frozenset(topics)))

    def max_notification_id(self) -> int | None:
        """Return the last position, None while the log is empty."""
        head: Head = self._run(self._log.head())
        return head.position or None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> LedgerSubscription:
        """Return an iterator over the events after *gt* that waits for new ones."""
        return LedgerSubscription(recorder=self, gt=gt, topics=topics)

    def wait(self, after: int) -> bool:
        """Wait a moment for an event after *after*; whether there is one."""
        return self._run(self._log.wait(after=after, timeout_s=WAIT_S))

    async def _select(
        self, after: int, stop: int | None, limit: int, topics: frozenset[str]
    ) -> list[Notification]:
        found: list[Notification] = []
        async for rows in self._log.rows(after=after, until=stop):
            found += [
                _notification(row) for row in rows if not topics or row.topic in topics
            ]
            if len(found) >= limit:
                break
        return found[:limit]

    def _run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        with self._closing:
            if self._closed:
                work.close()
                raise OperationalError("the recorder is closed")
            running = asyncio.run_coroutine_threadsafe(work, self._loop)
        return running.result()


class LedgerSubscription(ListenNotifySubscription[LedgerRecorder]):
    """Follows the log; looks for itself where a notification got lost."""

    def __init__(
        self, recorder: LedgerRecorder, gt: int | None, topics: Sequence[str]
    ) -> None:
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._watch = threading.Thread(target=self._follow, daemon=True)
        self._watch.start()

    def __exit__(self, *args: object, **kwargs: object) -> None:
        """Stop, and wait for both threads."""
        super().__exit__(*args, **kwargs)
        self._watch.join()

    def _follow(self) -> None:
        seen = self._recorder.max_notification_id() or 0
        self._has_been_notified.set()  # whatever came before the first look
        while not self._has_been_stopped:
            if self._recorder.wait(seen):
                seen = self._recorder.max_notification_id() or seen
                self._has_been_notified.set()


async def _cancel_others() -> None:
    """End what other threads still wait for: nobody runs the loop any more."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _entry(event: StoredEvent) -> Entry:
    if isinstance(event, StoredEntry):
        return event.entry
    return Entry(
        originator_id=str(event.originator_id),
        originator_version=event.originator_version,
        topic=event.topic,
        body=event.state,
    )


def _notification(row: Row, originator_id: UUID | str | None = None) -> StoredRow:
    return StoredRow(
        originator_id=row.originator_id if originator_id is None else originator_id,
        originator_version=row.originator_version,
        topic=row.topic,
        state=row.body,
        id=row.position,
        row=row,
    )
