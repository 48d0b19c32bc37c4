"""A report as a Parquet file: a column for each key, typed by what its first rows hold.

A column that holds numbers, times or flags alone is one of them; any other is text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Any, BinaryIO, Final

from replay.report.parquet_file import write_parquet
from replay.report.report import Record
from replay.sheets.fields import Field, Kind, Page

LOOKED_AT: Final = 20_000
PAGE_ROWS: Final = 5_000


def write_records(
    out: BinaryIO,
    keys: Sequence[str],
    records: Iterator[Record],
    text: Callable[[Any], str],
) -> int:
    """Write *records*; return how many there were.

    Args:
        text: How a value is written in a column of text.
    """
    first = [*islice(records, LOOKED_AT)]
    columns = [Field(key, _kind([record.get(key) for record in first])) for key in keys]
    return write_parquet(out, columns, _pages(columns, chain(first, records), text))


def _pages(
    columns: Sequence[Field], records: Iterator[Record], text: Callable[[Any], str]
) -> Iterator[Page]:
    while some := [*islice(records, PAGE_ROWS)]:
        yield [
            tuple(_value(record.get(each.name), each.kind, text) for each in columns)
            for record in some
        ]


def _kind(values: Sequence[Any]) -> Kind:
    types = {type(value) for value in values if value is not None}
    return _KINDS.get(next(iter(types)), Kind.TEXT) if len(types) == 1 else Kind.TEXT


def _value(value: Any, kind: Kind, text: Callable[[Any], str]) -> Any:  # noqa: ANN401
    if value is None or kind is not Kind.TEXT:
        return value
    return value if isinstance(value, str) else text(value)


_KINDS: Final[dict[type[Any], Kind]] = {
    int: Kind.NUMBER,
    bool: Kind.FLAG,
    datetime: Kind.TIME,
}
