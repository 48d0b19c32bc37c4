"""What readers ask of the read models: an account's objects, how far they are, the log.

One statement reads bookmarks and rows together, so that an answer is of one moment, also
while a rebuild is put in place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs
import psycopg
from psycopg import sql
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from ledger.database import Role, pool
from ledger.errors import UnavailableError
from ledger.events import CATALOGUE as CATALOGUE_ACCOUNT
from ledger.hanging_up import answering_within, asked_again
from projections.account_sql import AROUND, READ, READ_DECIDING
from projections.aside import answering
from projections.assembly import Kept, Needs
from projections.decoded import Decoded
from projections.models.links import Link, Linked, resolve
from projections.models.registry import PROJECTIONS
from projections.projector.folding import Key
from projections.projector.packing import packed, unpacked
from projections.projector.whereabouts import LOOSE, SEEN, loose, named, waiting
from projections.pulse import LOOK, Beat, beat

STATEMENT_TIMEOUT: Final = "5s"
ANSWER_S: Final = 6.0  # for a server that does not even keep that timeout
POSITIONS: Final = """
SELECT projection, version, position, (
           SELECT count(*)
             FROM read_models.parked
            WHERE parked.projection = bookmarks.projection
              AND parked.generation = bookmarks.generation
       )
  FROM read_models.bookmarks
 WHERE live
"""
UNTRANSLATED: Final = """
SELECT stripe_type, max(events)
  FROM read_models.untranslated
  JOIN read_models.bookmarks USING (projection, generation)
 WHERE live
 GROUP BY stripe_type
 ORDER BY stripe_type
"""
_VERSIONS: Final = {each.name: each.version for each in PROJECTIONS}


@attrs.frozen(kw_only=True)
class Standing:
    """How far one projection is.

    Attributes:
        parked: How many of its accounts are parked.
    """

    name: str
    version: int
    position: int
    parked: int


@attrs.frozen(kw_only=True)
class Found:
    """An account's objects, all of one moment.

    Attributes:
        position: Every event up to here is in them.
        stale: Whether one of the account's streams is parked.
        links: By account of the product, those that decide whom it belongs to.
    """

    linked: Linked
    links: Mapping[str, Link]
    kept: Mapping[str, Mapping[Key, Any]]
    position: int
    stale: bool

    @property
    def objects(self) -> int:
        """How many there are."""
        return sum(map(len, self.kept.values()))

    @property
    def known(self) -> bool:
        """Whether the read models have anything of the account."""
        return any(self.kept.values()) or bool(self.links)


class Reader:
    """Reads the read models as the role that may only read."""

    def __init__(self, conninfo: str, *, size: int = 8) -> None:
        self._connections: AsyncConnectionPool[psycopg.AsyncConnection[tuple[Any, ...]]]
        self._connections = pool(
            conninfo, Role.READER, size=size, statement_timeout=STATEMENT_TIMEOUT
        )
        self._decoded = Decoded(PROJECTIONS)

    async def open(self) -> None:
        """Begin to connect; a database that is away makes reads fail, not this."""
        await self._connections.open(wait=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()

    async def find(self, account: str) -> Found:
        """Return what is kept of *account* and of whom it is linked with.

        Raises:
            UnavailableError: The database is away, or the rows are of another version.
        """
        return await self._find(account, READ)

    async def find_deciding(self, account: str) -> Found:
        """Return no more of it than decides what it may do; raises as `find` does."""
        return await self._find(account, READ_DECIDING)

    async def look(self) -> Beat:
        """Return where the log and the read models are, all of one moment."""
        return beat((await self.query(LOOK, {}))[0])

    async def _find(self, account: str, query: bytes) -> Found:
        rows = await self.query(query, {"account": account})
        return await answering(len(rows), self._found, account, rows)

    def _found(self, account: str, rows: Sequence[tuple[Any, ...]]) -> Found:
        bookmarks = {row[0]: (row[4], row[5], row[6]) for row in rows if row[4] is not None}
        _of_this_version({name: version for name, (version, *_) in bookmarks.items()})
        kept: defaultdict[str, dict[Key, Any]] = defaultdict(dict)
        for name, stream, key, state, version, *_ in rows:
            if version is None:
                kept[name][stream, unpacked(key)] = self._decoded.state(name, state)
        links: dict[str, Link] = {key[0]: link for key, link in kept["links"].items()}
        linked = resolve(account, links)
        return Found(
            linked=linked,
            links=links,
            kept=_of_streams(kept, linked.streams),
            position=min(position for _, position, _ in bookmarks.values()),
            stale=any(parked for *_, parked in bookmarks.values()),
        )

    async def around(self, needs: Needs) -> Kept:
        """Return what stands outside an account's streams and matters to it."""
        asked = {
            "catalogue": CATALOGUE_ACCOUNT,
            "wares": [packed(name) for name in sorted(needs.wares)],
            "referred": sorted(needs.referred),
        }
        kept: defaultdict[str, dict[Key, Any]] = defaultdict(dict)
        for name, stream, key, state in await self.query(AROUND, asked):
            kept[name][stream, unpacked(key)] = self._decoded.state(name, state)
        return kept

    async def standings(self) -> Sequence[Standing]:
        """Return how far each projection of this program is; 0 while it has no rows."""
        found = {row[0]: row for row in await self.query(POSITIONS, {})}
        return [
            Standing(
                name=each.name,
                version=found[each.name][1] if each.name in found else each.version,
                position=found[each.name][2] if each.name in found else 0,
                parked=found[each.name][3] if each.name in found else 0,
            )
            for each in PROJECTIONS
        ]

    async def position(self) -> int:
        """Return up to where all projections have read."""
        return min(each.position for each in await self.standings())

    async def untranslated(self) -> Mapping[str, int]:
        """Return how many events of each Stripe type are read by no translator."""
        return {row[0]: int(row[1]) for row in await self.query(UNTRANSLATED, {})}

    async def waiting(self) -> int:
        """Return how many objects name no customer, nor anything that is known yet."""
        found = loose(row[0] for row in await self.query(LOOSE, {}))
        seen = await self.query(SEEN, {"objects": named(found)}) if found else []
        return waiting(found, (row[0] for row in seen))

    async def query(
        self, query: str | bytes | sql.Composed, values: Mapping[str, object]
    ) -> list[tuple[Any, ...]]:
        """Return the rows of *query*; states are still encoded.

        Raises:
            UnavailableError: The database is away, or there are no read models yet.
        """

        async def ask() -> list[tuple[Any, ...]]:
            async with self._connected() as connection:
                cursor = await connection.execute(query, values, prepare=True, binary=True)
                return await cursor.fetchall()

        return await asked_again(ask)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[psycopg.AsyncConnection[tuple[Any, ...]]]:
        try:
            async with self._connections.connection() as connection:
                with answering_within(connection, ANSWER_S):
                    yield connection
        except psycopg.errors.UndefinedTable as error:
            raise UnavailableError("the read models are not made yet") from error
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise UnavailableError("the database does not answer now") from error


def _of_streams(
    kept: Mapping[str, Mapping[Key, Any]], streams: frozenset[str]
) -> Mapping[str, Mapping[Key, Any]]:
    return {
        name: {key: state for key, state in states.items() if key[0] in streams}
        for name, states in kept.items()
    }


def _of_this_version(versions: Mapping[str, int]) -> None:
    for name, version in _VERSIONS.items():
        if versions.get(name) != version:
            raise UnavailableError(
                f"the read model {name} is of another release, or being made anew; "
                f"bl serve or bl projections rebuild {name} makes it"
            )
