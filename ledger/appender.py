"""Group commit: what arrives while one commit is under way is appended in the next.

One appender serves a whole process. A batch takes two round trips: take the lock of the
head and look which ids are there; then write the rows, move the head, notify and commit.

    deliver ─┐
    deliver ─┼─ waiting ─ batch ─ lock, look ─ admit ─ write, commit ─ answer each
    command ─┘
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Sequence
from itertools import chain, islice
from typing import Any, Final

import attrs
import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

from ledger.admission import Admission, Key, Placed, Unit, admit
from ledger.database import Role, connect
from ledger.errors import LedgerError, UnavailableError
from ledger.log import Head
from ledger.regression import ROWS_OF_ONE_COMMIT_MAX, ClockWatch
from ledger.row import COLUMNS, NAMES, NULL, Row

BATCH_EVENTS_MAX: Final = ROWS_OF_ONE_COMMIT_MAX
BATCH_BYTES_MAX: Final = 16 * 1024 * 1024
ENTRY_BYTES: Final = 1000  # about what an entry takes beside its body
WAITING_BYTES_MAX: Final = 128 * 1024 * 1024
CHANNEL: Final = "ledger_head"

LOCK: Final = """
SELECT position, hash, recorded_at, clock_timestamp()
  FROM ledger.head
   FOR UPDATE
"""
LOOK: Final = f"""
SELECT {NAMES}
  FROM unnest(%b::text[], %b::int8[]) AS wanted (id, version)
  JOIN ledger.log
    ON originator_id = wanted.id AND originator_version = wanted.version
"""  # noqa: S608, names of this module
WRITE: Final = f"""
WITH moved AS (
    UPDATE ledger.head
       SET position = %b, hash = %b, recorded_at = %b
 RETURNING pg_notify('{CHANNEL}', position::text)
)
INSERT INTO ledger.log ({NAMES}, hash)
SELECT * FROM unnest({", ".join(f"%b::{column.type}[]" for column in COLUMNS)}, %b::bytea[])
"""  # noqa: S608, names of this module

_OIDS: Final = (*(column.oid for column in COLUMNS), 17)
_ID: Final = 3  # the place of originator_id among the columns


class PackedArray(bytes):
    """An array in PostgreSQL's binary form, ready to be sent."""

    __slots__ = ()


class PackedArrayDumper(Dumper):
    """Sends a `PackedArray` as it is; the statement's cast names its type."""

    format = Format.BINARY

    def dump(self, obj: PackedArray) -> Buffer:
        """Return the bytes."""
        return obj


def packed_array(oid: int, fields: Sequence[bytes]) -> PackedArray:
    """Return an array of *fields*, each packed with its length as in `ledger.row`."""
    header = struct.pack(">iiiii", 1, NULL in fields, oid, len(fields), 1)
    return PackedArray(b"".join((header, *fields)))


@attrs.define(eq=False)
class _Waiting:
    """Units on their way, and whoever waits for them."""

    units: Sequence[Unit]
    answer: asyncio.Future[Sequence[Sequence[Placed]]]
    events: int
    size: int


class Appender:
    """Appends units to the PostgreSQL log, batch by batch, over one connection.

    Args:
        deadline_s: A batch that takes longer fails, and the connection with it: a server
            that does not answer must not hold the next batch.

    Attributes:
        clock: Notices where the database's clock went back.
    """

    def __init__(self, conninfo: str, *, ledger_id: str, deadline_s: float = 3.0) -> None:
        self._conninfo = conninfo
        self._ledger_id = ledger_id
        self._deadline_s = deadline_s
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._wake = asyncio.Event()
        self._overdue: set[asyncio.Task[Any]] = set()
        self._task = asyncio.create_task(self._work(), name="appender")
        self._closing = False
        self.clock = ClockWatch()

    async def append(self, units: Sequence[Unit]) -> Sequence[Sequence[Placed]]:
        """Append *units*, each whole or not at all; answer when they are committed.

        Raises:
            UnavailableError: They are not committed, or that is not known. Whoever asks
                again is told that they are there, if they are.
        """
        if self._closing or self._task.done():
            raise UnavailableError("the appender is closed; ask a process that runs")
        parts = [
            _Waiting(
                part,
                asyncio.get_running_loop().create_future(),
                events=sum(map(len, part)),
                size=sum(len(entry.body) + ENTRY_BYTES for unit in part for entry in unit),
            )
            for part in _parts(units)
        ]
        size = sum(part.size for part in parts)
        if self._waiting and self._waiting_bytes + size > WAITING_BYTES_MAX:
            raise UnavailableError("too much waits for the database; try again later")
        self._waiting += parts
        self._waiting_bytes += size
        self._wake.set()
        if len(parts) == 1:
            return await parts[0].answer
        answers = await asyncio.gather(*(part.answer for part in parts))
        return list(chain.from_iterable(answers))

    async def close(self) -> None:
        """Commit what waits, then end."""
        self._closing = True
        self._wake.set()
        await self._task
        await asyncio.gather(*self._overdue, return_exceptions=True)
        await self._disconnect()

    async def _work(self) -> None:
        batch: list[_Waiting] = []
        try:
            while not self._closing or self._waiting:
                if batch := self._take():
                    await self._serve(batch)
                else:
                    self._wake.clear()
                    await self._wake.wait()
        finally:  # whatever ended it, nobody may wait for an answer that never comes
            ended = UnavailableError("the appender has ended; start the process again")
            _refuse([*batch, *self._waiting], ended)

    async def _serve(self, batch: Sequence[_Waiting]) -> None:
        units = list(chain.from_iterable(waiting.units for waiting in batch))
        commit = asyncio.create_task(self._commit(units))
        await asyncio.wait({commit}, timeout=self._deadline_s)
        if not commit.done():
            self._abandon(commit)
            reason = f"no answer within {self._deadline_s:g} s"
            _refuse(batch, UnavailableError(f"the log could not be written: {reason}"))
            return
        try:
            answers = commit.result()
        except (psycopg.Error, LedgerError) as error:
            # Whether the commit happened may be unknown; the connection surely is.
            await self._disconnect()
            reason = str(error).strip()
            _refuse(batch, UnavailableError(f"the log could not be written: {reason}"))
        else:
            each = iter(answers)
            for waiting in batch:
                answer = list(islice(each, len(waiting.units)))
                if not waiting.answer.done():  # its caller may have gone
                    waiting.answer.set_result(answer)

    def _abandon(self, commit: asyncio.Task[Any]) -> None:
        """Let *commit* end by itself: asking the server to cancel may take long."""
        connection, self._connection = self._connection, None
        commit.cancel()

        async def end() -> None:
            await asyncio.wait({commit})
            if connection is not None:
                await connection.close()

        ending = asyncio.create_task(end(), name="overdue commit")
        self._overdue.add(ending)
        ending.add_done_callback(self._overdue.discard)

    def _take(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        events = size = 0
        while self._waiting:
            following = self._waiting[0]
            events += following.events
            size += following.size
            if batch and (events > BATCH_EVENTS_MAX or size > BATCH_BYTES_MAX):
                break
            batch.append(self._waiting.popleft())
            self._waiting_bytes -= following.size
        return batch

    async def _commit(self, units: Sequence[Unit]) -> Sequence[Sequence[Placed]]:
        connection = await self._connected()
        entries = list(chain.from_iterable(units))
        wanted = (
            packed_array(_OIDS[_ID], [entry.packed[0] for entry in entries]),
            packed_array(_OIDS[_ID + 1], [entry.packed[1] for entry in entries]),
        )
        # The statements up to the pipeline's end are one transaction of their own: a
        # BEGIN and a COMMIT would cost as much as all the rest of the driver's work.
        async with connection.pipeline():
            locked = await connection.execute(LOCK, binary=True, prepare=True)
            looked = await connection.execute(LOOK, wanted, binary=True, prepare=True)
            head, now = self._head(await locked.fetchone())
            rows = [Row._make(row) for row in await looked.fetchall()]
            taken: dict[Key, Row] = {
                (row.originator_id, row.originator_version): row for row in rows
            }
            admission = admit(units, head=head, taken=taken, now=now)
            if admission.rows:
                await connection.execute(WRITE, _written(admission), prepare=True)
        self.clock.note(admission, now)
        return admission.answers

    def _head(self, row: tuple[Any, ...] | None) -> tuple[Head, Any]:
        if row is None:
            raise LedgerError("the log has no head; run bl migrate")
        position, digest, recorded_at, now = row
        head = Head(
            ledger_id=self._ledger_id,
            position=position,
            hash=digest,
            recorded_at=recorded_at,
        )
        return head, now

    async def _connected(self) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = await connect(self._conninfo, Role.APPENDER)
            self._connection.adapters.register_dumper(PackedArray, PackedArrayDumper)
            self._connection.prepared_max = None
        return self._connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def _parts(units: Sequence[Unit]) -> list[list[Unit]]:
    """Return *units* in parts that each fit a batch; no unit is taken apart."""
    parts: list[list[Unit]] = [[]]
    events = 0
    for unit in units:
        if parts[-1] and events + len(unit) > BATCH_EVENTS_MAX:
            parts.append([])
            events = 0
        parts[-1].append(unit)
        events += len(unit)
    return parts


def _written(admission: Admission) -> list[object]:
    """Return the values of `WRITE`: where the head moves, then a column an array."""
    head = admission.head
    columns = zip(*admission.packed, strict=True)
    return [
        head.position,
        head.hash,
        head.recorded_at,
        *(packed_array(oid, fields) for oid, fields in zip(_OIDS, columns, strict=True)),
    ]


def _refuse(batch: Sequence[_Waiting], error: UnavailableError) -> None:
    for waiting in batch:
        if not waiting.answer.done():  # its caller may have gone
            waiting.answer.set_exception(error)
