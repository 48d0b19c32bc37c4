"""List what was set aside, show it, and let a parked account go on.

    bl quarantine list
    bl quarantine show evt_1QaB             a body that cannot be read, and why
    bl quarantine show cus_JT01             where an account is parked
    bl quarantine release cus_JT01

A body is quarantined by the receiver: it was signed, but is not strict JSON or no event. It
is kept as it came and counts for nothing, whatever the release; Stripe can be asked for the
event again. An account is parked by a read model, on an event on which our code failed: it
answers with the last known. After a release that mends the code, "release" folds it again
from its stream, here and in each read model; if that fails again it stays parked and the
command ends with 5. What has no account is parked by its object, as ledger:unrouted/….
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from ledger.database import Role, connect
from ledger.envelope import read
from ledger.errors import NotConfiguredError, NotFoundError
from ledger.postgres import PostgresLog
from projections.models.registry import PROJECTIONS
from projections.projector import parking
from projections.projector.parking import Parked
from replay.arguments.options import Reporting, UsageError
from replay.ledgers import Connection, connected, database, state
from replay.report.output import write
from replay.report.report import Column, Record, Report
from replay.report.stamping import stamp_of
from replay.shown.portraits import encodings, event_report

KNOWN: Final = {each.name: each for each in PROJECTIONS}
COLUMNS: Final = (
    Column("position", "#", fixed=True),
    Column("since", "since", fixed=True),
    Column("kind", "what", fixed=True),
    Column("name", "account or event"),
    Column("projection", "read model", spare=1),
    Column("reason", "why"),
    Column("attempts", ""),
)
QUARANTINED: Final = """
SELECT position, recorded_at, originator_id, encoding_id, body
  FROM ledger.log
 WHERE verdict = 'quarantined'
 ORDER BY position
"""


def listed(*, options: Reporting | None = None) -> int:
    """List what is parked or quarantined."""
    with database() as conninfo, connected(conninfo) as connection:
        state(connection)
        records = [*_quarantined(connection), *map(_parked, _all(conninfo))]
        report = Report(
            columns=COLUMNS,
            records=sorted(records, key=_place),
            records_name="quarantine",
            stamp=stamp_of(connection),
        )
        write(report, options or Reporting())
    return 0


def show(subject: str, /, *, options: Reporting | None = None) -> int:
    """Show what was set aside.

    Args:
        subject: An event's id or position, or a parked account.
    """
    with database() as conninfo, connected(conninfo) as connection:
        state(connection)
        found = [each for each in _all(conninfo) if each.account == subject]
        if found:
            report: Report | None = _parked_report(connection, found)
        else:
            report = event_report(connection, subject, stamp_of(connection))
        if report is None:
            raise NotFoundError(f"nothing of the name {subject} was set aside")
        write(report, options or Reporting())
    return 0


def release(
    account: str, /, *, projection: str | None = None, options: Reporting | None = None
) -> int:
    """Let a parked account go on.

    Args:
        account: As bl quarantine list names it.
        projection: Only in this read model.

    Raises:
        NotFoundError: It is not parked.
        NotConfiguredError: This release fails on it as well; it stays parked.
    """
    with database() as conninfo, connected(conninfo) as connection:
        state(connection)
        found = [
            each
            for each in _all(conninfo)
            if each.account == account and projection in {None, each.projection}
        ]
        if not found:
            raise _not_parked(connection, account)
        failures = asyncio.run(_release(conninfo, found))
        report = Report(
            columns=COLUMNS,
            records=[
                {**_parked(each), "kind": "parked" if failures[each] else "released"}
                for each in found
            ],
            records_name="quarantine",
            facts={"ok": not any(failures.values())},
            stamp=stamp_of(connection),
        )
        write(report, options or Reporting())
    for each, why in failures.items():
        if why is not None:
            raise NotConfiguredError(
                f"{account} stays parked in {each.projection}: {why}; install a release "
                "that can read it"
            )
    return 0


async def _release(conninfo: str, found: Sequence[Parked]) -> dict[Parked, str | None]:
    failures: dict[Parked, str | None] = {}
    async with PostgresLog.open(conninfo, Role.PROJECTOR) as log:
        for each in found:
            failed = await parking.release(
                conninfo, log, KNOWN[each.projection], each.account
            )
            failures[each] = None if failed is None else f"{failed.error}: {failed.message}"
    return failures


def _all(conninfo: str) -> list[Parked]:
    async def ask() -> list[Parked]:
        async with await connect(conninfo, Role.READER) as connection:
            return list(await parking.parked(connection))

    return asyncio.run(ask())


def _parked(each: Parked) -> dict[str, Any]:
    return {
        "position": each.position,
        "since": each.since,
        "kind": "parked",
        "name": each.account,
        "projection": each.projection,
        "reason": f"{each.error}: {each.message}",
        "attempts": each.attempts,
    }


def _quarantined(connection: Connection) -> list[Record]:
    decode = encodings(connection).decode
    return [
        {
            "position": position,
            "since": recorded_at,
            "kind": "quarantined",
            "name": name,
            "reason": read(decode(encoding_id, body)).fault or "no event",
        }
        for position, recorded_at, name, encoding_id, body in connection.execute(
            QUARANTINED
        )
    ]


def _parked_report(connection: Connection, found: Sequence[Parked]) -> Report:
    card: list[tuple[str, object]] = [("", found[0].account)]
    for each in found:
        card += [
            ("parked in", each.projection),
            ("on the event at", f"#{each.position:,}; see bl show '#{each.position}'"),
            ("because of", f"{each.error}: {each.message}"),
            ("since", each.since),
            ("attempts", each.attempts),
        ]
    return Report(
        columns=COLUMNS,
        records=[_parked(each) for each in found],
        records_name="quarantine",
        card=tuple(card),
        stamp=stamp_of(connection),
    )


def _not_parked(connection: Connection, name: str) -> NotFoundError | UsageError:
    if any(each["name"] == name for each in _quarantined(connection)):
        return UsageError(
            f"{name} is a body that cannot be read: it counts for nothing and there is "
            "nothing to let go on; ask Stripe to deliver the event again"
        )
    return NotFoundError(f"{name} is not parked; see bl quarantine list")


def _place(record: Record) -> tuple[int, str]:
    return int(str(record["position"])), str(record.get("projection") or "")
