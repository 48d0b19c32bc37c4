"""Where read models differ from what the log says they should be.

Each read model is folded anew from the log, in memory, up to its own bookmark, and then
compared with the rows as they are kept, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs
from psycopg import sql

from ledger.postgres import PostgresLog
from projections.declaration import Projection
from projections.registry import PROJECTIONS
from projections.runner import Runner
from projections.twin import MemoryRows
from replay.ledgers import connected
from replay.models import read_models

STEP: Final = 5000
KEPT: Final = sql.SQL("SELECT account, object, state FROM {view}")
PARKED: Final = "SELECT account FROM read_models.parked WHERE projection = %s"

Key = tuple[str, str]


@attrs.frozen(kw_only=True)
class Difference:
    """An object whose kept row is not what the log makes of it.

    Attributes:
        what: ``missing``, ``extra`` or ``other``.
    """

    projection: str
    account: str
    object_id: str
    what: str


@attrs.frozen(kw_only=True)
class Compared:
    """One read model, compared.

    Attributes:
        rows: How many the log makes.
        position: The bookmark up to which it was compared.
    """

    projection: str
    rows: int
    position: int
    differences: tuple[Difference, ...]


@attrs.frozen(kw_only=True)
class _Kept:
    """The rows of a read model as they are kept, and up to where they have read."""

    position: int
    parked: set[str]
    rows: dict[Key, bytes]


async def compare(conninfo: str, progress: Callable[[int, int], None]) -> list[Compared]:
    """Compare every read model there is; accounts that are parked are passed over."""
    with connected(conninfo) as connection:
        known = {one.name: one.position for one in read_models(connection, 0)}
    present = [each for each in PROJECTIONS if each.name in known]
    total, done = sum(known[each.name] for each in present), 0
    compared = []
    async with PostgresLog.open(conninfo) as log:
        for projection in present:
            kept = _kept(conninfo, projection.name)
            twin = MemoryRows(projection.version)
            runner = Runner(projection, log, twin)
            for until in (*range(STEP, kept.position, STEP), kept.position):
                await runner.catch_up(until)
                progress(done + until, total)
            done += known[projection.name]
            compared.append(_compared(projection, twin, kept))
    return compared


def _compared(projection: Projection[Any], twin: MemoryRows, kept: _Kept) -> Compared:
    wanted = {key: row.state for key, row in twin.rows.items()}
    passed_over = kept.parked | set(twin.failures)
    found = [
        Difference(projection=projection.name, account=key[0], object_id=key[1], what=what)
        for key, what in _different(wanted, kept.rows)
        if key[0] not in passed_over
    ]
    return Compared(
        projection=projection.name,
        rows=len(wanted),
        position=kept.position,
        differences=tuple(found),
    )


def _different(
    wanted: Mapping[Key, bytes], kept: Mapping[Key, bytes]
) -> Iterator[tuple[Key, str]]:
    for key in sorted(wanted.keys() | kept.keys()):
        if key not in kept:
            yield key, "missing"
        elif key not in wanted:
            yield key, "extra"
        elif wanted[key] != kept[key]:
            yield key, "other"


def _kept(conninfo: str, name: str) -> _Kept:
    """Read rows and bookmark of one moment: the projector may be at work."""
    query = KEPT.format(view=sql.Identifier("read_models", name))
    with connected(conninfo) as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        models = {one.name: one for one in read_models(connection, 0)}
        return _Kept(
            position=models[name].position,
            parked={row[0] for row in connection.execute(PARKED, (name,))},
            rows={
                (account, bytes(raw).decode("utf-8", "surrogatepass")): bytes(state)
                for account, raw, state in connection.execute(query, binary=True)
            },
        )
