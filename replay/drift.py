"""Where read models differ from what the log says they should be.

Each read model is folded anew from the log, in memory, up to its own bookmark, and then
compared with the rows as they are kept, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs
import msgspec
from psycopg import sql

from ledger.postgres import PostgresLog
from projections.declaration import Projection
from projections.packing import unpacked
from projections.registry import PROJECTIONS
from projections.rows import Codec, Row
from projections.runner import Runner
from projections.twin import MemoryRows
from replay.differing import Parting, parting, said
from replay.ledgers import connected
from replay.models import read_models

STEP: Final = 5000
KEPT: Final = sql.SQL("SELECT account, object, state, refers FROM {view}")
PARKED: Final = "SELECT account FROM read_models.parked WHERE projection = %s"

Key = tuple[str, str]


@attrs.frozen(kw_only=True)
class Difference:
    """An object whose kept row is not what the log makes of it.

    Attributes:
        what: ``missing``, ``extra`` or ``other``.
        field: Where the state parts from what the log says; None for a whole row.
        expected: What the log says stands there.
        actual: What is kept.
    """

    projection: str
    account: str
    object_id: str
    what: str
    field: str | None = None
    expected: str | None = None
    actual: str | None = None


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
    rows: dict[Key, Row]


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
    wanted = twin.rows
    codec: Codec[Any] = Codec(projection)
    passed_over = kept.parked | set(twin.failures)
    found = [
        Difference(
            projection=projection.name,
            account=key[0],
            object_id=key[1],
            what=what,
            **_where(codec, wanted.get(key), kept.rows.get(key)),
        )
        for key, what in _different(wanted, kept.rows)
        if key[0] not in passed_over
    ]
    return Compared(
        projection=projection.name,
        rows=len(wanted),
        position=kept.position,
        differences=tuple(found),
    )


def _where(codec: Codec[Any], wanted: Row | None, kept: Row | None) -> dict[str, str]:
    """Return field, expected and actual of a row that both have."""
    if wanted is None or kept is None:
        return {}
    if wanted.state == kept.state:
        found: Parting | None = Parting("refers", said(wanted.refers), said(kept.refers))
    else:
        try:
            found = parting(codec.decode(wanted.state), codec.decode(kept.state))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            found = Parting("state", "what can be read", f"{type(error).__name__}: {error}")
    if found is None:  # the same values, written otherwise
        found = Parting("state", wanted.state.hex()[:40], kept.state.hex()[:40])
    return attrs.asdict(found)


def _different(
    wanted: Mapping[Key, Row], kept: Mapping[Key, Row]
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
                (account, unpacked(raw)): Row(state=bytes(state), refers=refers)
                for account, raw, state, refers in connection.execute(query, binary=True)
            },
        )
