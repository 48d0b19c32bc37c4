"""Write the log to a file that others can read, and that bl import-log reads back.

    bl export --format jsonl -o 2026.jsonl
    bl export --format beancount -o books.beancount
    bl export --format jsonl | jq -r 'select(.content.type == "invoice.paid") | .position'

JSON lines: a title, then every row with its columns, its body as it is stored and, for
readers, its content as JSON. The same log gives the same bytes.

beancount is a double-entry journal, read by Beancount and by hledger: receivables, deferred
and earned revenue, tax, discounts, Stripe's clearing account, refunds, disputes, credit
notes; what it cannot tell stands at its head. It is made from the read models.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, BinaryIO, Final

from cyclopts import Parameter

from ledger.encoding import Encodings
from ledger.row import NAMES, Row
from ledger.transcript import Title, digests, row_line, title_line
from replay.journal_file import journal
from replay.ledgers import Connection, reading, state
from replay.options import OPTIONS, ProgressStyle
from replay.output import opened_binary
from replay.progress import Tick, progress
from replay.words import say

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
    BEANCOUNT = "beancount"


def run(
    *,
    form: Annotated[ExportFormat, Parameter(name="--format")] = ExportFormat.JSONL,
    output: Annotated[
        Path | None, Parameter(name=("--output", "-o"), group=OPTIONS)
    ] = None,
    shown: Annotated[ProgressStyle, Parameter(name="--progress", group=OPTIONS)] = (
        ProgressStyle.AUTO
    ),
) -> int:
    """Write all of the log up to its head as it is now.

    Args:
        form: What is written.
        output: Write to a file, whole or not at all; stdout if not said.
        shown: Show work under way.
    """
    target = None if str(output) == "-" else output
    with (
        reading() as connection,
        opened_binary(target) as out,
        progress("export", shown) as tick,
    ):
        count = WRITERS[form](connection, out, tick)
    say(f"bl export: {count:,} {COUNTED[form]}")
    return 0


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
    for row, digest in rows(connection, head.position):
        out.write(row_line(row, digest, encodings))
        if row.position % PAGE == 0:
            tick(row.position, head.position)
    return head.position


def rows(connection: Connection, head: int) -> Iterator[tuple[Row, bytes]]:
    """Yield rows page by page: one long statement would hold back the server's cleaning."""
    cursor = connection.cursor(binary=True)
    for after in range(0, head, PAGE):
        cursor.execute(ROWS, (after, min(after + PAGE, head)))
        for *fields, digest in cursor:
            yield Row(*fields), digest


WRITERS: Final[dict[ExportFormat, Callable[[Connection, BinaryIO, Tick], int]]] = {
    ExportFormat.JSONL: _lines,
    ExportFormat.BEANCOUNT: journal,
}
COUNTED: Final = {ExportFormat.JSONL: "events", ExportFormat.BEANCOUNT: "entries"}
