"""Where read models differ from what the log says they should be.

The log is folded anew, in memory, up to the bookmark of each read model, and what comes of
it is compared with the rows as they are kept, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import attrs
import msgspec
from psycopg import sql

from ledger.errors import UnavailableError
from ledger.postgres import PostgresLog
from projections.models.declaration import Projection
from projections.models.registry import PROJECTIONS
from projections.projector.fleet import Fleet
from projections.projector.packing import unpacked
from projections.projector.rows import Codec, Row
from projections.projector.runner import Runner
from projections.projector.twin import MemoryRows
from replay.ledgers import Connection, connected
from replay.models import read_models
from replay.rebuild.differing import Parting, parting, said

STEP: Final = 16384
FETCHED: Final = 2000
NAMED_MAX: Final = 1000
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
        differing: How many objects differ.
        differences: The first of them, at most `NAMED_MAX`.
    """

    projection: str
    rows: int
    position: int
    differing: int
    differences: tuple[Difference, ...]


@attrs.frozen(kw_only=True)
class _Rehearsal:
    """A projection on its way through the log once more, in memory."""

    projection: Projection[Any]
    twin: MemoryRows
    runner: Runner


async def compare(
    conninfo: str,
    progress: Callable[[int, int], None],
    projections: Sequence[Projection[Any]] = PROJECTIONS,
) -> list[Compared]:
    """Compare *projections*, those that there are; parked accounts are passed over.

    The log is read once for all of them, up to where all have read; each is then taken on
    to its own bookmark.

    Raises:
        UnavailableError: The rows are of another version of this program.
    """
    with connected(conninfo) as connection:
        known = {one.name: one for one in read_models(connection, 0)}
    present = [each for each in projections if each.name in known]
    if not present:
        return []
    for each in present:
        _of_this_version(each, known[each.name].version)
    total = min(known[each.name].position for each in present)
    async with PostgresLog.open(conninfo, readers=2) as log:
        rehearsals = [_rehearsal(each, log) for each in present]
        fleet = Fleet(log, [each.runner for each in rehearsals])
        for until in (*range(STEP, total, STEP), total):
            await fleet.catch_up(until)
            progress(until, total)
        return [await _compared(conninfo, each) for each in rehearsals]


def _of_this_version(projection: Projection[Any], version: int) -> None:
    if version != projection.version:
        raise UnavailableError(
            f"the rows of {projection.name} are of version {version}, this program's of "
            f"{projection.version}; run bl projections rebuild {projection.name}"
        )


def _rehearsal(projection: Projection[Any], log: PostgresLog) -> _Rehearsal:
    twin = MemoryRows(projection.version)
    return _Rehearsal(
        projection=projection, twin=twin, runner=Runner(projection, log, twin)
    )


async def _compared(conninfo: str, rehearsal: _Rehearsal) -> Compared:
    """Compare with rows and bookmark of one moment: the projector may be at work."""
    projection, twin = rehearsal.projection, rehearsal.twin
    with connected(conninfo) as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        models = {one.name: one.position for one in read_models(connection, 0)}
        position = models[projection.name]
        await rehearsal.runner.catch_up(position)
        rows = len(twin.rows)
        parked = {row[0] for row in connection.execute(PARKED, (projection.name,))}
        found = _Found(Codec(projection), projection.name, parked | set(twin.failures))
        for key, kept in _kept(connection, projection.name):
            found.take(key, twin.rows.pop(key, None), kept)
        for key, wanted in twin.rows.items():
            found.take(key, wanted, None)
    twin.rows.clear()
    return Compared(
        projection=projection.name,
        rows=rows,
        position=position,
        differing=found.count,
        differences=tuple(sorted(found.named, key=_place)),
    )


class _Found:
    """Counts the objects that differ, and names the first of them."""

    def __init__(self, codec: Codec[Any], name: str, passed_over: set[str]) -> None:
        self.count = 0
        self.named: list[Difference] = []
        self._codec = codec
        self._name = name
        self._passed_over = passed_over

    def take(self, key: Key, wanted: Row | None, kept: Row | None) -> None:
        """Take note of an object, if it differs."""
        if wanted == kept or key[0] in self._passed_over:
            return
        self.count += 1
        if len(self.named) == NAMED_MAX:
            return
        what = "missing" if kept is None else "extra" if wanted is None else "other"
        difference = Difference(
            projection=self._name,
            account=key[0],
            object_id=key[1],
            what=what,
            **_where(self._codec, wanted, kept),
        )
        self.named.append(difference)


def _place(difference: Difference) -> Key:
    return difference.account, difference.object_id


def _kept(connection: Connection, name: str) -> Iterator[tuple[Key, Row]]:
    """Yield the rows as they are kept, some at a time."""
    query = KEPT.format(view=sql.Identifier("read_models", name))
    with connection.cursor("kept", binary=True) as cursor:
        cursor.itersize = FETCHED
        cursor.execute(query)
        for account, raw, state, refers in cursor:
            yield (account, unpacked(raw)), Row(state=bytes(state), refers=refers)


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
