"""A head written down outside the database, against which the log is checked later.

    billing-ledger/led_5f0c2a9be1d34d77
    48213
    f3qkQp1cV4m0Hc8Tn1nJr0Xb2mZk0o0uXl4yJrV5m5E=
    2026-11-01T00:00:00Z

Origin, position, hash (Base64) and when it was taken. A chain alone cannot show that its
end was cut off, or that all of it was written anew; a checkpoint kept elsewhere does.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Final

import attrs

from ledger.errors import LedgerError
from ledger.log import Head
from ledger.moments import rfc3339

ORIGIN: Final = "billing-ledger/"
HASH_BYTES: Final = 32
_POSITION: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class CheckpointError(LedgerError):
    """The text is no checkpoint; give the file that bl checkpoint wrote, unchanged."""


@attrs.frozen(kw_only=True)
class Checkpoint:
    """The end of a log at a moment.

    Attributes:
        position: 0 for an empty log.
        hash: The hash of the row at *position*, or the genesis hash.
    """

    ledger_id: str
    position: int
    hash: bytes
    taken_at: datetime

    @classmethod
    def of(cls, head: Head, *, now: datetime) -> Checkpoint:
        """Take a checkpoint of *head*."""
        return cls(
            ledger_id=head.ledger_id, position=head.position, hash=head.hash, taken_at=now
        )

    def text(self) -> str:
        """Write it as four lines; `parse` is the exact inverse."""
        digest = base64.b64encode(self.hash).decode()
        return (
            f"{ORIGIN}{self.ledger_id}\n{self.position}\n{digest}\n"
            f"{rfc3339(self.taken_at)}\n"
        )

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read what `text` wrote; lines after the fourth are signatures, not read here.

        Raises:
            CheckpointError: It is not a checkpoint of a billing ledger.
        """
        lines = text.splitlines()
        if len(lines) < 4 or not lines[0].startswith(ORIGIN):  # noqa: PLR2004, the form
            raise CheckpointError("not a checkpoint: its first line names no ledger")
        origin, position, digest, taken_at = lines[:4]
        if not _POSITION.fullmatch(position):
            raise CheckpointError("not a checkpoint: its second line is no position")
        try:
            raw = base64.b64decode(digest, validate=True)
            moment = datetime.fromisoformat(taken_at)
            utc = moment.astimezone(UTC)
        except (binascii.Error, ValueError, OverflowError) as error:
            raise CheckpointError(f"not a checkpoint: {error}") from None
        if len(raw) != HASH_BYTES or moment.tzinfo is None:
            raise CheckpointError("not a checkpoint: hash or time are not whole")
        return cls(
            ledger_id=origin.removeprefix(ORIGIN),
            position=int(position),
            hash=raw,
            taken_at=utc,
        )
