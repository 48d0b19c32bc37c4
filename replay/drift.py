"""Where read models differ from what the log says they should be.

Each read model is folded anew from the log, in memory, up to its own bookmark, and then
compared with the rows as they are kept, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs
from psycopg import sql

from ledger.postgres import PostgresLog
from projections.declaration import Projection
from projections.registry import PROJECTIONS
from projections.runner import Runner
from projections.twin import MemoryRows
from replay.ledgers import Connection, connected
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


async def compare(conninfo: str, progress: Callable[[int, int], None]) -> list[Compared]:
    """Compare every read model there is; accounts that are parked are passed over."""
    with connected(conninfo) as connection:
        known = {one.name: one for one in read_models(connection, 0)}
    compared = []
    present = [each for each in PROJECTIONS if each.name in known]
    total = sum(known[each.name].position for each in present)
    done = 0
    async with PostgresLog.open(conninfo) as log:
        for projection in present:
            model = known[projection.name]
            if model.version != projection.version:
                continue
            twin = MemoryRows(projection.version)
            runner = Runner(projection, log, twin)
            for until in range(STEP, model.position + STEP, STEP):
                await runner.catch_up(min(until, model.position))
                progress(done + min(until, model.position), total)
            done += model.position
            with connected(conninfo) as connection:
                compared.append(_compared(connection, projection, twin, model.position))
    return compared


def _compared(
    connection: Connection, projection: Projection[Any], twin: MemoryRows, position: int
) -> Compared:
    name = projection.name
    wanted = {key: row.state for key, row in twin.rows.items()}
    parked = {row[0] for row in connection.execute(PARKED, (name,))} | set(twin.failures)
    kept = dict(_kept(connection, name))
    found = [
        Difference(projection=name, account=key[0], object_id=key[1], what=what)
        for key, what in _different(wanted, kept)
        if key[0] not in parked
    ]
    return Compared(
        projection=name, rows=len(wanted), position=position, differences=tuple(found)
    )


def _different(
    wanted: dict[Key, bytes], kept: dict[Key, bytes]
) -> Iterator[tuple[Key, str]]:
    for key in sorted(wanted.keys() | kept.keys()):
        if key not in kept:
            yield key, "missing"
        elif key not in wanted:
            yield key, "extra"
        elif wanted[key] != kept[key]:
            yield key, "other"


def _kept(connection: Connection, name: str) -> Iterator[tuple[Key, bytes]]:
    query = KEPT.format(view=sql.Identifier("read_models", name))
    for account, raw, state in connection.execute(query, binary=True):
        yield (account, bytes(raw).decode("utf-8", "surrogatepass")), bytes(state)
