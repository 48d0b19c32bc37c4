"""The stored body of a closed month: how it is written, and read again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from ledger.body_parts import command_fields, command_of, decode
from ledger.closings import MonthClosed
from ledger.encoding import Encodings
from ledger.events import Event, Source
from ledger.row import Row


class ClosingBody(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The stored body; fields are only ever added."""

    month: str
    zone: str
    position: int
    hash: str
    digest: str
    fingerprint: str
    totals: tuple[tuple[str, int], ...] = ()
    program: str = ""
    actor: str | None = None


def sealed_name(month: str, digest: str) -> str:
    """Return what the row of a closing names as its object.

    It stands in a column of its own, so that the digest can be read, and is chained, even
    for someone who cannot decode bodies.
    """
    return f"{month}:sha256:{digest}"


def _write(event: MonthClosed) -> tuple[dict[str, Any], ClosingBody]:
    fields = command_fields(event.command, Source.OPERATOR)
    named = {"object_id": sealed_name(event.month, event.digest)}
    return {**fields, **named}, ClosingBody(
        month=event.month,
        zone=event.zone,
        position=event.position,
        hash=event.hash,
        digest=event.digest,
        fingerprint=event.command.fingerprint,
        totals=event.totals,
        program=event.program,
        actor=event.actor,
    )


def _read(row: Row, encodings: Encodings) -> MonthClosed:
    body = decode(row, encodings, ClosingBody)
    return MonthClosed(
        account=row.account or "",
        command=command_of(row, body.fingerprint),
        month=body.month,
        zone=body.zone,
        position=body.position,
        hash=body.hash,
        digest=body.digest,
        totals=body.totals,
        program=body.program,
        actor=body.actor,
    )


WRITERS: Final[dict[type[Event], Callable[[Any], tuple[dict[str, Any], Any]]]] = {
    MonthClosed: _write
}
READERS: Final[dict[str, Callable[[Row, Encodings], Event]]] = {"month_closed": _read}
