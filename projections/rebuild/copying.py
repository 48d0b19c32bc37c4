"""Rows as PostgreSQL's binary COPY takes them: for a table that is filled once."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final

import psycopg
from psycopg import sql

from ledger.row import NULL
from projections.projector.folding import Key
from projections.projector.packing import packed
from projections.projector.rows import Row

COPY: Final = sql.SQL(
    "COPY {table} (account, object, state, refers) FROM STDIN (FORMAT binary)"
)
HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = struct.pack(">h", -1)
PIECE_ROWS: Final = 1000
_fields: Final = struct.Struct(">hi").pack
_length: Final = struct.Struct(">i").pack
_FIELDS: Final = 4

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


async def copy(
    connection: Connection, table: sql.Composed, rows: Mapping[Key, Row]
) -> None:
    """Add *rows* to *table*, which has none of these objects."""
    if not rows:
        return
    cursor = connection.cursor()
    async with cursor.copy(COPY.format(table=table)) as copying:
        await copying.write(HEADER)
        for piece in pieces(rows):
            await copying.write(piece)
        await copying.write(TRAILER)


def pieces(rows: Mapping[Key, Row]) -> Iterator[bytes]:
    """Yield *rows* as they are sent, some at a time."""
    fields: list[bytes] = []
    for (account, name), row in rows.items():
        owner, called, state = account.encode(), packed(name), row.state
        fields += (
            _fields(_FIELDS, len(owner)),
            owner,
            _length(len(called)),
            called,
            _length(len(state)),
            state,
        )
        if row.refers is None:
            fields.append(NULL)
        else:
            refers = row.refers.encode()
            fields += (_length(len(refers)), refers)
        if len(fields) > PIECE_ROWS * 8:
            yield b"".join(fields)
            fields.clear()
    yield b"".join(fields)
