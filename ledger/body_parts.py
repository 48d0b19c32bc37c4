"""What the bodies of all our own events have in common: who sent them, and how."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from ledger.command import Command
from ledger.encoding import Encodings
from ledger.errors import IntegrityFailureError
from ledger.events import Source
from ledger.row import Row

Shape = TypeVar("Shape")


def command_fields(command: Command, source: Source = Source.PRODUCT) -> dict[str, Any]:
    """Return the columns of an event of *command*."""
    return {
        "originator_id": command.id,
        "originator_version": command.version,
        "source": source,
    }


def decode(row: Row, encodings: Encodings, shape: type[Shape]) -> Shape:
    """Return the body of *row*.

    Raises:
        IntegrityFailureError: It is not what this program ever wrote.
    """
    try:
        return msgspec.json.decode(encodings.decode(row.encoding_id, row.body), type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise IntegrityFailureError(
            f"position {row.position}: the body of a {row.topic} cannot be read ({error})"
        ) from error


def command_of(row: Row, fingerprint: str) -> Command:
    """Return the command that *row* is of."""
    return Command(
        id=row.originator_id, version=row.originator_version, fingerprint=fingerprint
    )
