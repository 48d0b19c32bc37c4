"""List the read models, or make them anew from the log.

    bl projections list
    bl projections rebuild                       all of them
    bl projections rebuild subscriptions seats

A rebuild folds the whole log into tables of its own while readers and the projector go on,
and takes their place in one step; interrupted, it goes on where it was when it is started
again. It heals rows that bl verify found to differ, and lets go whoever is parked if this
release can read what stopped them. The log is only read.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from cyclopts import Parameter

from ledger.errors import NotFoundError
from projections.models.registry import PROJECTIONS
from replay.arguments.options import Reporting
from replay.commands.status import COLUMNS
from replay.ledgers import connected, database, state
from replay.models import read_models
from replay.rebuild.swapping import swap
from replay.report.output import write
from replay.report.progress import progress
from replay.report.report import Report
from replay.report.stamping import stamp_of

KNOWN = {each.name: each for each in PROJECTIONS}


def listed(*, options: Reporting | None = None) -> int:
    """List the read models."""
    with database() as conninfo:
        report(conninfo, options or Reporting())
    return 0


def rebuild(
    *names: Annotated[str, Parameter(help="Read models; all if none is named.")],
    options: Reporting | None = None,
) -> int:
    """Make read models anew.

    Raises:
        NotFoundError: There is none of that name.
    """
    for name in names:
        if name not in KNOWN:
            raise NotFoundError(
                f"there is no read model {name!r:.80}; there are {', '.join(KNOWN)}"
            )
    with database() as conninfo:
        chosen = [KNOWN[name] for name in dict.fromkeys(names or KNOWN)]
        options = options or Reporting()
        with progress("rebuild", options.progress) as tick:
            asyncio.run(swap(conninfo, chosen, tick))
        report(conninfo, options)
    return 0


def report(conninfo: str, options: Reporting) -> None:
    """Write where the read models stand."""
    with connected(conninfo) as connection:
        head, _ = state(connection)
        models = read_models(connection, head.position)
        report = Report(
            columns=COLUMNS,
            records=[
                {column.key: getattr(one, column.key) for column in COLUMNS}
                for one in models
            ],
            records_name="projections",
            facts={"position": head.position},
            stamp=stamp_of(connection),
        )
        write(report, options)
