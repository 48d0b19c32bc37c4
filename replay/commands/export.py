"""Write the log or what it means to a file that others can read.

    bl export --format jsonl -o 2026.jsonl
    bl export --format parquet -o events.parquet
    bl export --format csv --what invoices -o invoices.csv
    bl export --format parquet --what invoices -o invoices.parquet
    duckdb -c "SELECT currency, sum(total) FROM 'invoices.parquet' GROUP BY 1"
    bl export --format beancount -o books.beancount
    bl export | jq 'select(.content.type == "invoice.paid") | .position'

JSON lines: a title, then every row with its columns, its body as it is stored and, for
readers, its content as JSON. The same log gives the same bytes, and bl import-log makes
the same log of them.

csv and parquet are tables: --what says events (the rows of the log without their bodies),
accounts, invoices, lines, seats (every change) or payments, as they are now. Times are in
UTC, amounts minor units beside a column currency; in csv no text can start a formula.

beancount is a double-entry journal, read by Beancount and by hledger: receivables, deferred
and earned revenue, tax, discounts, Stripe's clearing account, refunds, disputes, credit
notes; what it cannot tell stands at its head. It is made from the read models.
"""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, BinaryIO, Final

from cyclopts import Parameter

from ledger.encoding import Encodings
from ledger.errors import IntegrityFailureError
from ledger.row import NAMES, Row, chain_hash, genesis_hash, pack, preamble
from ledger.transcript import Title, digests, row_line, title_line
from projections.assembly import OWN
from replay.arguments.options import Reporting, UsageError
from replay.everyone import need_versions
from replay.ledgers import Connection, connected, database, state
from replay.report.drafts import opened_binary
from replay.report.made import Made
from replay.report.parquet_file import write_parquet
from replay.report.progress import Tick, progress
from replay.sheets.fields import Field, Page
from replay.sheets.files import write_csv
from replay.sheets.journal_file import journal
from replay.sheets.tables import SHEETS, What

PAGE: Final = 2_000
DICTIONARIES: Final = "SELECT encoding_id, dictionary FROM ledger.encodings"
ROWS: Final = f"""
SELECT {NAMES}, hash
  FROM ledger.log
 WHERE position > %s AND position <= %s
 ORDER BY position
"""  # noqa: S608, names of columns


class ExportFormat(enum.StrEnum):
    """What is written."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    BEANCOUNT = "beancount"


def run(
    *,
    form: Annotated[ExportFormat | None, Parameter(name="--format")] = None,
    what: What | None = None,
    options: Reporting | None = None,
) -> int:
    """Write all of the log up to its head as it is now.

    Args:
        form: What is written; what the file's name ends in if not said, else jsonl.
        what: The table, of csv and parquet; events if not said.
    """
    options = options or Reporting()
    target = options.target
    form = form or _form_of(target)
    if what is not None and form not in TABLES:
        raise UsageError("--what names a table: give it with --format csv or parquet")
    if form is ExportFormat.PARQUET and target is None and sys.stdout.isatty():
        raise UsageError("a Parquet file is nothing to read here: give -o FILE")
    what = what or What.EVENTS
    with database() as conninfo, connected(conninfo) as connection:
        made = Made(connection, options)
        if what is not What.EVENTS:
            need_versions(connection, OWN)
        with opened_binary(target) as out, progress("export", options.progress) as tick:
            if form in TABLES:
                sheet = SHEETS[what]
                pages = sheet.pages(conninfo, connection, tick)
                rows = TABLES[form](out, sheet.fields, pages)
            else:
                rows = WRITERS[form](connection, out, tick)
        counted = str(what) if form in TABLES else COUNTED[form]
        made.told("export", rows, counted, {"format": str(form), "what": counted})
    return 0


def _form_of(target: Path | None) -> ExportFormat:
    suffix = "" if target is None else target.suffix.lower()
    return _SUFFIXES.get(suffix, ExportFormat.JSONL)


def _lines(connection: Connection, out: BinaryIO, tick: Tick) -> int:
    head, mode = state(connection)
    dictionaries: dict[int, bytes] = dict(connection.execute(DICTIONARIES).fetchall())
    title = Title(
        ledger=head.ledger_id,
        mode=mode,
        position=head.position,
        hash=head.hash.hex(),
        encodings=digests(dictionaries),
    )
    encodings = Encodings(dictionaries)
    out.write(title_line(title))
    for row, digest in rows(connection, head.ledger_id, head.position):
        out.write(row_line(row, digest, encodings))
        if row.position % PAGE == 0:
            tick(row.position, head.position)
    return head.position


def rows(connection: Connection, ledger_id: str, head: int) -> Iterator[tuple[Row, bytes]]:
    """Yield rows page by page: one long statement would hold back the server's cleaning.

    Raises:
        IntegrityFailureError: A row is not what was written; it is not passed on.
    """
    before, last, position = preamble(ledger_id), genesis_hash(ledger_id), 0
    cursor = connection.cursor(binary=True)
    for after in range(0, head, PAGE):
        cursor.execute(ROWS, (after, min(after + PAGE, head)))
        for *fields, digest in cursor:
            row, position = Row(*fields), position + 1
            last = chain_hash(before, last, b"".join(pack(row)))
            if (row.position, digest) != (position, last):
                raise IntegrityFailureError(
                    f"#{position:,} is not what was written: nothing is made of a damaged "
                    "log; run bl verify"
                )
            yield row, digest


TABLES: Final[
    dict[ExportFormat, Callable[[BinaryIO, Sequence[Field], Iterable[Page]], int]]
] = {
    ExportFormat.CSV: write_csv,
    ExportFormat.PARQUET: write_parquet,
}
WRITERS: Final[dict[ExportFormat, Callable[[Connection, BinaryIO, Tick], int]]] = {
    ExportFormat.JSONL: _lines,
    ExportFormat.BEANCOUNT: journal,
}
_SUFFIXES: Final = {f".{form}": form for form in ExportFormat}
COUNTED: Final = {ExportFormat.JSONL: "events", ExportFormat.BEANCOUNT: "entries"}
