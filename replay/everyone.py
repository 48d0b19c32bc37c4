"""Every account there is, at one moment or at several, some of them at a time.

    the names in the log → a hundred of them → their events → what they were at each moment

Memory holds a hundred accounts, however many there are.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import (
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any, Final, Generic, TypeVar

import attrs
from psycopg import sql

from ledger.errors import UnavailableError
from ledger.postgres import PostgresLog
from projections.account import Account
from projections.answer import Billing, answer
from projections.aside import seldom_collecting
from projections.assembly import (
    OWN,
    assembled,
    needs,
)
from projections.facts import Fact
from projections.models.declaration import Projection
from projections.models.links import Linked
from projections.projector.folding import Key, apply, fold
from projections.projector.packing import unpacked
from projections.projector.rows import Codec
from projections.reading import Reader
from projections.translation.translate import Translation, translation
from replay.ledgers import Connection, connected
from replay.models import read_models
from replay.past.families import families
from replay.past.log_then import Then
from replay.past.shares import shared_out
from replay.past.surroundings import around_of
from replay.report.progress import Tick

AT_ONCE: Final = 100
OF_STREAMS: Final = sql.SQL(
    "SELECT account, object, state FROM {view} WHERE account = ANY(%s)"
)
_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)

Moments = Sequence[Then]
A = TypeVar("A")


@attrs.frozen(kw_only=True, slots=False)
class Asking(Generic[A]):
    """What is asked of each account.

    Attributes:
        ask: Answers of an account at a moment.
        of: The projections that it looks at; the others are not read.
        kept: Whether the read models are asked, which is quicker than the log, and only
            tells of now; `need_versions` comes first.
    """

    ask: Callable[[Account, datetime], A]
    of: Sequence[Projection[Any]] = OWN
    kept: bool = False

    @cached_property
    def reads(self) -> Translation:
        """The events that tell of them."""
        return translation(fact for each in self.of for fact in each.handlers)


EVERYTHING: Final[Asking[Billing]] = Asking(ask=answer)


@attrs.frozen(kw_only=True)
class _Sources:
    log: PostgresLog
    reader: Reader


@attrs.frozen(kw_only=True)
class Some:
    """A few accounts, and the moments at which they are asked."""

    conninfo: str
    moments: Moments
    accounts: Sequence[Linked]


def everyone(
    conninfo: str,
    moments: Moments,
    tick: Tick,
    asking: Asking[A],
) -> Iterator[tuple[A | None, ...]]:
    """Yield what each account answers at each of *moments*, in order of its name.

    Who belongs together is asked of the last of *moments*. One is None where nothing was
    known of an account then; accounts known at none of them are left out.
    """
    yield from some_by_some(conninfo, moments, tick, partial(answers_of, asking), 1)


def some_by_some(
    conninfo: str,
    moments: Moments,
    tick: Tick,
    ask: Callable[[Some], list[tuple[A | None, ...]]],
    workers: int,
) -> Iterator[tuple[A | None, ...]]:
    """Yield what *ask* answers of all accounts, some at a time, as `everyone` does.

    Args:
        ask: Calls `answers_of`; with several workers, a function of a module.
        workers: How many processes share them; this one alone is 1.
    """
    found = asyncio.run(_families(conninfo, moments[-1].head.position))
    shares = [
        Some(conninfo=conninfo, moments=moments, accounts=found[start : start + AT_ONCE])
        for start in range(0, len(found), AT_ONCE)
    ]
    done = 0
    for share, answered in zip(shares, shared_out(ask, shares, workers), strict=True):
        yield from answered
        done += len(share.accounts)
        tick(done, len(found))


def answers_of(asking: Asking[A], some: Some) -> list[tuple[A | None, ...]]:
    """Return what each of *some* answers, but those that were never known."""
    with seldom_collecting():
        return asyncio.run(_answers_of(asking, some))


async def _families(conninfo: str, position: int) -> list[Linked]:
    async with PostgresLog.open(conninfo) as log:
        with connected(conninfo) as connection:
            return await families(connection, log, position)


async def _answers_of(asking: Asking[A], some: Some) -> list[tuple[A | None, ...]]:
    moments = some.moments
    async with _sources(some.conninfo) as sources:
        if asking.kept:
            pasts = [[each] for each in _kept(some.conninfo, some.accounts, asking)]
        else:
            until = max(one.head.position for one in moments)
            facts = await _facts(sources.log, some.accounts, until, asking.reads)
            pasts = [
                [_past(linked, facts, moment, asking.of) for moment in moments]
                for linked in some.accounts
            ]
        # What an account names it never ceases to name: the last moment tells it all.
        asked = [needs(each[-1]) for each in pasts]
        around = await around_of(sources.reader, asked)
    return [
        each
        for past, named in zip(pasts, asked, strict=True)
        if any(
            each := tuple(map(partial(around.answered, asking.ask, named), past, moments))
        )
    ]


def need_versions(connection: Connection, of: Sequence[Projection[Any]]) -> None:
    """See to it that the rows of *of* are those of this program.

    Raises:
        UnavailableError: They are not.
    """
    versions = {one.name: one.version for one in read_models(connection, 0)}
    for each in of:
        if versions.get(each.name) != each.version:
            raise UnavailableError(
                f"the read model {each.name} is not there, or of another version of this "
                f"program; run bl projections rebuild {each.name}"
            )


def _kept(conninfo: str, some: Sequence[Linked], asking: Asking[Any]) -> Iterator[Account]:
    """Yield each of *some* as the read models keep it."""
    streams = [stream for linked in some for stream in linked.streams]
    kept: defaultdict[str, dict[str, dict[Key, Any]]] = defaultdict(dict)
    with connected(conninfo) as connection:
        for each in asking.of:
            query = OF_STREAMS.format(view=sql.Identifier("read_models", each.name))
            decode = Codec(each).decode
            rows = connection.execute(query, (streams,), binary=True)
            for stream, name, state in rows:
                states_ = kept[stream].setdefault(each.name, {})
                states_[stream, unpacked(name)] = decode(state)
    for linked in some:
        own = {
            each.name: {
                key: state
                for stream in linked.streams
                for key, state in kept[stream].get(each.name, {}).items()
            }
            for each in asking.of
        }
        yield assembled(linked, own)


def _past(
    linked: Linked,
    facts: Mapping[str, list[Fact]],
    moment: Then,
    of: Sequence[Projection[Any]],
) -> Account:
    """Return *linked* as the facts known then make it."""
    known = [
        (fact.position, fact)
        for stream in linked.streams
        for fact in facts.get(stream, ())
        if fact.position <= moment.head.position and _happened(fact, moment.moment)
    ]
    known.sort(key=_when)
    return assembled(linked, {each.name: _folded(each, known) for each in of})


def _folded(
    projection: Projection[Any], facts: Sequence[tuple[int, Fact]]
) -> Mapping[Key, Any]:
    """Return the states that *facts* make, each object's taken together."""
    found: dict[Key, Any] = {}
    applied = apply(projection, facts, found)
    if applied.late or applied.failures:
        return fold(projection, facts)
    return found


def _when(placed: tuple[int, Fact]) -> datetime:
    return placed[1].occurred_at or _BEFORE_ALL


def _happened(fact: Fact, moment: datetime | None) -> bool:
    return moment is None or fact.occurred_at is None or fact.occurred_at <= moment


async def _facts(
    log: PostgresLog, some: Iterable[Linked], until: int, reads: Translation
) -> Mapping[str, list[Fact]]:
    found: defaultdict[str, list[Fact]] = defaultdict(list)
    streams = {stream for linked in some for stream in linked.streams}
    source = log.read(until=until, accounts=streams, only=reads.selection)
    async with aclosing(source) as batches:  # type: ignore[type-var]
        async for batch in batches:
            for fact in reads.facts(batch):
                found[fact.account].append(fact)
    return found


@asynccontextmanager
async def _sources(conninfo: str) -> AsyncIterator[_Sources]:
    reader = Reader(conninfo, size=1)
    await reader.open()
    try:
        async with PostgresLog.open(conninfo, readers=2) as log:
            yield _Sources(log=log, reader=reader)
    finally:
        await reader.close()
