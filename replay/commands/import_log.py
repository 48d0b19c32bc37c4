"""Make a log again from the JSON lines that bl export wrote, to the same head.

    bl export --format jsonl -o 2026.jsonl
    DATABASE_URL=postgresql:///audit bl migrate
    DATABASE_URL=postgresql:///audit bl import-log 2026.jsonl
    DATABASE_URL=postgresql:///audit bl verify

The ledger must be empty and not in use; it becomes the one that was exported, with the
same id. Each row is checked against the chain before it is written, and all of them are
one transaction: a file that was changed or cut, or Ctrl-C, leaves nothing. The read
models follow by themselves, with the next bl serve.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from ledger.restore import restore
from ledger.transcript import retold, titled
from replay.arguments.options import Reporting, UsageError
from replay.ledgers import connected, database
from replay.report.output import write
from replay.report.progress import progress
from replay.report.report import Column, Report
from replay.report.stamping import stamp_of

COLUMNS = (
    Column("ledger", "ledger", fixed=True),
    Column("rows", "rows", fixed=True),
    Column("hash", "head"),
)


def run(file: Path, /, *, options: Reporting | None = None) -> int:
    """Write every row of the file into the ledger, whole or not at all.

    Args:
        file: What bl export --format jsonl wrote.
    """
    options = options or Reporting()
    try:
        with file.open("rb") as lines, database(create=True) as conninfo:
            title = titled(next(chain(lines, [b""])))
            with progress("import-log", options.progress) as tick:
                rows = restore(conninfo, title, retold(title, lines), tick)
            with connected(conninfo) as connection:
                record = {"ledger": title.ledger, "rows": rows, "hash": title.hash}
                report = Report(
                    columns=COLUMNS,
                    records=[record],
                    records_name="logs",
                    facts={"ok": True, "findings": []},
                    stamp=stamp_of(connection),
                )
                write(report, options)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    return 0
