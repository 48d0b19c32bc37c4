"""The log's twin in memory: the same rows, order and hashes, kept by no disk.

For tests and rehearsals. One contract suite holds it and the PostgreSQL log together.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from datetime import datetime

from ledger.admission import Key, Placed, Unit, admit, unit
from ledger.clock import utc_now
from ledger.encoding import Encodings
from ledger.events import Event, Verdict
from ledger.log import Head, Receipt, Recorded, Selection
from ledger.mapper import Mapper, receipt
from ledger.regression import ClockWatch
from ledger.row import Row, genesis_hash

PAGE_ROWS = 1000


class MemoryLog:
    """A `ledger.log.Log` in memory.

    Args:
        clock: Gives ``recorded_at``; read once for each append.

    Attributes:
        clock_watch: Notices where that clock went back.
    """

    def __init__(
        self, ledger_id: str = "twin", clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._clock = clock
        self._mapper = Mapper(Encodings.shipped())
        self._head = Head(
            ledger_id=ledger_id,
            position=0,
            hash=genesis_hash(ledger_id),
            recorded_at=None,
        )
        self._rows: list[Row] = []
        self._hashes: list[bytes] = []
        self._by_key: dict[Key, Row] = {}
        self._grown = asyncio.Event()
        self.clock_watch = ClockWatch()

    async def append(self, events: Sequence[Event]) -> Sequence[Receipt]:
        """Append each event unless its id is there; answer for each, in order."""
        answers = self.admit([[self._mapper.entry(event)] for event in events])
        return [receipt(answer[0], self._mapper) for answer in answers]

    async def append_together(self, events: Sequence[Event]) -> Sequence[Receipt]:
        """Append all of *events* or, if any id is there already, none."""
        entries = [self._mapper.entry(event) for event in events]
        answers = self.admit([unit(entries)])
        return [receipt(placed, self._mapper) for placed in answers[0]]

    def admit(self, units: Sequence[Unit]) -> Sequence[Sequence[Placed]]:
        """Append *units*, each whole or not at all; answer for each entry."""
        now = self._clock()
        admission = admit(units, head=self._head, taken=self._by_key, now=now)
        self.clock_watch.note(admission, now)
        self._head = admission.head
        for row, fields in zip(admission.rows, admission.packed, strict=True):
            self._rows.append(row)
            self._hashes.append(fields[-1][4:])
            self._by_key[row.originator_id, row.originator_version] = row
        if admission.rows:
            self._grown.set()
            self._grown = asyncio.Event()
        return admission.answers

    async def head(self) -> Head:
        """Return the end of the log."""
        return self._head

    async def read(
        self,
        *,
        after: int = 0,
        until: int | None = None,
        accounts: Collection[str] | None = None,
        only: Selection | None = None,
    ) -> AsyncIterator[Sequence[Recorded]]:
        """Read (after, until] in order of position, in batches."""
        last = self._head.position if until is None else min(until, self._head.position)
        for start in range(max(after, 0), last, PAGE_ROWS):
            page = [
                self._mapper.recorded(row)
                for row in self._rows[start : min(start + PAGE_ROWS, last)]
                if ((accounts is None and only is None) or row.verdict == Verdict.ACCEPTED)
                and (accounts is None or row.account in accounts)
                and (only is None or only.takes(row.topic, row.stripe_type))
            ]
            if page:
                yield page

    async def newest(
        self, *, accounts: Collection[str], before: int, limit: int
    ) -> Sequence[Recorded]:
        """Return up to *limit* accepted events of *accounts*, newest first."""
        pages = [page async for page in self.read(until=before - 1, accounts=accounts)]
        return [one for page in pages for one in page][: -limit - 1 : -1]

    async def at(self, positions: Collection[int]) -> Sequence[Recorded]:
        """Return the events at *positions*, in order."""
        known = range(1, self._head.position + 1)
        return [
            self._mapper.recorded(self._rows[position - 1])
            for position in sorted(set(positions))
            if position in known
        ]

    async def find(self, event_id: str) -> Sequence[Recorded]:
        """Return the events under one id, by version."""
        rows = [row for row in self._rows if row.originator_id == event_id]
        return [
            self._mapper.recorded(row)
            for row in sorted(rows, key=lambda row: row.originator_version)
        ]

    async def wait(self, *, after: int, timeout_s: float) -> bool:
        """Wait until the head is beyond *after*; False when the time is over first."""
        try:
            async with asyncio.timeout(timeout_s):
                while self._head.position <= after:
                    await self._grown.wait()
        except TimeoutError:
            return False
        return True

    def rows(self) -> Sequence[tuple[Row, bytes]]:
        """Return every row with its hash."""
        return list(zip(self._rows, self._hashes, strict=True))
