"""How a report is written: one writer for each form, to stdout or to a file, whole.

table   for people                              json   one document, stamp inside
md      for a page                              jsonl  one record on each line
csv     for a sheet                             parquet  for whatever asks in SQL
                       (the stamp of jsonl, csv and parquet: on stderr)
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, TextIO

import attrs
import msgspec

from ledger.moments import rfc3339
from replay.arguments.options import Format, Reporting, UsageError
from replay.report.drafts import opened, opened_binary
from replay.report.parquet_report import write_records
from replay.report.report import Column, Record, Report
from replay.report.stamp import Stamp
from replay.report.style import Style
from replay.report.table import NOTHING, card_lines, shown, table_lines, wrapped
from replay.report.text import lines, markdown_cell, sheet_cell
from replay.report.words import say

DRAWN_WITH: Final = "\u2500\u2502\u251c\u2514\u2713\u2212\u00d7\u2026"
Writer = Callable[[Report, TextIO, Style], Stamp | None]


def write(report: Report, options: Reporting) -> None:
    """Write *report* as *options* say.

    Raises:
        OutputError: The file cannot be written.
    """
    form = options.chosen
    if not report.live:
        # What cannot be told at all is known before anything is written.
        records = iter(report.records)
        first = [*islice(records, 1)]
        report = attrs.evolve(report, records=chain(first, records))
    if form is Format.PARQUET:
        stamp = _write_parquet(report, options.target)
    else:
        with opened(options.target) as out:
            stamp = WRITERS[form](report, out, style_of(options))
            out.flush()
    if stamp is not None and form in {Format.CSV, Format.JSONL, Format.PARQUET}:
        for line in stamp.lines():
            say(line)


def colored() -> bool:
    """Tell whether stdout takes colours."""
    return (
        sys.stdout.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM", "dumb") != "dumb"
    )


def json_text(value: object, *, indent: int = 2) -> str:
    """Return *value* as JSON that changes nothing in a terminal."""
    encoded = msgspec.json.encode(value, enc_hook=_plain)
    return lines(msgspec.json.format(encoded, indent=indent).decode())


def style_of(options: Reporting) -> Style:
    """Return how wide and colourful a table is where *options* write it."""
    if not options.is_terminal:
        return Style(zone=options.tz, plain=options.target is None and _is_plain())
    return Style(
        zone=options.tz,
        width=shutil.get_terminal_size().columns,
        colored=colored(),
        plain=_is_plain(),
    )


def _is_plain() -> bool:
    """Tell whether stdout lacks the characters that a picture is drawn with."""
    try:
        DRAWN_WITH.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return rfc3339(value)
    raise TypeError(f"{type(value).__name__} has no place in a report")


def _records(report: Report) -> tuple[tuple[Column, ...], Iterator[Record]]:
    """Return the records, or the facts as the only one where there are no columns."""
    if report.columns:
        return report.columns, iter(report.records)
    columns = tuple(Column(key, key) for key in report.facts)
    return columns, iter([report.facts] if columns else [])


class _Counted:
    """Counts records as they pass."""

    def __init__(self, report: Report) -> None:
        self.columns, self._records = _records(report)
        self.rows = 0

    def __iter__(self) -> Iterator[Record]:
        for record in self._records:
            self.rows += 1
            yield record


def _stamp(report: Report, rows: int) -> Stamp | None:
    if report.closing is not None:
        report.closing()  # sums are checked, and stand in the stamp, in every form
    return None if report.stamp is None else report.stamp(rows)


def _write_table(report: Report, out: TextIO, style: Style) -> Stamp | None:
    if report.live and isinstance(out, io.TextIOWrapper):
        out.reconfigure(line_buffering=True)
    out.writelines(f"{line}\n" for line in card_lines(report.card, style))
    if report.text:
        out.write(f"\n{lines(report.text)}\n")
    rows = _write_body(report, out, style)
    if report.closing is not None:
        out.write("\n")
        out.writelines(f"{line}\n" for line in card_lines(report.closing().card, style))
    stamp = _stamp(report, rows)
    if stamp is not None:
        out.write("\n")
        room = None if style.width is None else style.width - 1
        out.writelines(
            f" {style.faint(part)}\n"
            for line in stamp.lines()
            for part in wrapped(shown(line, style.zone), room)
        )
    return stamp


def _write_body(report: Report, out: TextIO, style: Style) -> int:
    """Write the records, or what shows them; return how many they are."""
    if report.picture is not None:
        out.writelines(f"{line}\n" for line in report.picture(style))
        return sum(1 for _ in report.records)
    rows = 0
    for rows, line in enumerate(table_lines(report, style)):
        if rows == 0 and report.card:
            out.write("\n")
        out.write(f"{line}\n")
    return rows


def _write_json(report: Report, out: TextIO, _style: Style) -> Stamp | None:
    out.write("{")
    rows = 0
    out.writelines(
        f"\n  {json_text(key)}: {_indented(value)}," for key, value in report.facts.items()
    )
    if report.columns:
        out.write(f"\n  {json_text(report.records_name)}: [")
        for rows, record in enumerate(report.records, start=1):
            out.write(",\n    " if rows > 1 else "\n    ")
            out.write(json_text(_keyed(report.columns, record), indent=0))
        out.write("\n  ]," if rows else "],")
    if report.closing is not None:
        closing = report.closing().facts.items()
        out.writelines(f"\n  {json_text(k)}: {_indented(v)}," for k, v in closing)
    stamp = _stamp(report, rows)
    document = None if stamp is None else stamp.document()
    out.write(f'\n  "stamp": {_indented(document)}\n}}\n')
    return stamp


def _write_jsonl(report: Report, out: TextIO, _style: Style) -> Stamp | None:
    counted = _Counted(report)
    for record in counted:
        out.write(f"{json_text(_keyed(counted.columns, record), indent=-1)}\n")
        if report.live:
            out.flush()
    return _stamp(report, counted.rows)


def _write_csv(report: Report, out: TextIO, _style: Style) -> Stamp | None:
    counted = _Counted(report)
    sheet = csv.writer(out, lineterminator="\n")
    sheet.writerow([column.key for column in counted.columns])
    for record in counted:
        sheet.writerow([csv_cell(record.get(column.key)) for column in counted.columns])
    return _stamp(report, counted.rows)


def _write_parquet(report: Report, target: Path | None) -> Stamp | None:
    if target is None and sys.stdout.isatty():
        raise UsageError("a Parquet file is nothing to read here: give -o FILE")
    counted = _Counted(report)
    keys = [column.key for column in counted.columns]
    with opened_binary(target) as out:
        write_records(out, keys, iter(counted), _text)
    return _stamp(report, counted.rows)


def _text(value: object) -> str:
    return rfc3339(value) if isinstance(value, datetime) else json_text(value, indent=-1)


def _write_markdown(report: Report, out: TextIO, style: Style) -> Stamp | None:
    for label, value in report.card:
        text = "" if value == "" else markdown_cell(shown(value, style.zone))
        out.write(f"- {label}: {text}\n" if label else f"{text}\n")
    titled = [column for column in report.columns if column.title]
    rows = 0
    for rows, record in enumerate(report.records, start=1):
        if rows == 1:
            out.write("\n" if report.card else "")
            out.write(f"| {' | '.join(column.title for column in titled)} |\n")
            out.write(f"|{' --- |' * len(titled)}\n")
        cells = [shown(column.said(record), style.zone) for column in titled]
        joined = " | ".join("" if c == NOTHING else markdown_cell(c) for c in cells)
        out.write(f"| {joined} |\n")
    if report.closing is not None:
        out.write("\n")
        for label, value in report.closing().card:
            out.write(f"- {label}: {markdown_cell(shown(value, style.zone))}\n")
    stamp = _stamp(report, rows)
    if stamp is not None:
        out.write("\n" + "".join(f"{markdown_cell(line)}  \n" for line in stamp.lines()))
    return stamp


def _keyed(columns: tuple[Column, ...], record: Record) -> dict[str, object]:
    return {column.key: record.get(column.key) for column in columns}


def _indented(value: object) -> str:
    return json_text(value).replace("\n", "\n  ")


def csv_cell(value: object) -> Any:  # noqa: ANN401, csv takes what it is given
    """Return *value* as a sheet reads it: times as RFC 3339, no text as a formula."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return rfc3339(value)
    return sheet_cell(value if isinstance(value, str) else json_text(value, indent=-1))


WRITERS: Final[dict[Format, Writer]] = {
    Format.TABLE: _write_table,
    Format.JSON: _write_json,
    Format.JSONL: _write_jsonl,
    Format.CSV: _write_csv,
    Format.MD: _write_markdown,
}
