"""Rows as PostgreSQL takes them: a column an array, and an object's id as bytes."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ledger.appender import PackedArray, packed_array
from ledger.row import NULL
from projections.projector.folding import Key
from projections.projector.rows import Row

TEXT_OID: Final = 25
BYTEA_OID: Final = 17
_length: Final = struct.Struct(">i").pack


def upserted(rows: Mapping[Key, Row]) -> tuple[list[Any], ...]:
    """Return *rows* as the columns of `UPSERT`."""
    return (
        [account for account, _ in rows],
        [packed(name) for _, name in rows],
        [row.state for row in rows.values()],
        [row.refers for row in rows.values()],
    )


def columns(rows: Mapping[Key, Row]) -> tuple[PackedArray, ...]:
    """Return `upserted`, ready to be sent: a fifth of the time for large batches."""
    accounts, objects, states, refers = upserted(rows)
    return texts(accounts), byteas(objects), byteas(states), texts(refers)


def texts(values: Sequence[str | None]) -> PackedArray:
    """Return *values* as a ``text[]``."""
    fields = [None if value is None else value.encode() for value in values]
    return _array(TEXT_OID, fields)


def byteas(values: Sequence[bytes]) -> PackedArray:
    """Return *values* as a ``bytea[]``."""
    return _array(BYTEA_OID, values)


def _array(oid: int, values: Sequence[bytes | None]) -> PackedArray:
    if not values:
        return PackedArray(struct.pack(">iii", 0, 0, oid))
    return packed_array(
        oid,
        [NULL if value is None else _length(len(value)) + value for value in values],
    )


def packed(name: str) -> bytes:
    """Return an object's id as it is stored."""
    return name.encode("utf-8", "surrogatepass")


def unpacked(name: bytes) -> str:
    """Return an object's id as it is in a fact."""
    return bytes(name).decode("utf-8", "surrogatepass")
