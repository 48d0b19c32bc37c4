"""One object or event, laid out to be read; card numbers in bodies are cut."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from ledger.encoding import Encodings
from ledger.postgres import DICTIONARIES
from projections.api.questions import Question
from projections.story.phrases import typed, unmarked
from replay.arguments.subjects import owners, position_of
from replay.entries import Wanted, entries, one
from replay.ledgers import Connection
from replay.report.output import json_text
from replay.report.report import Column, Report
from replay.report.stamp import Stamp
from replay.report.text import lines

Stamping = Callable[[int], Stamp]

EVENT_COLUMNS: Final = (
    Column("position", "#", fixed=True),
    Column("occurred_at", "occurred", fixed=True),
    Column("type", "type"),
    Column("event_id", "event", usual=28, spare=1),
    Column("verdict", "verdict", fixed=True),
)


def object_report(
    connection: Connection, subject: str, stamp: Stamping, asked: Question
) -> Report | None:
    """Return an object's events and what the last one showed; None if there are none.

    Args:
        asked: Up to when, by either clock.
    """
    of = owners(connection, subject)
    found = entries(connection, Wanted(subjects=[subject], owners=of))
    about = [
        entry for entry in found if entry["object_id"] == subject and _asked(entry, asked)
    ]
    if not about:
        return None
    last = max(about, key=lambda entry: (entry["occurred_at"], entry["position"]))
    stored = one(connection, position=last["position"])[0]
    body = _parsed(_body(connection, stored))
    data = body.get("data") if isinstance(body, dict) else None
    shown = data.get("object") if isinstance(data, dict) else None
    facts = {
        "id": subject,
        "account": last["account"],
        "last_event": last["originator_id"],
        "as_of": last["occurred_at"],
        "object": shown,
    }
    return Report(
        columns=EVENT_COLUMNS,
        records=[
            {
                **entry,
                "type": entry["stripe_type"] or entry["topic"],
                "event_id": entry["originator_id"],
            }
            for entry in about
        ],
        records_name="events",
        facts=facts,
        card=(
            ("", subject),
            ("account", last["account"]),
            ("as of", f"{last['stripe_type']}, #{last['position']:,}"),
        ),
        text=json_text(shown),
        stamp=stamp,
    )


def event_report(connection: Connection, subject: str, stamp: Stamping) -> Report | None:
    """Return an event with its columns and its body; None if there is none."""
    position = position_of(subject)
    found = one(
        connection, event_id=None if position is not None else subject, position=position
    )
    if not found:
        return None
    events = [_event(connection, entry) for entry in found]
    card: list[tuple[str, object]] = []
    text = []
    for event in events:
        card += [("", event["id"])] + [
            (name.replace("_", " "), value)
            for name, value in event.items()
            if name not in {"id", "body"} and value is not None
        ]
        text.append(json_text(event["body"]))
    facts = events[0] if len(events) == 1 else {"events": events}
    return Report(facts=facts, card=tuple(card), text="\n".join(text), stamp=stamp)


def encodings(connection: Connection) -> Encodings:
    """Return what decodes the bodies of this ledger."""
    return Encodings(dict(connection.execute(DICTIONARIES).fetchall()))


def _asked(entry: Mapping[str, Any], asked: Question) -> bool:
    """Tell whether *entry* had happened, and was known, when it is asked about."""
    known, happened = asked.known_at, entry["occurred_at"]
    if isinstance(known, int) and entry["position"] > known:
        return False
    if isinstance(known, datetime) and entry["recorded_at"] > known:
        return False
    return asked.as_of is None or happened is None or happened <= asked.as_of


def _event(connection: Connection, entry: Mapping[str, Any]) -> dict[str, Any]:
    body = _body(connection, entry)
    hidden = {"body", "encoding_id", "originator_id", "hash"}
    return {
        "id": entry["originator_id"],
        **{name: value for name, value in entry.items() if name not in hidden},
        "hash": entry["hash"].hex(),
        "body_bytes": len(body),
        "body": _parsed(body),
    }


def _body(connection: Connection, entry: Mapping[str, Any]) -> bytes:
    return encodings(connection).decode(entry["encoding_id"], entry["body"])


def _parsed(body: bytes) -> object:
    """Return what JSON makes of *body*, else its text, else Base64; cards cut."""
    try:
        return unmarked(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return typed(lines(body.decode()))
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}
