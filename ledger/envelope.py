"""What is read of a Stripe event on its way in: its envelope, and whether it is one.

    {"id": "evt_1", "object": "event", "data": {…}}            a webhook, or from the API
    {"detail-type": …, "detail": {"id": "evt_1", …}}           through Amazon EventBridge
    {"specversion": "1.0", "data": {"id": "evt_1", …}}         through Azure Event Grid

Only the fields that fill the log's columns are read here. What the event means is read
from its stored bytes later, so that a mistake in reading is mended by reading again.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Any, Final

import attrs
import msgspec
from msgspec import UNSET, UnsetType

from ledger.events import Source, StripeEvent, Verdict
from ledger.moments import YEARS
from ledger.strictness import NotStrictError, parse

STABLE_FIELDS: Final = ("id", "type", "created", "livemode", "account", "data")
_ID: Final = re.compile(r"[\x21-\x7e]{1,255}")
_OURS: Final = re.compile(r"[a-z]+:")  # body:…, cmd:…, conflict:… are given by the ledger
_CREATED_MAX: Final = 253_370_764_799  # the last second of the year 9998


@attrs.frozen(kw_only=True)
class Envelope:
    """The fields of a Stripe event that the log keeps in columns.

    Attributes:
        fault: Why the body cannot be read as an event; None when it can.
        event_id: As Stripe gave it, or ``body:`` and the SHA-256 of the body.
        customer: The Stripe customer that ``data.object`` is or belongs to.
    """

    event_id: str
    fault: str | None = None
    type: str | None = None
    occurred_at: datetime | None = None
    api_version: str | None = None
    livemode: bool | None = None
    stripe_account: str | None = None
    object_id: str | None = None
    customer: str | None = None


class _Outer(msgspec.Struct):
    """What a body is wrapped in, if it is."""

    detail_type: str | None = msgspec.field(default=None, name="detail-type")
    detail: msgspec.Raw | UnsetType = UNSET
    specversion: str | None = None
    data: msgspec.Raw | UnsetType = UNSET


_OUTER: Final = msgspec.json.Decoder(_Outer)


class _UnreadableFieldError(ValueError):
    """A field of the envelope is not what Stripe sends."""


def read(body: bytes) -> Envelope:
    """Read the envelope of *body*; what is no strict JSON or no event has a ``fault``.

    Takes some 20 µs for 5 KB and grows with the body: large ones belong in a thread.
    """
    try:
        event = parse(body)
    except NotStrictError as error:
        return _unreadable(body, str(error))
    event = _unwrapped(event)
    if not isinstance(event, dict):
        return _unreadable(body, "not an object")
    if event.get("id") is None or event.get("type") is None:
        return _unreadable(body, "neither id nor type makes it an event")
    try:
        return _envelope(event)
    except _UnreadableFieldError as error:
        return _unreadable(body, str(error))


def stripe_event(
    body: bytes,
    *,
    ledger_livemode: bool,
    stripe_account: str | None = None,
    source: Source = Source.WEBHOOK,
    endpoint: str | None = None,
    signed_at: datetime | None = None,
) -> StripeEvent:
    """Return the event of a verified *body*, with the verdict on it.

    Args:
        ledger_livemode: Whether this ledger keeps live data; an event of the other mode
            is foreign.
        stripe_account: The connected account whose events this endpoint brings; None is
            the account itself, whose events name none.
    """
    envelope = read(body)
    return StripeEvent(
        event_id=envelope.event_id,
        body=body,
        verdict=_verdict(envelope, livemode=ledger_livemode, stripe_account=stripe_account),
        source=source,
        account=envelope.customer,
        occurred_at=envelope.occurred_at,
        stripe_type=envelope.type,
        api_version=envelope.api_version,
        livemode=envelope.livemode,
        stripe_account=envelope.stripe_account,
        object_id=envelope.object_id,
        endpoint=endpoint,
        signed_at=signed_at,
    )


def inner_event(body: bytes) -> bytes:
    """Return the Stripe event inside *body*, as it stands there; else *body* itself."""
    try:
        outer = _OUTER.decode(body)
    except msgspec.MsgspecError:
        return body
    if outer.detail_type is not None and outer.detail is not UNSET:
        return bytes(outer.detail)
    if outer.specversion is not None and outer.data is not UNSET:
        return bytes(outer.data)
    return body


def stable_digest(body: bytes) -> str:
    """Return the SHA-256 over what stays the same each time an event is delivered.

    ``pending_webhooks`` and ``request`` change between deliveries of one event. Bodies
    that cannot be read are compared byte for byte.
    """
    try:
        event = _unwrapped(parse(body))
    except NotStrictError:
        event = None
    if isinstance(event, dict):
        stable = {name: event.get(name) for name in STABLE_FIELDS}
        body = msgspec.json.encode(stable, order="sorted")
    return hashlib.sha256(body).hexdigest()


def _unwrapped(body: object) -> Any:  # noqa: ANN401 - whatever JSON may hold
    """Return what a courier wrapped; a body that nobody wrapped is its own."""
    if isinstance(body, dict):
        if isinstance(body.get("detail-type"), str) and "detail" in body:
            return body["detail"]
        if isinstance(body.get("specversion"), str) and "data" in body:
            return body["data"]
    return body


def _verdict(envelope: Envelope, *, livemode: bool, stripe_account: str | None) -> Verdict:
    if envelope.fault is not None:
        return Verdict.QUARANTINED
    other_mode = envelope.livemode is not None and envelope.livemode != livemode
    if other_mode or envelope.stripe_account != stripe_account:
        return Verdict.FOREIGN
    return Verdict.ACCEPTED


def _unreadable(body: bytes, fault: str) -> Envelope:
    return Envelope(event_id=f"body:{hashlib.sha256(body).hexdigest()}", fault=fault[:200])


def _envelope(event: dict[str, Any]) -> Envelope:
    event_id = _id(event, "id") or ""
    if _OURS.match(event_id):
        raise _UnreadableFieldError("id is of a kind that only the ledger gives")
    data = event.get("data")
    stripe_object = data.get("object") if isinstance(data, dict) else None
    if not isinstance(stripe_object, dict):
        stripe_object = event.get("related_object") or {}  # thin events name it only
    if not isinstance(stripe_object, dict):
        stripe_object = {}
    return Envelope(
        event_id=event_id,
        type=_id(event, "type"),
        occurred_at=_moment(event.get("created")),
        api_version=_id(event, "api_version"),
        livemode=_flag(event, "livemode"),
        stripe_account=_id(event, "account"),
        object_id=_id(stripe_object, "id"),
        customer=_customer(stripe_object) or _former_customer(data),
    )


def _customer(stripe_object: dict[str, Any]) -> str | None:
    if stripe_object.get("object") == "customer":
        return _id(stripe_object, "id")
    customer = stripe_object.get("customer")
    if isinstance(customer, dict):  # expanded
        return _id(customer, "id")
    # An account of Stripe's newer kind may stand where a customer did.
    return _id(stripe_object, "customer") or _id(stripe_object, "customer_account")


def _former_customer(data: object) -> str | None:
    """Return whose the object was until now: a detached payment method is nobody's."""
    previous = data.get("previous_attributes") if isinstance(data, dict) else None
    former = previous.get("customer") if isinstance(previous, dict) else None
    return former if isinstance(former, str) and _ID.fullmatch(former) else None


def _id(holder: dict[str, Any], name: str) -> str | None:
    value = holder.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise _UnreadableFieldError(f"{name} is not 1 to 255 printable ASCII characters")
    return value


def _flag(holder: dict[str, Any], name: str) -> bool | None:
    value = holder.get(name)
    if value is not None and not isinstance(value, bool):
        raise _UnreadableFieldError(f"{name} is neither true nor false")
    return value


def _moment(created: object) -> datetime | None:
    """Read Stripe's ``created``: epoch seconds, or RFC 3339 text in thin events."""
    if created is None:
        return None
    if isinstance(created, str):
        try:
            moment = datetime.fromisoformat(created)
            utc = moment.astimezone(UTC)  # overflows at the edges of years 1 and 9999
        except (ValueError, OverflowError):
            raise _UnreadableFieldError("created is not a time") from None
        if moment.tzinfo is None:
            raise _UnreadableFieldError("created has no time zone")
        if utc.year not in YEARS:
            raise _UnreadableFieldError("created is not a time of Stripe's")
        return utc
    if type(created) is not int or not 0 <= created <= _CREATED_MAX:
        raise _UnreadableFieldError("created is not a time in whole seconds")
    return datetime.fromtimestamp(created, UTC)
