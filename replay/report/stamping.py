"""The stamp of a report on the ledger that a connection leads to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ledger.clock import utc_now
from replay.ledgers import Connection, state
from replay.models import read_models
from replay.report.stamp import Stamp


def stamp_of(
    connection: Connection, totals: Mapping[str, int] | None = None
) -> Callable[[int], Stamp]:
    """Return what makes the stamp of a report that begins now."""
    head, mode = state(connection)
    versions = {one.name: one.version for one in read_models(connection, head.position)}
    run_at = utc_now()

    def stamp(rows: int) -> Stamp:
        return Stamp(
            ledger=head.ledger_id,
            mode=mode,
            position=head.position,
            hash=head.hash,
            projections=versions,
            run_at=run_at,
            rows=rows,
            totals={} if totals is None else totals,
        )

    return stamp
