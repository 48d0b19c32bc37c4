"""The stored bodies of what we ask of Stripe: how they are written, and read again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ledger.acts import ActDone, ActFailed, ActRequested
from ledger.body_parts import command_fields, command_of, decode
from ledger.body_shapes import ActBody, ActDoneBody, ActFailedBody
from ledger.encoding import Encodings
from ledger.events import Event, Source
from ledger.row import Row


def _write_act(event: ActRequested) -> tuple[dict[str, Any], ActBody]:
    return command_fields(event.command, Source.LEDGER), ActBody(
        act=event.act,
        key=event.key,
        asked=event.asked,
        actor=event.actor,
        fingerprint=event.command.fingerprint,
    )


def _write_done(event: ActDone) -> tuple[dict[str, Any], ActDoneBody]:
    return command_fields(event.command, Source.LEDGER), ActDoneBody(
        act=event.act, object_id=event.object_id, fingerprint=event.command.fingerprint
    )


def _write_failed(event: ActFailed) -> tuple[dict[str, Any], ActFailedBody]:
    return command_fields(event.command, Source.LEDGER), ActFailedBody(
        act=event.act,
        status=event.status,
        code=event.code,
        message=event.message,
        fingerprint=event.command.fingerprint,
    )


def _read_act(row: Row, encodings: Encodings) -> ActRequested:
    body = decode(row, encodings, ActBody)
    return ActRequested(
        account=row.account or "",
        command=command_of(row, body.fingerprint),
        act=body.act,
        key=body.key,
        asked=body.asked,
        actor=body.actor,
    )


def _read_done(row: Row, encodings: Encodings) -> ActDone:
    body = decode(row, encodings, ActDoneBody)
    return ActDone(
        account=row.account or "",
        command=command_of(row, body.fingerprint),
        act=body.act,
        object_id=body.object_id,
    )


def _read_failed(row: Row, encodings: Encodings) -> ActFailed:
    body = decode(row, encodings, ActFailedBody)
    return ActFailed(
        account=row.account or "",
        command=command_of(row, body.fingerprint),
        act=body.act,
        status=body.status,
        code=body.code,
        message=body.message,
    )


WRITERS: Final[dict[type[Event], Callable[[Any], tuple[dict[str, Any], Any]]]] = {
    ActRequested: _write_act,
    ActDone: _write_done,
    ActFailed: _write_failed,
}
READERS: Final[dict[str, Callable[[Row, Encodings], Event]]] = {
    "act_requested": _read_act,
    "act_done": _read_done,
    "act_failed": _read_failed,
}
