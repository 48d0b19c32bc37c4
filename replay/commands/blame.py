"""Tell which event set each field of an account, when, and who caused it.

    bl blame cus_JT01
    bl blame cus_JT01 seats                     only the fields below seats
    bl blame cus_JT01 --as-of 2026-11-01
    bl blame cus_JT01 --known-at '#48213' -O csv

Each line is a field as bl show -O json has it, its value, and the event after which it has
had that value ever since. Dates are evaluated at the moment asked about for all of them,
so a field is never blamed on a day that passed. bl show '#48213' shows the event.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from ledger.errors import NotFoundError
from ledger.log import Recorded
from projections.api.event_view import event_line
from projections.rendering import billing, without_evidence
from projections.story.authors import author
from replay.arguments.options import Asking
from replay.asking import question
from replay.ledgers import connected, database
from replay.past.unfolding import Unfolding, flat, unfolding
from replay.report.output import write
from replay.report.progress import progress
from replay.report.report import Column, Record, Report
from replay.report.stamping import stamp_of

COLUMNS = (
    Column("field", "field", usual=30),
    Column("value", "value"),
    Column("position", "#", fixed=True),
    Column("at", "when", fixed=True, spare=3),
    Column("type", "event", spare=2),
    Column("by", "by", spare=1),
    Column("event", ""),
)


@attrs.frozen(kw_only=True)
class Setting:
    """A field's value, and the event that set it; None where none ever did."""

    value: Any
    event: Recorded | None


def run(subject: str, field: str = "", /, *, options: Asking | None = None) -> int:
    """Name the event behind each field.

    Args:
        subject: cus_…, or the product's own id.
        field: Only this one, and those below it: seats, or subscription.status.
    """
    options = options or Asking()
    with database() as conninfo, connected(conninfo) as connection:
        found = unfolding(conninfo, subject, question(options))
        with progress("blame", options.progress) as tick:
            blamed = settings(found, tick)
        wanted = {name: one for name, one in blamed.items() if _is_below(name, field)}
        if not wanted:
            raise NotFoundError(f"an account has no field {field}; see bl blame {subject}")
        report = Report(
            columns=COLUMNS,
            records=list(_records(wanted)),
            records_name="fields",
            facts={"account": found.linked.account},
            card=(("", found.linked.account),),
            stamp=stamp_of(connection),
        )
        write(report, options)
    return 0


def settings(found: Unfolding, tick: Any) -> dict[str, Setting]:  # noqa: ANN401, a Tick
    """Return each field with the event after which it has had its value ever since."""
    blamed: dict[str, Setting] = {}
    for number, (one, told) in enumerate(found.steps(), start=1):
        values = dict(flat(without_evidence(billing(told))))
        blamed = {
            name: known
            if (known := blamed.get(name)) is not None and known.value == value
            else Setting(value=value, event=one if known or not _is_empty(value) else None)
            for name, value in values.items()
        }
        tick(number, len(found.recorded))
    return blamed


def _is_empty(value: Any) -> bool:  # noqa: ANN401, any JSON
    return value is None or value in ("", 0, False)


def _is_below(name: str, field: str) -> bool:
    return not field or name == field or name.startswith((f"{field}.", f"{field}["))


def _records(blamed: dict[str, Setting]) -> Iterator[Record]:
    for name, setting in blamed.items():
        yield {"field": name, "value": setting.value, **_event(setting.event)}


def _event(recorded: Recorded | None) -> Record:
    if recorded is None:
        return {"position": None, "at": None, "type": None, "by": None, "event": None}
    line = event_line(recorded)
    return {
        "position": recorded.position,
        "at": getattr(recorded.event, "occurred_at", None)
        or getattr(recorded.event, "effective_at", None)
        or recorded.recorded_at,
        "type": line.get("type") or line["topic"],
        "by": author(recorded.event),
        "event": line["id"],
    }
