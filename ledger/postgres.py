"""The log in PostgreSQL: read in pages by position, appended to by one appender.

Pages are separate statements on purpose: one long transaction would keep every version
of the head's row alive and slow the appends down.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from ledger.admission import Placed, Unit, unit
from ledger.appender import CHANNEL, Appender
from ledger.database import Role, connect, pool
from ledger.encoding import Encodings
from ledger.errors import NotConfiguredError, UnavailableError
from ledger.events import Event
from ledger.hanging_up import answering_within, asked_again
from ledger.log import Head, Receipt, Recorded, Selection
from ledger.mapper import Mapper, receipt
from ledger.pages import AT, FIND, LAST, NEWEST, PAGE_ROWS, page_query
from ledger.regression import ClockWatch
from ledger.row import Entry, Row

POLL_S: Final = 1.0
# From so many on, events are packed beside the loop.
MANY: Final = 64
# A page of the largest bodies takes a while; nobody waits for an answer longer than this.
READ_S: Final[Mapping[Role, float]] = {
    Role.READER: 15.0,
    Role.APPENDER: 15.0,
    Role.PROJECTOR: 60.0,
}

HEAD: Final = "SELECT position, hash, recorded_at FROM ledger.head"
IDENTITY: Final = "SELECT ledger_id, mode FROM ledger.identity"
DICTIONARIES: Final = "SELECT encoding_id, dictionary FROM ledger.encodings"


class PostgresLog:
    """A `ledger.log.Log` in PostgreSQL; made by `PostgresLog.open`.

    Attributes:
        ledger_id: Which ledger this is.
        mode: ``live`` or ``test``, as it was founded.
    """

    def __init__(
        self,
        conninfo: str,
        connections: AsyncConnectionPool[psycopg.AsyncConnection[tuple[Any, ...]]],
        *,
        identity: tuple[str, str],
        encodings: Encodings,
        appender: Appender | None,
        read_s: float,
    ) -> None:
        self.ledger_id, self.mode = identity
        self._conninfo = conninfo
        self._connections = connections
        self._mapper = Mapper(encodings)
        self._appender = appender
        self._read_s = read_s
        self._listening: asyncio.Task[None] | None = None
        self._grown = asyncio.Event()

    @property
    def clock_watch(self) -> ClockWatch:
        """What notices that the database's clock went back; counts while appending."""
        return ClockWatch() if self._appender is None else self._appender.clock

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        conninfo: str,
        role: Role = Role.READER,
        *,
        deadline_s: float = 3.0,
        readers: int = 4,
    ) -> AsyncIterator[PostgresLog]:
        """Open the log as *role*; only an appender appends.

        Args:
            deadline_s: How long an append may take before it fails.
            readers: The most connections used for reading at a time.

        Raises:
            NotConfiguredError: The schema or the roles are not there, or not allowed.
            UnavailableError: The database cannot be reached now.
        """
        async with await connect(conninfo, role) as connection:
            try:
                identity = await (await connection.execute(IDENTITY)).fetchone()
                found = await (await connection.execute(DICTIONARIES)).fetchall()
            except psycopg.errors.UndefinedTable:
                identity = None
        if identity is None:
            raise NotConfiguredError("this database holds no ledger; run bl migrate first")
        appender = (
            Appender(conninfo, ledger_id=identity[0], deadline_s=deadline_s)
            if role is Role.APPENDER
            else None
        )
        async with pool(conninfo, role, size=readers) as connections:
            log = cls(
                conninfo,
                connections,
                identity=(identity[0], identity[1]),
                encodings=Encodings(dict(found)),
                appender=appender,
                read_s=READ_S[role],
            )
            try:
                yield log
            finally:
                if appender is not None:
                    await appender.close()
                await log._stop_listening()

    async def append(self, events: Sequence[Event]) -> Sequence[Receipt]:
        """Append each event unless its id is there; answer for each, in order."""
        answers = await self.admit([[entry] for entry in await self._entries(events)])
        return [receipt(answer[0], self._mapper) for answer in answers]

    async def append_together(self, events: Sequence[Event]) -> Sequence[Receipt]:
        """Append all of *events* or, if any id is there already, none."""
        answers = await self.admit([unit(await self._entries(events))])
        return [receipt(placed, self._mapper) for placed in answers[0]]

    async def _entries(self, events: Sequence[Event]) -> list[Entry]:
        if len(events) < MANY:
            return [self._mapper.entry(event) for event in events]
        # Compressing lets go of the interpreter, so that others are answered meanwhile.
        return await asyncio.to_thread(lambda: [*map(self._mapper.entry, events)])

    async def admit(self, units: Sequence[Unit]) -> Sequence[Sequence[Placed]]:
        """Append *units*, each whole or not at all; answer for each entry."""
        if self._appender is None:
            raise NotConfiguredError("this log is open for reading only")
        return await self._appender.append(units)

    async def head(self) -> Head:
        """Return the end of the log."""
        rows = await self._query(HEAD, ())
        position, digest, recorded_at = rows[0]
        return Head(
            ledger_id=self.ledger_id,
            position=position,
            hash=digest,
            recorded_at=recorded_at,
        )

    async def read(
        self,
        *,
        after: int = 0,
        until: int | None = None,
        accounts: Collection[str] | None = None,
        only: Selection | None = None,
    ) -> AsyncIterator[Sequence[Recorded]]:
        """Read (after, until] in order of position, in batches."""
        async for rows in self.rows(after=after, until=until, accounts=accounts, only=only):
            yield [self._mapper.recorded(row) for row in rows]

    async def rows(
        self,
        *,
        after: int = 0,
        until: int | None = None,
        accounts: Collection[str] | None = None,
        only: Selection | None = None,
    ) -> AsyncIterator[Sequence[Row]]:
        """Read the rows of (after, until], as stored, in pages."""
        last = LAST if until is None else until
        query, values = page_query(accounts, only)
        while True:
            rows = await self._query(query, (*values, after, last))
            page = [Row._make(row) for row in rows]
            if page:
                yield page
            if len(page) < PAGE_ROWS:
                return
            after = page[-1].position

    async def newest(
        self, *, accounts: Collection[str], before: int, limit: int
    ) -> Sequence[Recorded]:
        """Return up to *limit* accepted events of *accounts*, newest first."""
        values = (list(accounts), before, limit, limit)
        rows = await self._query(NEWEST, values)
        return [self._mapper.recorded(Row._make(row)) for row in rows]

    async def at(self, positions: Collection[int]) -> Sequence[Recorded]:
        """Return the events at *positions*, in order."""
        rows = await self._query(AT, (list(positions),))
        return [self._mapper.recorded(Row._make(row)) for row in rows]

    async def find(self, event_id: str) -> Sequence[Recorded]:
        """Return the events under one id, by version."""
        return [self._mapper.recorded(row) for row in await self.find_rows(event_id)]

    async def find_rows(self, event_id: str) -> Sequence[Row]:
        """Return the rows under one id, as stored, by version."""
        return [Row._make(row) for row in await self._query(FIND, (event_id,))]

    async def wait(self, *, after: int, timeout_s: float) -> bool:
        """Wait until the head is beyond *after*; False when the time is over first.

        Woken by a notification; looks for itself every second, since a notification may
        get lost on a connection that died silently.
        """
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen(), name="listener")
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        while True:
            grown = self._grown
            if (await self.head()).position > after:
                return True
            left = end - loop.time()
            if left <= 0:
                return False
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, POLL_S)):
                    await grown.wait()

    async def _listen(self) -> None:
        """Wake everybody who waits at each notification; one connection serves all."""
        while True:
            try:
                async with await connect(self._conninfo, Role.READER) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    self._wake()  # something may have come before we listened
                    async for _ in connection.notifies():
                        self._wake()
            except psycopg.errors.ReadOnlySqlTransaction:
                return  # a replica notifies nobody; whoever waits looks for itself
            except (psycopg.OperationalError, NotConfiguredError, UnavailableError):
                await asyncio.sleep(POLL_S)  # whoever waits looks for itself meanwhile

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()

    async def _stop_listening(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait({self._listening})

    async def _query(self, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        async def ask() -> list[tuple[Any, ...]]:
            try:
                async with self._connections.connection() as asked:
                    with answering_within(asked, self._read_s):
                        cursor = await asked.execute(
                            query, values, prepare=True, binary=True
                        )
                        return await cursor.fetchall()
            except (psycopg.OperationalError, PoolTimeout) as error:
                raise UnavailableError(f"the log could not be read: {error}") from error

        return await asked_again(ask)
