"""An event of the log as an auditor reads it: its columns, its body, the body's digest."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Final

import msgspec

from ledger.encoding import Encodings
from ledger.events import StripeEvent, StripeObject, UnknownEvent
from ledger.log import Recorded
from ledger.mapper import Mapper
from ledger.masking import masked_json
from ledger.moments import rfc3339
from ledger.row import Entry

_ENCODINGS: Final = Encodings.shipped()
_MAPPER: Final = Mapper(_ENCODINGS)


def event_view(recorded: Recorded) -> dict[str, Any]:
    """Return *recorded* for JSON; a body that is no JSON stands there in Base64."""
    line, event = event_line(recorded), recorded.event
    if isinstance(event, UnknownEvent):
        return line
    if isinstance(event, StripeEvent | StripeObject):
        return {**line, **_body(event.body)}
    entry = _MAPPER.entry(event)
    return {**line, **_body(_ENCODINGS.decode(entry.encoding_id, entry.body))}


def event_line(recorded: Recorded) -> dict[str, Any]:
    """Return *recorded* for JSON without its body, as one of many."""
    event = recorded.event
    placed = {
        "position": recorded.position,
        "recorded_at": rfc3339(recorded.recorded_at),
    }
    if isinstance(event, UnknownEvent):
        return {
            **placed,
            "id": event.originator_id,
            "topic": event.topic,
            "account": event.account,
        }
    return {**placed, **_columns(_MAPPER.entry(event))}


def _columns(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.originator_id,
        "version": entry.originator_version,
        "topic": entry.topic,
        "source": entry.source,
        "account": entry.account,
        "occurred_at": None if entry.occurred_at is None else rfc3339(entry.occurred_at),
        "type": entry.stripe_type,
        "api_version": entry.api_version,
        "livemode": entry.livemode,
        "stripe_account": entry.stripe_account,
        "object_id": entry.object_id,
        "endpoint": entry.endpoint,
        "signed_at": None if entry.signed_at is None else rfc3339(entry.signed_at),
        "verdict": entry.verdict,
    }


def _body(body: bytes) -> dict[str, Any]:
    readable = _is_json(body)
    return {
        # Verbatim but for card numbers that somebody typed into a text: every digit of
        # every number is the one that was signed, and so is the digest.
        "body": msgspec.Raw(masked_json(body))
        if readable
        else base64.b64encode(body).decode("ascii"),
        "body_encoding": "json" if readable else "base64",
        "body_bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
    }


def _is_json(body: bytes) -> bool:
    try:
        body.decode("utf-8")
        msgspec.json.decode(body)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        return False
    return True
