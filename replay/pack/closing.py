"""Figures of a month as known at a position, and the closings that the log has.

A closing holds for ever: what is learnt of its month later is told by the next closing, as
adjustments, from where the closing before it had read to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

import attrs

from ledger.book_months import BookMonth
from ledger.database import Role
from ledger.events import CATALOGUE, TOPIC_OF, MonthClosed
from ledger.log import Selection
from ledger.postgres import PostgresLog
from projections.accounting.closing import Adjustment, Figures, adjustments, by_place
from replay.ledgers import Connection, connected
from replay.past.known import Known, known, pages
from replay.report.progress import Tick

_CLOSED: Final = Selection(
    stripe_types=frozenset(), topics=frozenset({TOPIC_OF[MonthClosed]})
)


@attrs.frozen(kw_only=True)
class Closing:
    """A closing as the log has it, and where."""

    event: MonthClosed
    position: int

    @property
    def month(self) -> BookMonth:
        """The month that it closed."""
        return BookMonth.parse(self.event.month)

    @property
    def zone(self) -> ZoneInfo:
        """Where its month began."""
        return ZoneInfo(self.event.zone)


def closings(conninfo: str) -> list[Closing]:
    """Return all closings, in the order in which they were made."""
    return asyncio.run(_closings(conninfo))


def figures_at(
    conninfo: str,
    month: BookMonth,
    zone: ZoneInfo,
    position: int,
    before: Sequence[Closing],
    tick: Tick,
) -> Figures:
    """Return the figures of *month* as known at *position*.

    Args:
        before: The closings made by then; what they had not heard yet is adjusted.
    """
    return asyncio.run(_figures(conninfo, month, zone, position, before, tick))


def learnt_since(
    conninfo: str, closing: Closing, position: int, tick: Tick
) -> list[Adjustment]:
    """Return what the log up to *position* tells of a closed month otherwise."""
    return asyncio.run(_learnt(conninfo, closing, position, tick))


def append(conninfo: str, event: MonthClosed) -> int:
    """Append the closing; return where it stands, the first one's place if it is there.

    Raises:
        NotConfiguredError: The database user may not append.
        UnavailableError: The commit is not known to have happened.
    """
    return asyncio.run(_append(conninfo, event))


async def _closings(conninfo: str) -> list[Closing]:
    async with PostgresLog.open(conninfo) as log:
        return [
            Closing(event=each.event, position=each.position)
            async for batch in log.read(accounts=[CATALOGUE], only=_CLOSED)
            for each in batch
            if isinstance(each.event, MonthClosed)
        ]


async def _figures(
    conninfo: str,
    month: BookMonth,
    zone: ZoneInfo,
    position: int,
    before: Sequence[Closing],
    tick: Tick,
) -> Figures:
    found = Figures(month=month, zone=zone)
    last = max((each.month for each in before), default=None)
    async with PostgresLog.open(conninfo) as log:
        now = await known(log, position, tick)
        heard = max((each.event.position for each in before), default=0)
        then = None if last is None else await known(log, heard, tick)
        with connected(conninfo) as connection:
            async for names in pages(connection, position):
                accounts = await now.accounts(names)
                old = {} if then is None else await then.accounts(names)
                for name, account in accounts.items():
                    found.add(account)
                    if last is not None:
                        then_it_was = old.get(name)
                        found.adjustments += adjustments(last, then_it_was, account, zone)
    return found


async def _learnt(
    conninfo: str, closing: Closing, position: int, tick: Tick
) -> list[Adjustment]:
    found: list[Adjustment] = []
    async with PostgresLog.open(conninfo) as log:
        then = await known(log, closing.event.position, tick)
        now = await known(log, position, tick)
        with connected(conninfo) as connection:
            async for names in pages(connection, position):
                found += await _differing(then, now, names, closing)
    return sorted(found, key=by_place)


async def _differing(
    then: Known, now: Known, names: Sequence[str], closing: Closing
) -> list[Adjustment]:
    old = await then.accounts(names)
    return [
        each
        for name, account in (await now.accounts(names)).items()
        for each in adjustments(closing.month, old.get(name), account, closing.zone)
        if each.month == closing.event.month
    ]


async def _append(conninfo: str, event: MonthClosed) -> int:
    async with PostgresLog.open(conninfo, Role.APPENDER) as log:
        return (await log.append([event]))[0].position


def hash_at(connection: Connection, position: int) -> str:
    """Return the log's hash at *position*, in hex; empty where there is no such row."""
    query = "SELECT hash FROM ledger.log WHERE position = %s"
    row = connection.execute(query, (position,)).fetchone()
    return "" if row is None else row[0].hex()
