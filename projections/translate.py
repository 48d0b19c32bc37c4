"""Translation: which events are read, and into which facts.

    customer.subscription.*       SubscriptionObserved, FieldUnreadable
    seat_assigned, seat_released  SeatChanged
    seats_counted                 SeatsCounted
    account_linked                AccountLinked

A type without a row gives no fact; its body is not even decoded. What cannot be read is
a fact as well, never an error: it has happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs
import msgspec
from msgspec import UNSET, UnsetType

from ledger.errors import LedgerError
from ledger.events import (
    TOPIC_OF,
    AccountLinked,
    Event,
    SeatAssigned,
    SeatReleased,
    SeatsCounted,
    StripeEvent,
    UnknownEvent,
    Verdict,
)
from ledger.log import Recorded, Selection
from projections import facts, shapes
from projections.facts import Fact, FieldUnreadable, SubscriptionObserved

Translate = Callable[[Recorded], Sequence[Fact]]
Unreadable = tuple[str, str]


class UnknownTopicError(LedgerError):
    """A later release wrote an event of this account; run that release to fold it."""


@attrs.frozen(kw_only=True)
class Translator:
    """How events of one type are read.

    Attributes:
        gives: The facts it may give, so that a projection can pass over the others.
    """

    translate: Translate
    gives: frozenset[type[Fact]]


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


def seat_changed(recorded: Recorded) -> Sequence[Fact]:
    """Read that a user was let in or go; without effective_at, when the log took it."""
    event = recorded.event
    if not isinstance(event, SeatAssigned | SeatReleased):
        return ()
    return (
        facts.SeatChanged(
            account=event.account,
            user=event.user,
            active=isinstance(event, SeatAssigned),
            occurred_at=event.effective_at or recorded.recorded_at,
            recorded_at=recorded.recorded_at,
            position=recorded.position,
            actor=event.actor,
        ),
    )


def seats_counted(recorded: Recorded) -> Sequence[Fact]:
    """Read a full set, each user once, or a bare count."""
    event = recorded.event
    if not isinstance(event, SeatsCounted):
        return ()
    return (
        facts.SeatsCounted(
            account=event.account,
            users=None if event.users is None else tuple(sorted(set(event.users))),
            count=event.count,
            occurred_at=event.effective_at or recorded.recorded_at,
            recorded_at=recorded.recorded_at,
            position=recorded.position,
            actor=event.actor,
        ),
    )


def account_linked(recorded: Recorded) -> Sequence[Fact]:
    """Read which customer the product's account is."""
    event = recorded.event
    if not isinstance(event, AccountLinked):
        return ()
    return (
        facts.AccountLinked(
            account=event.account,
            customer=event.customer,
            recorded_at=recorded.recorded_at,
            position=recorded.position,
        ),
    )


def unknown_topic(recorded: Recorded) -> Sequence[Fact]:
    """Refuse to guess.

    Raises:
        UnknownTopicError: Always; the account is parked until a release knows the topic.
    """
    event = recorded.event
    topic = event.topic if isinstance(event, UnknownEvent) else type(event).__name__
    raise UnknownTopicError(f"this release does not know the topic {topic}")


_SUBSCRIPTION: Final = Translator(
    translate=subscription_observed,
    gives=frozenset({SubscriptionObserved, FieldUnreadable}),
)
_SEAT: Final = Translator(translate=seat_changed, gives=frozenset({facts.SeatChanged}))

STRIPE: Final[Mapping[str, Translator]] = {
    f"customer.subscription.{change}": _SUBSCRIPTION
    for change in (
        "created",
        "updated",
        "deleted",
        "paused",
        "resumed",
        "trial_will_end",
        "pending_update_applied",
        "pending_update_expired",
    )
}
OWN: Final[Mapping[type[Event], Translator]] = {
    SeatAssigned: _SEAT,
    SeatReleased: _SEAT,
    SeatsCounted: Translator(
        translate=seats_counted, gives=frozenset({facts.SeatsCounted})
    ),
    AccountLinked: Translator(
        translate=account_linked, gives=frozenset({facts.AccountLinked})
    ),
}


@attrs.frozen(kw_only=True)
class Translation:
    """The rows of the table that give any of the facts somebody asks for."""

    stripe: Mapping[str | None, Translate]
    own: Mapping[type[Event], Translate]

    @property
    def selection(self) -> Selection:
        """The events that it reads."""
        return Selection(
            stripe_types=frozenset(name for name in self.stripe if name),
            topics=frozenset(TOPIC_OF[kind] for kind in self.own if kind in TOPIC_OF),
        )

    def of(self, event: Event) -> Translate | None:
        """Return how *event* is read; None if it gives no fact that is asked for."""
        if type(event) is StripeEvent:
            if event.verdict is not Verdict.ACCEPTED:
                return None
            return self.stripe.get(event.stripe_type)
        return self.own.get(type(event))

    def facts(self, recorded: Iterable[Recorded]) -> list[Fact]:
        """Return the facts of *recorded*, in its order."""
        found: list[Fact] = []
        for one in recorded:
            translate = self.of(one.event)
            if translate is not None:
                found += translate(one)
        return found


def translation(wanted: Iterable[type[Fact]]) -> Translation:
    """Return the part of the table that gives *wanted*, and stops at unknown topics."""
    kinds = frozenset(wanted)
    return Translation(
        stripe={name: row.translate for name, row in STRIPE.items() if row.gives & kinds},
        own={
            **{kind: row.translate for kind, row in OWN.items() if row.gives & kinds},
            UnknownEvent: unknown_topic,
        },
    )
