"""An account asked about from the command line, answered as the read API answers.

bl show cus_JT01 --as-of 2026-11-01                       what was true then
bl show cus_JT01 --known-at '#48213'                      what was known then
bl show cus_JT01 --as-of 2026-11-01 --known-at 2026-11-03  both
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import attrs

from ledger.clock import utc_now
from ledger.errors import NotFoundError
from ledger.log import Recorded
from ledger.moments import rfc3339
from ledger.postgres import PostgresLog
from ledger.problems import Problem
from ledger.tokens import Grant, Scope
from projections.api.questions import Question
from projections.reading import Reader
from projections.views import View, Views
from replay.arguments.moments import earlier
from replay.arguments.options import Asking, UsageError
from replay.arguments.subjects import position_of
from replay.report.text import is_name

_ALL: Final = Grant(scopes=frozenset({Scope.READ}))
_NOT_FOUND: Final = 404


@attrs.frozen(kw_only=True)
class Asked:
    """An account at the moment asked about, with the events that are known of it.

    Attributes:
        clocks: What a report says of that moment, first in its card; empty for now.
    """

    view: View
    recorded: Sequence[Recorded]
    clocks: tuple[tuple[str, object], ...] = ()

    @property
    def meta(self) -> dict[str, object]:
        """Which moment it is, as JSON has it."""
        known_at = self.view.known_at
        return {
            "position": self.view.position,
            "as_of": rfc3339(self.view.now),
            "known_at": None if known_at is None else rfc3339(known_at),
            "stale": self.view.stale,
        }


def question(options: Asking) -> Question:
    """Return what *options* ask of the two clocks.

    Raises:
        UsageError: One of them is no time, or no position.
    """
    now = utc_now()
    return Question(
        as_of=None if options.as_of is None else earlier(options.as_of, now),
        known_at=None if options.known_at is None else _known_at(options.known_at, now),
    )


def ask(conninfo: str, account: str, asked: Question) -> Asked | None:
    """Return *account* as *asked*; None if nothing is known of it.

    Raises:
        UsageError: It is asked what is known at a time that has not come.
        UnavailableError: The read models do not answer, or the account is parked.
    """
    return asyncio.run(_ask(conninfo, account, asked)) if is_name(account) else None


def need(conninfo: str, account: str, asked: Question) -> Asked:
    """Return *account* as *asked*.

    Raises:
        NotFoundError: Nothing is known of it.
    """
    found = ask(conninfo, account, asked)
    if found is None:
        raise NotFoundError(f"the log knows no account {account}; see bl log")
    return found


@asynccontextmanager
async def views(conninfo: str) -> AsyncIterator[Views]:
    """Yield what answers questions about accounts."""
    reader = Reader(conninfo, size=1)
    await reader.open()
    try:
        async with PostgresLog.open(conninfo) as log:
            yield Views(reader=reader, log=log, clock=utc_now)
    finally:
        await reader.close()


async def _ask(conninfo: str, account: str, asked: Question) -> Asked | None:
    async with views(conninfo) as found:
        try:
            view = await found.view(account, asked, _ALL)
        except Problem as problem:
            if problem.status == _NOT_FOUND:
                return None
            raise refused(problem) from problem
        recorded = await found.recorded(view)
    return Asked(view=view, recorded=recorded, clocks=_clocks(asked, view))


def refused(problem: Problem) -> UsageError:
    """Return *problem* in the words of the command line."""
    detail = problem.detail.replace("known_at", "--known-at").replace("as_of", "--as-of")
    hint = "; leave it out to know all that the log holds" if "future" in detail else ""
    return UsageError(f"{detail}{hint}")


def _clocks(asked: Question, view: View) -> tuple[tuple[str, object], ...]:
    if asked.as_of is None and asked.known_at is None:
        return ()
    clocks: list[tuple[str, object]] = [("as of", view.now)]
    if view.known_at is not None:
        clocks += [("as known at", view.known_at), ("known up to", f"#{view.position:,}")]
    return tuple(clocks)


def _known_at(text: str, now: datetime) -> int | datetime:
    position = position_of(text)
    if position is None:
        return earlier(text, now)
    if position == 0:
        raise UsageError("--known-at is a time or a position; the first position is 1")
    return position
