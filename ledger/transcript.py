"""The log as JSON lines: everything that is stored, so that the same log can be made again.

    {"ledger": "led_…", "mode": "live", "position": 48213, "hash": "7f3a…", …}
    {"position": 1, "recorded_at": "…", "topic": "stripe_event", …, "content": {…}}

The first line names the log and its head. Each other line is a row: its columns, ``body``
as it is stored (Base64), ``hash``, and for readers ``content``, the body as JSON where it
is that. Whoever reads a transcript checks the chain; ``content`` is then not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import attrs
import msgspec

from ledger.encoding import Encodings, dictionary_digest
from ledger.errors import IntegrityFailureError, LedgerError
from ledger.row import Row, chain_hash, genesis_hash, pack, preamble

FORM: Final = 1


class TranscriptError(LedgerError):
    """The file is no transcript of a log; give one that bl export --format jsonl wrote."""


class Title(msgspec.Struct, frozen=True, kw_only=True):
    """The first line: which log, and how far.

    Attributes:
        hash: The head's, in hex.
        encodings: The SHA-256 of each dictionary that stored bodies need, by number.
    """

    form: int = FORM
    ledger: str
    mode: str
    position: int
    hash: str
    encodings: dict[str, str]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it is read back; columns as in `ledger.row.Row`."""

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
    hash: str

    def row(self) -> Row:
        """Return it as it was stored."""
        return Row(*(getattr(self, name) for name in Row._fields))


@attrs.frozen
class Retold:
    """A row whose hash was found to follow from all before it."""

    fields: bytes
    hash: bytes
    position: int
    recorded_at: datetime


_ENCODER: Final = msgspec.json.Encoder()
_TITLE: Final = msgspec.json.Decoder(Title)
_LINE: Final = msgspec.json.Decoder(Line)


def title_line(title: Title) -> bytes:
    """Write the first line."""
    return _ENCODER.encode(title) + b"\n"


def digests(dictionaries: Mapping[int, bytes]) -> dict[str, str]:
    """Return what `Title.encodings` says of *dictionaries*."""
    return {str(number): dictionary_digest(raw) for number, raw in dictionaries.items()}


def row_line(row: Row, digest: bytes, encodings: Encodings) -> bytes:
    """Write a row and its hash."""
    told: dict[str, Any] = row._asdict()
    told["hash"] = digest.hex()
    told["content"] = _content(encodings.decode(row.encoding_id, row.body))
    return _ENCODER.encode(told) + b"\n"


def _content(body: bytes) -> msgspec.Raw | None:
    try:
        compact = msgspec.json.format(body, indent=-1)
        # The formatter lets through what is no JSON, such as text that is not UTF-8.
        msgspec.json.decode(compact)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
    return msgspec.Raw(compact)


def titled(line: bytes) -> Title:
    """Read the first line.

    Raises:
        TranscriptError: It is something else, or of a later release.
    """
    try:
        title = _TITLE.decode(line)
    except msgspec.MsgspecError as error:
        raise TranscriptError(f"line 1 is no title of a transcript: {error}") from None
    if title.form != FORM:
        raise TranscriptError(f"line 1 tells of form {title.form}; upgrade, then try again")
    return title


def retold(title: Title, lines: Iterable[bytes]) -> Iterator[Retold]:
    """Yield the rows after *title*, each checked against the chain.

    Raises:
        TranscriptError: A line is no row.
        IntegrityFailureError: A row was changed, is missing or stands elsewhere, or the
            last one is not the head.
    """
    before = preamble(title.ledger)
    digest, position = genesis_hash(title.ledger), 0
    recorded_at: datetime | None = None
    for number, line in enumerate(lines, start=2):
        told = _line(line, number)
        if told.position != position + 1:
            raise IntegrityFailureError(
                f"line {number} is #{told.position}, where #{position + 1} should be"
            )
        fields = b"".join(_packed(told, number))
        digest = chain_hash(before, digest, fields)
        if digest.hex() != told.hash:
            raise IntegrityFailureError(
                f"line {number}, #{told.position}, is not what was written: another hash"
            )
        if recorded_at is not None and told.recorded_at < recorded_at:
            raise IntegrityFailureError(f"line {number} was recorded before the line above")
        position, recorded_at = told.position, told.recorded_at
        yield Retold(fields, digest, position, recorded_at)
    if (position, digest.hex()) != (title.position, title.hash):
        raise IntegrityFailureError(
            f"it ends at #{position}, and the log that it tells of at #{title.position}"
        )


def _line(line: bytes, number: int) -> Line:
    try:
        return _LINE.decode(line)
    except msgspec.MsgspecError as error:
        raise TranscriptError(f"line {number} is no row of a log: {error}") from None


def _packed(told: Line, number: int) -> list[bytes]:
    try:
        return pack(told.row())
    except (ValueError, TypeError, OverflowError, LedgerError) as error:
        raise TranscriptError(f"line {number} is no row of a log: {error}") from None
