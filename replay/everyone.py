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
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import attrs
import msgspec

from ledger import events
from ledger.events import TOPIC_OF
from ledger.log import Selection
from ledger.postgres import PostgresLog
from projections.account import Account
from projections.answer import Billing, answer
from projections.assembly import (
    OWN,
    ROAMING,
    Kept,
    Needs,
    assembled,
    named_products,
    needs,
    surrounded,
)
from projections.catalogue import CATALOGUE
from projections.declaration import Projection
from projections.facts import AccountLinked, Fact
from projections.folding import Key, apply, fold
from projections.links import LINKS, Link, Linked, resolve
from projections.reading import Reader
from projections.translate import translation
from replay.accounts import relating, states
from replay.ledgers import Connection, connected
from replay.past import Then, is_known
from replay.progress import Tick

AT_ONCE: Final = 100
# Skips from name to name along the index: as quick as there are few of them.
NAMES: Final = """
WITH RECURSIVE named (account) AS (
    (SELECT account
       FROM ledger.log
      WHERE verdict = 'accepted' AND account IS NOT NULL
      ORDER BY account
      LIMIT 1)
    UNION ALL
    SELECT (SELECT log.account
              FROM ledger.log
             WHERE verdict = 'accepted' AND log.account > named.account
             ORDER BY log.account
             LIMIT 1)
      FROM named
     WHERE named.account IS NOT NULL
)
SELECT account FROM named WHERE account IS NOT NULL
"""
OUR_OWN: Final = "ledger:"
_READ: Final = translation(fact for each in OWN for fact in each.handlers)
_LINKS_READ: Final = translation([AccountLinked])
_LINKS_ONLY: Final = Selection(
    stripe_types=frozenset(), topics=frozenset({TOPIC_OF[events.AccountLinked]})
)
_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)

Moments = Sequence[Then]


@attrs.frozen(kw_only=True)
class _Sources:
    log: PostgresLog
    reader: Reader


def everyone(
    conninfo: str, moments: Moments, tick: Tick
) -> Iterator[tuple[Billing | None, ...]]:
    """Yield each account as it was at each of *moments*, in order of its name.

    Who belongs together is asked of the last of *moments*. One is None where nothing was
    known of an account then; accounts known at none of them are left out.
    """
    coming = _everyone(conninfo, moments, tick)
    with asyncio.Runner() as runner:
        try:
            while (found := runner.run(_next(coming))) is not None:
                yield from found
        finally:
            runner.run(coming.aclose())


async def _next(coming: Any) -> list[tuple[Billing | None, ...]] | None:  # noqa: ANN401
    return await anext(coming, None)


async def _everyone(
    conninfo: str, moments: Moments, tick: Tick
) -> AsyncGenerator[list[tuple[Billing | None, ...]]]:
    async with _sources(conninfo) as sources:
        with connected(conninfo) as connection:
            families = await _families(connection, sources.log, moments[-1])
        for start in range(0, len(families), AT_ONCE):
            some = families[start : start + AT_ONCE]
            facts = await _facts(
                sources.log, some, max(one.head.position for one in moments)
            )
            pasts = [
                [_past(linked, facts, moment) for moment in moments] for linked in some
            ]
            asked = [[needs(account) for account in each] for each in pasts]
            around = await _around(sources.reader, [one for each in asked for one in each])
            yield [
                each
                for told in zip(pasts, asked, strict=True)
                if any(each := tuple(map(around.answered, *told, moments)))
            ]
            tick(start + len(some), len(families))


@attrs.frozen
class _Around:
    """What stands outside the streams of some accounts.

    Attributes:
        roaming: What names no customer, by what it names.
    """

    kept: Kept
    roaming: Mapping[str | None, Sequence[tuple[str, Key, Any]]]

    def answered(self, account: Account, asked: Needs, moment: Then) -> Billing | None:
        """Return what *account* is at *moment*; None if nothing was known of it."""
        if not is_known(account):
            return None
        own: defaultdict[str, dict[Key, Any]] = defaultdict(dict)
        for name in asked.referred:
            for projection, key, state in self.roaming.get(name, ()):
                own[projection][key] = state
        whole = surrounded(
            account,
            {**self.kept, **{each.name: own[each.name] for each in ROAMING}},
            known=moment.head.position,
            moment=moment.moment,
        )
        return answer(whole, moment.now)


def _past(linked: Linked, facts: Mapping[str, list[Fact]], moment: Then) -> Account:
    """Return *linked* as the facts known then make it."""
    known = [
        (fact.position, fact)
        for stream in linked.streams
        for fact in facts.get(stream, ())
        if fact.position <= moment.head.position and _happened(fact, moment.moment)
    ]
    known.sort(key=_when)
    return assembled(linked, {each.name: _folded(each, known) for each in OWN})


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
    log: PostgresLog, some: Iterable[Linked], until: int
) -> Mapping[str, list[Fact]]:
    found: defaultdict[str, list[Fact]] = defaultdict(list)
    streams = {stream for linked in some for stream in linked.streams}
    source = log.read(until=until, accounts=streams, only=_READ.selection)
    async with aclosing(source) as batches:  # type: ignore[type-var]
        async for batch in batches:
            for fact in _READ.facts(batch):
                found[fact.account].append(fact)
    return found


async def _around(reader: Reader, asked: Sequence[Needs]) -> _Around:
    """Return what any of *asked* needs, and the products of the prices among it."""
    wares = frozenset().union(*(each.wares for each in asked))
    referred = frozenset().union(*(each.referred for each in asked))
    found = await reader.around(Needs(wares=wares, referred=referred))
    further = named_products(found) - wares
    if further:
        more = await reader.around(Needs(wares=further))
        both = {**found.get(CATALOGUE.name, {}), **more.get(CATALOGUE.name, {})}
        found = {**found, CATALOGUE.name: both}
    roaming: defaultdict[str | None, list[tuple[str, Key, Any]]] = defaultdict(list)
    for each in ROAMING:
        for key, state in found.get(each.name, {}).items():
            name = None if each.refers is None else each.refers(state)
            roaming[name].append((each.name, key, state))
    return _Around(found, roaming)


async def _families(connection: Connection, log: PostgresLog, moment: Then) -> list[Linked]:
    """Return each account once, with the streams that are its."""
    names = [row[0] for row in connection.execute(NAMES)]
    kept = {key[0]: link for key, link in states(connection, LINKS).items()}
    related = relating(await _links_then(log, kept, moment.head.position))
    families = (
        resolve(name, related(name)) for name in names if not name.startswith(OUR_OWN)
    )
    unique = {linked.account: linked for linked in families}
    return [unique[name] for name in sorted(unique)]


async def _links_then(
    log: PostgresLog, kept: Mapping[str, Link], position: int
) -> dict[str, Link]:
    """Return the links and claims known at *position*."""
    facts = [
        (fact.position, fact)
        async for batch in log.read(until=position, only=_LINKS_ONLY)
        for fact in _LINKS_READ.facts(batch)
    ]
    links: dict[str, Link] = {key[0]: link for key, link in fold(LINKS, facts).items()}
    for name, link in kept.items():
        claims = tuple(claim for claim in link.claims if claim.position <= position)
        known = links.get(name, LINKS.initial)
        links[name] = msgspec.structs.replace(known, claims=claims)
    return links


@asynccontextmanager
async def _sources(conninfo: str) -> AsyncIterator[_Sources]:
    reader = Reader(conninfo, size=1)
    await reader.open()
    try:
        async with PostgresLog.open(conninfo, readers=2) as log:
            yield _Sources(log=log, reader=reader)
    finally:
        await reader.close()
