"""Check that everything is set up as it must be.

    bl doctor
    bl doctor -O json

Looks at every setting (secrets are never shown) and where it comes from, the schema, what
each database role is refused, whether commits reach the disk, the clocks, the webhook
secrets and the read models. Exit 0 if all is well, 1 if anything is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from ledger.errors import LedgerError, NotConfiguredError
from ledger.settings import Settings, load
from replay.arguments.options import Reporting
from replay.diagnosis import Check, database_checks, settings_checks
from replay.ledgers import connected, database
from replay.report.output import write
from replay.report.report import Column, Report
from replay.report.stamp import Stamp
from replay.report.stamping import stamp_of

COLUMNS = (
    Column("name", "check", fixed=True),
    Column("ok", "ok", fixed=True),
    Column("detail", "what was found"),
    Column("source", "from", fixed=True),
)


def run(*, options: Reporting | None = None) -> int:
    """Check everything and report."""
    stamps: list[Callable[[int], Stamp]] = []
    checks = list(_checks(stamps))
    wrong = [check for check in checks if not check.ok]
    facts = {
        "ok": not wrong,
        "findings": [
            {"code": check.name, "severity": "error", "message": check.detail}
            for check in wrong
        ],
    }
    records = [
        {"name": each.name, "ok": each.ok, "detail": each.detail, "source": each.source}
        for each in checks
    ]
    report = Report(
        columns=COLUMNS,
        records=records,
        records_name="checks",
        facts=facts,
        stamp=next(iter(stamps), None),
    )
    write(report, options or Reporting())
    return 1 if wrong else 0


def _checks(stamps: list[Callable[[int], Stamp]]) -> Iterator[Check]:
    try:
        settings = load()
    except NotConfiguredError as error:
        yield Check(name="settings", ok=False, detail=str(error))
        return
    yield from settings_checks(settings)
    yield from _database_checks(settings, stamps)


def _database_checks(
    settings: Settings, stamps: list[Callable[[int], Stamp]]
) -> Iterator[Check]:
    """Yield what the database is like; put the report's stamp into *stamps*."""
    found: list[Check] = []
    try:
        with database(settings) as conninfo:
            found += [Check(name="database", detail="reached")]
            found += database_checks(conninfo)
            with suppress(LedgerError), connected(conninfo) as connection:
                stamps.append(stamp_of(connection))
    except LedgerError as error:
        found.append(Check(name="database", ok=False, detail=str(error)))
    yield from found
