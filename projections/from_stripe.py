"""Subscriptions as Stripe's events show them; what cannot be read is a fact as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from ledger.events import StripeEvent
from ledger.log import Recorded
from projections import shapes
from projections.facts import Fact, FieldUnreadable, SubscriptionObserved

Unreadable = tuple[str, str]
"""A field's path, and what is expected there."""


class _Data(msgspec.Struct):
    object: shapes.StripeSubscription
    previous_attributes: shapes.PreviousAttributes | None = None


class _Shown(msgspec.Struct):
    data: _Data


class _LooseData(msgspec.Struct):
    object: dict[str, msgspec.Raw]
    previous_attributes: msgspec.Raw | UnsetType = UNSET


class _LooselyShown(msgspec.Struct):
    data: _LooseData


_STRICT: Final = msgspec.json.Decoder(_Shown)
_LOOSE: Final = msgspec.json.Decoder(_LooselyShown)
_FIELDS: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    field.name: msgspec.json.Decoder(field.type)
    for field in msgspec.structs.fields(shapes.StripeSubscription)
}
_PREVIOUS: Final = msgspec.json.Decoder(shapes.PreviousAttributes | None)


def subscription_observed(recorded: Recorded) -> Sequence[Fact]:
    """Read a subscription, and beside it each field that cannot be read."""
    event = recorded.event
    if not isinstance(event, StripeEvent):
        return ()
    body = event.body
    try:
        data = _STRICT.decode(body).data
    except msgspec.MsgspecError:
        shown, previous, unreadable = _field_by_field(body)
    else:
        shown, previous, unreadable = data.object, data.previous_attributes, []
    missing = _missing(event)
    found: list[Fact] = [
        _unreadable(recorded, event, fault) for fault in (*missing, *unreadable)
    ]
    if shown is not None and not missing:
        found.append(_observed(recorded, event, shown, previous))
    return found


def _observed(
    recorded: Recorded,
    event: StripeEvent,
    shown: shapes.StripeSubscription,
    previous: shapes.PreviousAttributes | None,
) -> SubscriptionObserved:
    return SubscriptionObserved(
        account=event.account or "",
        object_id=event.object_id or "",
        event_id=event.event_id,
        type=event.stripe_type or "",
        occurred_at=event.occurred_at or recorded.recorded_at,
        position=recorded.position,
        subscription=shapes.subscription(shown),
        earlier=None if previous is None else shapes.earlier(previous),
    )


def _missing(event: StripeEvent) -> list[Unreadable]:
    needed = {
        "created": event.occurred_at,
        "data.object.id": event.object_id,
        "data.object.customer": event.account,
    }
    return [(field, "missing") for field, value in needed.items() if value is None]


def _unreadable(
    recorded: Recorded, event: StripeEvent, fault: Unreadable
) -> FieldUnreadable:
    field, reason = fault
    return FieldUnreadable(
        account=event.account or "",
        object_id=event.object_id or "",
        event_id=event.event_id,
        occurred_at=event.occurred_at,
        position=recorded.position,
        field=field,
        reason=reason,
    )


def _field_by_field(
    body: bytes,
) -> tuple[
    shapes.StripeSubscription | None, shapes.PreviousAttributes | None, list[Unreadable]
]:
    """Read what can be read; None in place of a subscription without a status."""
    try:
        data = _LOOSE.decode(body).data
    except msgspec.MsgspecError as error:
        return None, None, [("data.object", str(error))]
    unreadable: list[Unreadable] = []
    fields = {}
    for name, decoder in _FIELDS.items():
        if name in data.object:
            try:
                fields[name] = decoder.decode(data.object[name])
            except msgspec.MsgspecError as error:
                unreadable.append((f"data.object.{name}", str(error)))
    previous = None
    try:
        if data.previous_attributes is not UNSET:
            previous = _PREVIOUS.decode(data.previous_attributes)
    except msgspec.MsgspecError as error:
        unreadable.append(("data.previous_attributes", str(error)))
    if "status" not in fields:
        if "status" not in data.object:
            unreadable.append(("data.object.status", "missing"))
        return None, previous, unreadable
    return shapes.StripeSubscription(**fields), previous, unreadable
