"""Where the log and the read models are, asked once for all who want to know.

    request ─┐
    request ─┼─ one look at the database ─ answers all that came before it began
    request ─┘
    request ─── waits for the next look

Each is answered by a look that began after it came, so nobody is told of a past that was
over when they asked; and however many ask, no more than one look is under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

import attrs

T = TypeVar("T")

LOOK: Final = """
WITH live AS (
    SELECT min(position) AS least,
           max(position) AS most,
           string_agg(projection || generation || '.' || version, ' ' ORDER BY projection)
               AS rows
      FROM read_models.bookmarks
     WHERE live
)
SELECT live.least, live.most, live.rows,
       (SELECT count(*) || ' ' || coalesce(max(since)::text, '')
          FROM read_models.parked),
       head.position, head.recorded_at,
       CASE WHEN live.least < head.position
            THEN (SELECT recorded_at FROM ledger.log WHERE position = live.least + 1)
       END,
       pg_is_in_recovery(),
       pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn()
           OR NOT EXISTS (SELECT FROM pg_stat_wal_receiver),
       pg_last_xact_replay_timestamp()
  FROM ledger.head, live
"""


@attrs.frozen(kw_only=True)
class Beat:
    """What one look found.

    Attributes:
        least: Up to where every projection has read.
        most: Up to where any has.
        rows: Which generations of rows are live; other ones may hold other states.
        parked: Changes when an account is parked or let go on.
        head: The last position of the log.
        head_at: When that was recorded; None while the log is empty.
        waiting_since: When the first event that a projection lacks was recorded.
        replica: Whether a replica was asked.
        behind: Whether it may lack something: it was sent what it does not show yet, or
            nobody sends.
        replayed_at: When the last commit that it shows was made, by the primary's clock.
    """

    least: int
    most: int
    rows: str
    parked: str
    head: int
    head_at: datetime | None
    waiting_since: datetime | None
    replica: bool = False
    behind: bool = False
    replayed_at: datetime | None = None

    def replica_lag_ms(self, now: datetime) -> int | None:
        """Return how old what a replica shows may be; None where none was asked.

        0 while it shows all that it was sent; else since the last commit that it shows.
        """
        if not self.replica:
            return None
        if not self.behind or self.replayed_at is None:
            return 0
        return max(0, int((now - self.replayed_at).total_seconds() * 1000))

    def lag_ms(self, now: datetime) -> int:
        """Return for how long the first event that a projection lacks has waited."""
        if self.waiting_since is None:
            return 0
        return max(0, int((now - self.waiting_since).total_seconds() * 1000))


def beat(row: tuple[Any, ...]) -> Beat:
    """Return what `LOOK` found; a projection without rows has read nothing."""
    return Beat(
        least=row[0] or 0,
        most=row[1] or 0,
        rows=row[2] or "",
        parked=row[3],
        head=row[4],
        head_at=row[5],
        waiting_since=row[6],
        replica=row[7],
        behind=bool(row[7] and row[8]),
        replayed_at=row[9] if row[7] else None,
    )


class Pulse(Generic[T]):
    """Shares each look among all who wait for one.

    Args:
        look: Asks once.
    """

    def __init__(self, look: Callable[[], Awaitable[T]]) -> None:
        self._look = look
        self._next: asyncio.Future[T] | None = None
        self._running: asyncio.Task[None] | None = None

    async def take(self) -> T:
        """Return what a look that begins from now on finds, or raise what it does."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
            # A failure that nobody waits for any more is nobody's to know.
            self._next.add_done_callback(_known)
        waited_for = self._next
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="pulse")
        return await asyncio.shield(waited_for)

    async def _run(self) -> None:
        while (asked := self._next) is not None:
            self._next = None
            try:
                found = await self._look()
            except BaseException as error:  # handed on to whoever asked
                _fail(asked, error)
                if not isinstance(error, Exception):
                    raise
            else:
                asked.set_result(found)
        self._running = None


def _fail(asked: asyncio.Future[Any], error: BaseException) -> None:
    if isinstance(error, Exception):
        asked.set_exception(error)
    else:
        asked.cancel()


def _known(asked: asyncio.Future[Any]) -> None:
    if not asked.cancelled():
        asked.exception()
