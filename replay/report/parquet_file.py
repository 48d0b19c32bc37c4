"""A Parquet file written page by page: real timestamps, whole numbers, compressed by zstd.

pyarrow takes a third of a second to import, so it is imported where a file is begun.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO

from replay.sheets.fields import Field, Kind, Page


def write_parquet(out: BinaryIO, columns: Sequence[Field], pages: Iterable[Page]) -> int:
    """Write *pages*; return how many rows they had."""
    import pyarrow as pa  # noqa: PLC0415 - see the module
    import pyarrow.parquet as pq  # noqa: PLC0415

    types = {
        Kind.NUMBER: pa.int64(),
        Kind.TEXT: pa.string(),
        Kind.TIME: pa.timestamp("us", tz="UTC"),
        Kind.FLAG: pa.bool_(),
    }
    schema = pa.schema([(each.name, types[each.kind]) for each in columns])
    rows = 0
    with pq.ParquetWriter(pa.PythonFile(out, mode="w"), schema, compression="zstd") as file:
        for page in pages:
            file.write_table(pa.Table.from_arrays(_arrays(pa, schema, page), schema=schema))
            rows += len(page)
    return rows


def _arrays(pa: Any, schema: Any, page: Page) -> list[Any]:  # noqa: ANN401 - of pyarrow
    columns = list(zip(*page, strict=True)) or [()] * len(schema)
    return [
        pa.array(column, type=field.type)
        for column, field in zip(columns, schema, strict=True)
    ]
