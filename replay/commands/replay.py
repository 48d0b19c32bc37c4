"""Replay the log: compare what it makes with the read models, or put it in their place.

    bl replay
    bl replay --compare --projection subscriptions --projection seats
    bl replay --compare -O json
    bl replay --compare --bodies
    bl replay --swap

--compare, which is what is done if nothing is said, folds the log anew and names each row
that is kept otherwise, with its field and both values; it writes nothing. What was read of
an event's body is kept for rebuilds, bound to the log's chain and to the code that read
it, and is not read again; --bodies reads every body all the same, and bl verify too.
Exit 0 if every row is what the log makes of it, 1 if not, 3 if that cannot be told since
an event was altered. An account that is parked is named, and not compared.

--swap folds the log into tables beside the live ones, which readers and the projector go
on using, and puts all of them in place in one step. Interrupted (Ctrl-C), nothing is put
in place, and the next --swap goes on where this one was. Without --projection all read
models are meant.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Final

import attrs
from cyclopts import Parameter

from ledger.errors import NotFoundError
from projections.models.declaration import Projection
from projections.models.registry import PROJECTIONS
from replay.arguments.options import Reporting, UsageError
from replay.commands import projections as read_models
from replay.ledgers import Connection, connected, database
from replay.rebuild.differences import Compared
from replay.rebuild.drift import compare
from replay.rebuild.drift_words import drift_findings, parked_said
from replay.rebuild.swapping import swap as swapped
from replay.report.output import write
from replay.report.progress import progress
from replay.report.report import Column, Report
from replay.report.stamping import stamp_of

COLUMNS: Final = (
    Column("projection", "read model"),
    Column("account", "account", usual=22),
    Column("object_id", "object", usual=30),
    Column("what", "row", fixed=True),
    Column("field", "field"),
    Column("expected", "the log says"),
    Column("actual", "kept"),
)
_KNOWN: Final = {each.name: each for each in PROJECTIONS}


def run(
    *,
    projection: Annotated[
        tuple[str, ...], Parameter(negative="", help="A read model; may be given again.")
    ] = (),
    compare: Annotated[bool, Parameter(negative="")] = False,
    swap: Annotated[bool, Parameter(negative="")] = False,
    bodies: Annotated[bool, Parameter(negative="")] = False,
    options: Reporting | None = None,
) -> int:
    """Compare the read models with the log, or make them anew.

    Args:
        compare: Name each row that is not what the log makes of it.
        swap: Put what the log makes in the place of the read models.
        bodies: Read every body again, also where what it says is kept.
    """
    if compare and swap:
        raise UsageError("--compare writes nothing and --swap replaces: give one of them")
    if bodies and swap:
        raise UsageError("--bodies is for --compare")
    options = options or Reporting()
    chosen = _chosen(projection)
    return _swap(chosen, options) if swap else _compare(chosen, options, bodies=bodies)


def _chosen(names: Sequence[str]) -> list[Projection[Any]]:
    for name in names:
        if name not in _KNOWN:
            raise NotFoundError(
                f"there is no read model {name!r:.80}; there are {', '.join(_KNOWN)}"
            )
    return [_KNOWN[name] for name in dict.fromkeys(names or _KNOWN)]


def _swap(chosen: Sequence[Projection[Any]], options: Reporting) -> int:
    with database() as conninfo:
        with progress("replay", options.progress) as tick:
            asyncio.run(swapped(conninfo, chosen, tick))
        read_models.report(conninfo, options)
    return 0


def _compare(chosen: Sequence[Projection[Any]], options: Reporting, *, bodies: bool) -> int:
    with database() as conninfo:
        with progress("replay", options.progress) as tick:
            compared = asyncio.run(compare(conninfo, tick, chosen, bodies=bodies))
        with connected(conninfo) as connection:
            write(_report(compared, connection), options)
    return 1 if any(one.differing for one in compared) else 0


def _report(compared: Sequence[Compared], connection: Connection) -> Report:
    rows = sum(one.rows for one in compared)
    differing = sum(one.differing for one in compared)
    findings, parked = drift_findings(compared), parked_said(compared)
    position = min((one.position for one in compared), default=0)
    return Report(
        columns=COLUMNS,
        records=[attrs.asdict(each) for one in compared for each in one.differences],
        records_name="differences",
        facts={
            "ok": not differing,
            "findings": findings,
            "projections": [
                {
                    "projection": one.projection,
                    "position": one.position,
                    "rows": one.rows,
                    "differing": one.differing,
                }
                for one in compared
            ],
        },
        card=(
            ("compared", f"{len(compared)} read models, {rows:,} rows, to #{position:,}"),
            ("differ", _said(differing, sum(len(one.differences) for one in compared))),
            *[("parked", parked)] * (parked is not None),
        ),
        stamp=stamp_of(connection, {"compared": rows, "differ": differing}),
    )


def _said(differing: int, named: int) -> str:
    if not differing:
        return "none: every row is what the log makes of it"
    rest = "" if named == differing else f", of which the first {named:,} are named"
    return f"{differing:,}{rest}; bl replay --swap makes them anew"
