"""Every account there is, at one moment or at several, some of them at a time.

    the names in the log → a hundred of them → their events → what they were at each moment

Memory holds a hundred accounts, however many there are.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import (
    AsyncGenerator,
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
    coming = _everyone(conninfo, moments, tick, asking)
    with asyncio.Runner() as runner, seldom_collecting():
        try:
            while (found := runner.run(_next(coming))) is not None:
                yield from found
        finally:
            runner.run(coming.aclose())


async def _next(
    coming: AsyncGenerator[list[tuple[A | None, ...]]],
) -> list[tuple[A | None, ...]] | None:
    return await anext(coming, None)


async def _everyone(
    conninfo: str, moments: Moments, tick: Tick, asking: Asking[A]
) -> AsyncGenerator[list[tuple[A | None, ...]]]:
    async with _sources(conninfo) as sources:
        with connected(conninfo) as connection:
            found = await families(connection, sources.log, moments[-1].head.position)
        for start in range(0, len(found), AT_ONCE):
            some = found[start : start + AT_ONCE]
            if asking.kept:
                pasts = [[account] for account in _kept(conninfo, some, asking)]
            else:
                until = max(one.head.position for one in moments)
                facts = await _facts(sources.log, some, until, asking.reads)
                pasts = [
                    [_past(linked, facts, moment, asking.of) for moment in moments]
                    for linked in some
                ]
            # What an account names it never ceases to name: the last moment tells it all.
            asked = [needs(each[-1]) for each in pasts]
            around = await around_of(sources.reader, asked)
            yield [
                each
                for past, named in zip(pasts, asked, strict=True)
                if any(
                    each := tuple(
                        map(partial(around.answered, asking.ask, named), past, moments)
                    )
                )
            ]
            tick(start + len(some), len(found))


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
