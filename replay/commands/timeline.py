"""Tell what happened to an account, in sentences, oldest first.

    bl timeline cus_JT01
    bl timeline shop-17 --as-of 2026-11-01         what had happened by then
    bl timeline cus_JT01 --known-at 2026-11-03     what was known by then
    bl timeline cus_JT01 --since 90d -O md
    bl timeline cus_JT01 --all                     also what only repeats

"When" is by the clock of whoever saw it happen, "#" the place in the log: what was told
late stands where it belongs in time, with a higher number. bl show '#48213' shows what was
told. Card numbers that somebody typed are cut to their last four digits.
"""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from ledger.clock import utc_now
from replay.arguments.moments import earlier
from replay.arguments.options import Asking
from replay.asking import need, question
from replay.ledgers import connected, database
from replay.report.output import write
from replay.report.report import Column, Record, Report
from replay.report.stamping import stamp_of
from replay.shown.story import Line, story

COLUMNS = (
    Column("position", "#", fixed=True),
    Column("at", "when", fixed=True),
    Column("text", "what happened"),
    Column("type", ""),
    Column("event", ""),
    Column("recorded_at", ""),
)


def run(
    subject: str,
    /,
    *,
    since: str | None = None,
    limit: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    all: Annotated[bool, Parameter(negative="")] = False,  # noqa: A002, as spelled
    options: Asking | None = None,
) -> int:
    """Tell what happened.

    Args:
        subject: cus_…, or the product's own id.
        since: Only what happened since: 2026-10-01, a time, or 90d ago.
        limit: Only the newest so many.
        all: Also what only repeats what another event says.
    """
    options = options or Asking()
    start = None if since is None else earlier(since, utc_now())
    with database() as conninfo, connected(conninfo) as connection:
        asked = need(conninfo, subject, question(options))
        found = story(asked, options.tz)
        if start is not None:
            found = [line for line in found if line.at >= start]
        lines = [line for line in found if all or line.news]
        left_out = len(found) - len(lines)
        if limit is not None:
            lines = lines[-limit:]
        report = Report(
            columns=COLUMNS,
            records=map(_record, lines),
            records_name="events",
            facts={"account": asked.view.linked.account, "meta": asked.meta},
            card=(
                ("", asked.view.linked.account),
                *asked.clocks,
                *[("left out", f"{left_out:,} that only repeat; see --all")]
                * bool(left_out),
            ),
            stamp=stamp_of(connection),
        )
        write(report, options)
    return 0


def _record(line: Line) -> Record:
    return {
        "position": line.position,
        "at": line.at,
        "text": line.text,
        "type": line.kind,
        "event": line.event,
        "recorded_at": line.recorded_at,
    }
