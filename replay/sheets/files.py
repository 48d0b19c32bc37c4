"""Exported tables as files: CSV for spreadsheets, Parquet for whatever asks in SQL."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import BinaryIO

from replay.report.output import csv_cell
from replay.sheets.fields import Field, Page


def write_csv(out: BinaryIO, columns: Sequence[Field], pages: Iterable[Page]) -> int:
    """Write *pages* with a heading; return how many rows they had."""
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    rows = 0
    try:
        sheet = csv.writer(text, lineterminator="\n")
        sheet.writerow([each.name for each in columns])
        for page in pages:
            sheet.writerows([csv_cell(value) for value in row] for row in page)
            rows += len(page)
        text.flush()
    finally:
        text.detach()
    return rows
