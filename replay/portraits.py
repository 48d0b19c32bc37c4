"""One account, object or event, laid out to be read."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from ledger.clock import utc_now
from ledger.encoding import Encodings
from ledger.mapper import Mapper
from ledger.postgres import DICTIONARIES
from ledger.row import COLUMNS as ROW_COLUMNS
from ledger.row import Row
from projections.answer import answer
from projections.assembly import as_of
from projections.rendering import billing
from replay.entries import Wanted, entries, one
from replay.ledgers import Connection
from replay.output import json_text
from replay.report import Column, Report
from replay.stamp import Stamp
from replay.subjects import is_account, linked, position_of
from replay.text import lines

Stamping = Callable[[int], Stamp]

STREAM: Final = f"""
SELECT {", ".join(column.name for column in ROW_COLUMNS)}
  FROM ledger.log
 WHERE account = ANY(%s) AND verdict = 'accepted'
 ORDER BY position
"""  # noqa: S608, names of this module
NAMED_USERS: Final = 12
EVENT_COLUMNS: Final = (
    Column("position", "#", fixed=True),
    Column("occurred_at", "occurred", fixed=True),
    Column("type", "type"),
    Column("event_id", "event", usual=28, spare=1),
    Column("verdict", "verdict", fixed=True),
)
SUBSCRIPTION_COLUMNS: Final = (
    Column("id", "subscription"),
    Column("status", "status", fixed=True),
    Column("primary", "primary", fixed=True),
)


def account_report(connection: Connection, subject: str, stamp: Stamping) -> Report | None:
    """Return an account as its events make it now; None if it has none."""
    who = linked(connection, subject)
    if not is_account(connection, sorted(who.streams)):
        return None
    mapper = Mapper(encodings(connection))
    rows = connection.execute(STREAM, (sorted(who.streams),), binary=True)
    recorded = [mapper.recorded(Row._make(row)) for row in rows]
    now = utc_now()
    told = answer(as_of(who, recorded, now), now)
    body = billing(told)
    held = body["subscription"] or {}
    seats = body["seats"] or {}
    period = held.get("current_period") or {}
    card: list[tuple[str, object]] = [
        ("", who.account),
        ("status", _status(body)),
        ("access", _access(body["access"])),
        ("product's account", body["linked_account"]),
        ("currency", body["currency"]),
        ("seats", _seats(seats)),
        ("users", _users(() if told.seats is None else sorted(told.seats.users))),
        ("period", f"{period['start']} to {period['end']}" if period else None),
        ("cancels at", held.get("cancel_at")),
        ("events", len(recorded)),
        ("last event", f"#{recorded[-1].position:,}" if recorded else None),
    ]
    card += [("finding", finding["message"]) for finding in body["findings"]]
    return Report(
        columns=SUBSCRIPTION_COLUMNS,
        records=body["subscriptions"],
        records_name="subscriptions",
        facts={name: body[name] for name in body if name != "subscriptions"}
        | {"users": [] if told.seats is None else sorted(told.seats.users)},
        card=tuple(card),
        stamp=stamp,
    )


def object_report(connection: Connection, subject: str, stamp: Stamping) -> Report | None:
    """Return an object's events and what the last one showed; None if there are none."""
    found = list(entries(connection, Wanted(subjects=[subject])))
    about = [entry for entry in found if entry["object_id"] == subject]
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
    """Return what JSON makes of *body*, else its text, else Base64."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return lines(body.decode())
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _status(body: Mapping[str, Any]) -> str:
    badge = body["badge"]
    return body["status"] if badge is None else f"{body['status']} ({badge['text']})"


def _access(access: Mapping[str, Any]) -> str:
    reason = f", {access['reason']}" if access["reason"] else ""
    since = f", since {access['since']}" if access["since"] else ""
    change = access["next_change"]
    later = f"; {change['level']} from {change['at']}" if change else ""
    return f"{access['level']}{reason}{since}{later}"


def _seats(seats: Mapping[str, Any]) -> str | None:
    if not seats:
        return None
    active = seats.get("active")
    known = "not known by name" if active is None else f"{active} active"
    quantity = seats.get("stripe_quantity")
    return known if quantity is None else f"{known}, Stripe's quantity is {quantity}"


def _users(users: tuple[str, ...] | list[str]) -> str | None:
    more = f" and {len(users) - NAMED_USERS} more" if len(users) > NAMED_USERS else ""
    return f"{', '.join(users[:NAMED_USERS])}{more}" if users else None
