"""A row of the log: its columns, their bytes, and the hash that chains it.

    hash = SHA-256( preamble | previous hash | field count | field | field | … )

A field is its length as a 32-bit integer, -1 for null, then its value, all big-endian:
exactly a tuple of PostgreSQL's binary COPY format, so that what is hashed when a row is
written is what the server sends when it is checked. Times are microseconds since
2000-01-01 UTC, texts UTF-8. The preamble binds the ledger's id, and the first field is
the version of this framing, so a later framing can stand beside it in one chain.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, NamedTuple

import attrs

from ledger.errors import LedgerError

FRAMING: Final = 1
TEXT_BYTES_MAX: Final = 1024  # an index of PostgreSQL holds no more than about 2,700
NULL: Final = b"\xff\xff\xff\xff"
EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)

_length = struct.Struct(">i").pack
_int2 = struct.Struct(">ih").pack
_int4 = struct.Struct(">ii").pack
_int8 = struct.Struct(">iq").pack


def _text(value: str) -> bytes:
    raw = value.encode()
    if len(raw) > TEXT_BYTES_MAX or b"\0" in raw:
        raise ValueError(f"a text has a NUL or more than {TEXT_BYTES_MAX:,} bytes")
    return _length(len(raw)) + raw


# Columns with few values pack each of them once.
_word = lru_cache(maxsize=1024)(_text)


def _bytea(value: bytes) -> bytes:
    return _length(len(value)) + value


def _timestamptz(value: datetime) -> bytes:
    return _int8(8, (value - EPOCH) // MICROSECOND)


class Column(NamedTuple):
    """A column of the log: its name, PostgreSQL's type and that type's oid, its bytes."""

    name: str
    type: str
    oid: int
    pack: Callable[[Any], bytes]


_TEXT: Final = ("text", 25, _text)
_WORD: Final = ("text", 25, _word)
_TIME: Final = ("timestamptz", 1184, _timestamptz)

COLUMNS: Final = (
    Column("framing", "int2", 21, lambda value: _int2(2, value)),
    Column("position", "int8", 20, lambda value: _int8(8, value)),
    Column("recorded_at", *_TIME),
    Column("originator_id", *_TEXT),
    Column("originator_version", "int8", 20, lambda value: _int8(8, value)),
    Column("topic", *_WORD),
    Column("source", *_WORD),
    Column("account", *_TEXT),
    Column("occurred_at", *_TIME),
    Column("stripe_type", *_WORD),
    Column("api_version", *_WORD),
    Column("livemode", "bool", 16, lambda value: b"\x00\x00\x00\x01" + bytes((value,))),
    Column("stripe_account", *_WORD),
    Column("object_id", *_TEXT),
    Column("endpoint", *_WORD),
    Column("signed_at", *_TIME),
    Column("verdict", *_WORD),
    Column("encoding_id", "int4", 23, lambda value: _int4(4, value)),
    Column("key_id", *_WORD),
    Column("body", "bytea", 17, _bytea),
)
NAMES: Final = ", ".join(column.name for column in COLUMNS)
FIELD_COUNT: Final = struct.pack(">h", len(COLUMNS))
_PLACE: Final = 3  # framing, position and recorded_at are known only under the lock


class UnstorableError(LedgerError):
    """A field of an event does not fit the log; shorten or correct it."""


class Row(NamedTuple):
    """One row of the log, as stored; ``body`` is still encoded."""

    framing: int
    position: int
    recorded_at: datetime
    originator_id: str
    originator_version: int
    topic: str
    source: str | None
    account: str | None
    occurred_at: datetime | None
    stripe_type: str | None
    api_version: str | None
    livemode: bool | None
    stripe_account: str | None
    object_id: str | None
    endpoint: str | None
    signed_at: datetime | None
    verdict: str
    encoding_id: int
    key_id: str | None
    body: bytes


def _packed(entry: Entry) -> list[bytes]:
    try:
        return [
            NULL if value is None else packer(value)
            for packer, value in zip(_OWN_PACKERS, _own_values(entry), strict=True)
        ]
    except (AttributeError, TypeError, ValueError, struct.error) as error:
        raise UnstorableError(f"an event cannot be stored: {error}") from error


@attrs.frozen(kw_only=True)
class Entry:
    """What will be stored of one event, before it has a place; fields as in `Row`.

    Attributes:
        packed: The fields from ``originator_id`` on, each with its length.

    Raises:
        UnstorableError: PostgreSQL would refuse a field, and with it every event of the
            same commit.
    """

    originator_id: str
    originator_version: int = 1
    topic: str
    source: str | None = None
    account: str | None = None
    occurred_at: datetime | None = None
    stripe_type: str | None = None
    api_version: str | None = None
    livemode: bool | None = None
    stripe_account: str | None = None
    object_id: str | None = None
    endpoint: str | None = None
    signed_at: datetime | None = None
    verdict: str = "accepted"
    encoding_id: int = 0
    key_id: str | None = None
    body: bytes = b""
    packed: list[bytes] = attrs.field(
        init=False, eq=False, repr=False, default=attrs.Factory(_packed, takes_self=True)
    )

    @property
    def key(self) -> tuple[str, int]:
        """What makes it unique in the log."""
        return self.originator_id, self.originator_version

    def at(self, position: int, recorded_at: datetime) -> Row:
        """Return the row it becomes at that place."""
        return Row(FRAMING, position, recorded_at, *_own_values(self))


_own_values = attrgetter(*(column.name for column in COLUMNS[_PLACE:]))
_PACKERS: Final = tuple(column.pack for column in COLUMNS)
_OWN_PACKERS: Final = _PACKERS[_PLACE:]


def pack(row: Row) -> list[bytes]:
    """Return the fields of *row*, each with its length, in the order of `COLUMNS`."""
    return [
        NULL if value is None else packer(value)
        for packer, value in zip(_PACKERS, row, strict=True)
    ]


def pack_place(position: int, recorded_at: datetime) -> list[bytes]:
    """Return the first fields of a row: framing, position and recorded_at."""
    return [_int2(2, FRAMING), _int8(8, position), _timestamptz(recorded_at)]


def preamble(ledger_id: str) -> bytes:
    """Return what every hash of that ledger begins with."""
    return _text("billing-ledger") + _text(ledger_id)


def genesis_hash(ledger_id: str) -> bytes:
    """Return the hash before the first row of that ledger."""
    return hashlib.sha256(_text("billing-ledger genesis") + _text(ledger_id)).digest()


def chain_hash(preamble: bytes, previous: bytes, fields: bytes) -> bytes:
    """Return the hash of a row from its packed *fields*, joined, and the hash before it."""
    return hashlib.sha256(preamble + previous + FIELD_COUNT + fields).digest()
