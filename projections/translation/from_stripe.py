"""Objects as Stripe's events show them; what cannot be read is a fact as well."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

import attrs
import msgspec
from msgspec import UNSET, UnsetType

from ledger.envelope import inner_event
from ledger.events import UNROUTED, StripeEvent
from ledger.log import Recorded
from projections.facts import Fact, FieldUnreadable, Observed
from projections.objects import Value
from projections.paths import replaced
from projections.shapes.fields import UnreadableError
from projections.shapes.previous import before, sparse

W = TypeVar("W", bound=msgspec.Struct)
E = TypeVar("E")
Unreadable = tuple[str, str]
"""A field's path, and what is expected there."""


@attrs.frozen(kw_only=True)
class Shape(Generic[W]):
    """How one kind of object is read.

    Attributes:
        kind: What a finding calls it.
        wire: What is decoded of ``data.object``, every field with a default.
        read: Returns the one shape of it.
        fact: What tells it.
        needed: Fields without which nothing is told.
        roams: Whether it names no customer, so that it waits to be routed.
        nameless: Whether old ones have no id: then a customer has one of them at most.
        passing: Whether one that does not say which it is, or whose, is passed over:
            payments are also made by who is no customer.
        swift: *wire* again, with some parts left as they stand; *fill* decodes them.
        fill: Completes what was decoded as *swift*, the object itself or what it was.
        beside: Reads the other facts of the same event, from what *fill* completed if
            that could be done.
    """

    kind: str
    wire: type[W]
    read: Callable[[W], Value]
    fact: type[Observed[Any]]
    needed: tuple[str, ...] = ()
    roams: bool = False
    nameless: bool = False
    passing: bool = False
    swift: type[W] | None = None
    fill: Callable[[Any], None] | None = None
    beside: Callable[[Recorded, W | None], Sequence[Fact]] | None = None


class _Data(msgspec.Struct, Generic[W, E]):
    object: W
    previous_attributes: E | UnsetType | None = UNSET


class _Shown(msgspec.Struct, Generic[W, E]):
    data: _Data[W, E]


class _LooseData(msgspec.Struct):
    object: dict[str, msgspec.Raw]
    previous_attributes: msgspec.Raw | UnsetType = UNSET


class _LooselyShown(msgspec.Struct):
    data: _LooseData


_LOOSE: Final = msgspec.json.Decoder(_LooselyShown)


class Reader(Generic[W]):
    """Reads the events that show one kind of object."""

    def __init__(self, shape: Shape[W]) -> None:
        earlier, swift = sparse(shape.wire), shape.swift or shape.wire
        self._shape = shape
        shown: Any = _Shown
        self._strict: Any = msgspec.json.Decoder(shown[shape.wire, earlier])
        self._swift: Any = msgspec.json.Decoder(shown[swift, sparse(swift)])
        self._same = sparse(swift)()
        self._earlier: Any = msgspec.json.Decoder(earlier | None)
        self._fields: Mapping[str, msgspec.json.Decoder[Any]] = {
            field.name: msgspec.json.Decoder(field.type)
            for field in msgspec.structs.fields(shape.wire)
        }

    def __call__(self, recorded: Recorded) -> Sequence[Fact]:
        """Read the object, and beside it each field that cannot be read."""
        event = recorded.event
        if not isinstance(event, StripeEvent):
            return ()
        return self._swiftly(recorded, event)[0] or self._thoroughly(recorded, event)

    def whole(self, recorded: Recorded) -> Sequence[Fact]:
        """Read the same, and then what stands beside it."""
        event, beside = recorded.event, self._shape.beside
        if not isinstance(event, StripeEvent):
            return ()
        facts, shown = self._swiftly(recorded, event)
        facts = facts or self._thoroughly(recorded, event)
        return facts if beside is None else (*facts, *beside(recorded, shown))

    def _swiftly(
        self, recorded: Recorded, event: StripeEvent
    ) -> tuple[Sequence[Fact], W | None]:
        """Read an event with which everything is right; nothing of any other."""
        shape = self._shape
        account = event.account or (UNROUTED if shape.roams else None)
        if account is None or event.object_id is None or event.occurred_at is None:
            return (), None
        try:
            data = self._swift.decode(event.body).data
            shown, before_it = data.object, data.previous_attributes
            if shape.fill is not None:
                shape.fill(shown)
                if before_it:
                    shape.fill(before_it)
            for name in shape.needed:
                if getattr(shown, name) is None:
                    return (), None
            value = shape.read(shown)
        except (msgspec.MsgspecError, UnreadableError):
            return (), None
        told = self._observed(recorded, event, value, self._earlier_of(data, value))
        return (told,), shown

    def _earlier_of(self, data: _Data[W, Any], value: Value) -> dict[str, Any] | None:
        earlier = data.previous_attributes
        if earlier is UNSET or earlier is None:
            return None
        if earlier == self._same:
            return {}
        return replaced(self._shape.read(before(data.object, earlier)), value)

    def _thoroughly(self, recorded: Recorded, event: StripeEvent) -> Sequence[Fact]:
        missing = _missing(event, self._shape)
        if missing and self._shape.passing:
            return ()
        shown, earlier, unreadable = self._decoded(event.body)
        value = None
        if shown is not None:
            value = self._value(shown, unreadable)
        found: list[Fact] = [
            self._unreadable(recorded, event, fault) for fault in (*missing, *unreadable)
        ]
        if shown is not None and value is not None and not missing:
            replacing = self._replaced(shown, value, earlier)
            found.append(self._observed(recorded, event, value, replacing))
        return found

    def _decoded(
        self, body: bytes
    ) -> tuple[W | None, msgspec.Struct | None, list[Unreadable]]:
        try:
            data = self._strict.decode(body).data
        except msgspec.MsgspecError:
            inner = inner_event(body)
            if inner is not body:
                return self._decoded(inner)
            return self._field_by_field(body)
        earlier = data.previous_attributes
        return data.object, None if earlier is UNSET else earlier, []

    def _value(self, shown: W, unreadable: list[Unreadable]) -> Value | None:
        """Return the one shape; None where something needed is missing."""
        for name in self._shape.needed:
            if getattr(shown, name) is None:
                if not any(field == f"data.object.{name}" for field, _ in unreadable):
                    unreadable.append((f"data.object.{name}", "missing"))
                return None
        try:
            return self._shape.read(shown)
        except UnreadableError as error:
            unreadable.append((f"data.object.{error.field}", error.reason))
            return None

    def _replaced(
        self, shown: W, value: Value, earlier: msgspec.Struct | None
    ) -> dict[str, Any] | None:
        if earlier is None:
            return None
        return replaced(self._shape.read(before(shown, earlier)), value)

    def _observed(
        self,
        recorded: Recorded,
        event: StripeEvent,
        value: Value,
        earlier: dict[str, Any] | None,
    ) -> Fact:
        told: Any = self._shape.fact(
            account=event.account or UNROUTED,
            object_id=event.object_id or "",
            event_id=event.event_id,
            type=event.stripe_type or "",
            occurred_at=event.occurred_at or recorded.recorded_at,
            position=recorded.position,
            value=value,
            earlier=earlier,
        )
        return told  # type: ignore[no-any-return]

    def _unreadable(
        self, recorded: Recorded, event: StripeEvent, fault: Unreadable
    ) -> FieldUnreadable:
        field, reason = fault
        roaming = UNROUTED if self._shape.roams else ""
        return FieldUnreadable(
            account=event.account or roaming,
            object_id=event.object_id or "",
            event_id=event.event_id,
            occurred_at=event.occurred_at,
            position=recorded.position,
            field=field,
            reason=reason,
            kind=self._shape.kind,
        )

    def _field_by_field(
        self, body: bytes
    ) -> tuple[W | None, msgspec.Struct | None, list[Unreadable]]:
        """Read what can be read; None in place of what is no object at all."""
        try:
            data = _LOOSE.decode(body).data
        except msgspec.MsgspecError as error:
            return None, None, [("data.object", str(error))]
        unreadable: list[Unreadable] = []
        fields = {}
        for name, decoder in self._fields.items():
            if name in data.object:
                try:
                    fields[name] = decoder.decode(data.object[name])
                except msgspec.MsgspecError as error:
                    unreadable.append((f"data.object.{name}", str(error)))
        earlier = None
        try:
            if data.previous_attributes is not UNSET:
                earlier = self._earlier.decode(data.previous_attributes)
        except msgspec.MsgspecError as error:
            unreadable.append(("data.previous_attributes", str(error)))
        return self._shape.wire(**fields), earlier, unreadable


def _missing(event: StripeEvent, shape: Shape[Any]) -> list[Unreadable]:
    needed: dict[str, object] = {"created": event.occurred_at}
    if not shape.nameless:
        needed["data.object.id"] = event.object_id
    if not shape.roams:
        needed["data.object.customer"] = event.account
    return [(field, "missing") for field, value in needed.items() if value is None]
