"""How an event becomes an entry of the log, and a row an event again.

A Stripe event is its envelope in columns and its body as it came. The others carry a
small JSON body; the fields of those bodies are stored, so they are only ever added to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from ledger.admission import Placed
from ledger.encoding import Encodings
from ledger.errors import IntegrityFailureError
from ledger.events import (
    TOPIC_OF,
    AccountLinked,
    Command,
    DeliveryConflicted,
    Event,
    SeatAssigned,
    SeatReleased,
    SeatsCounted,
    Source,
    StripeEvent,
    UnknownEvent,
    Verdict,
)
from ledger.log import Receipt, Recorded
from ledger.row import Entry, Row

Shape = TypeVar("Shape")


class SeatBody(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The stored body of a seat change."""

    user: str
    fingerprint: str
    actor: str | None = None


class CountBody(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The stored body of a full set or a bare count."""

    fingerprint: str
    users: tuple[str, ...] | None = None
    count: int | None = None
    actor: str | None = None


class LinkBody(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The stored body of a link."""

    customer: str
    fingerprint: str
    actor: str | None = None


class ConflictBody(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The stored body of a conflict; *body* is the refused one, Base64 in JSON."""

    event_id: str
    kept: str
    refused: str
    body: bytes = b""


class Mapper:
    """Translates between events and what the log stores of them."""

    def __init__(self, encodings: Encodings) -> None:
        self._encodings = encodings

    def entry(self, event: Event) -> Entry:
        """Return what is to be stored of *event*."""
        if isinstance(event, StripeEvent):
            return self._stripe_entry(event)
        fields, body = _WRITERS[type(event)](event)  # an UnknownEvent has no writer
        encoding_id, stored = self._encodings.encode(msgspec.json.encode(body))
        return Entry(
            topic=TOPIC_OF[type(event)],
            account=event.account,
            encoding_id=encoding_id,
            body=stored,
            **fields,
        )

    def recorded(self, row: Row) -> Recorded:
        """Return the event of *row* with its place.

        Raises:
            IntegrityFailureError: The row's body is not what this program ever wrote.
        """
        return Recorded(
            position=row.position,
            recorded_at=row.recorded_at,
            event=_READERS.get(row.topic, _read_unknown)(row, self._encodings),
        )

    def _stripe_entry(self, event: StripeEvent) -> Entry:
        encoding_id, stored = self._encodings.encode(event.body)
        return Entry(
            originator_id=event.event_id,
            topic="stripe_event",
            source=event.source,
            account=event.account,
            occurred_at=event.occurred_at,
            stripe_type=event.stripe_type,
            api_version=event.api_version,
            livemode=event.livemode,
            stripe_account=event.stripe_account,
            object_id=event.object_id,
            endpoint=event.endpoint,
            signed_at=event.signed_at,
            verdict=event.verdict,
            encoding_id=encoding_id,
            body=stored,
        )


def receipt(placed: Placed, mapper: Mapper) -> Receipt:
    """Return what the caller is told of *placed*."""
    return Receipt(
        position=placed.row.position,
        duplicate=placed.duplicate,
        original=mapper.recorded(placed.row) if placed.duplicate else None,
    )


def _command_fields(command: Command) -> dict[str, Any]:
    return {
        "originator_id": command.id,
        "originator_version": command.version,
        "source": Source.PRODUCT,
    }


def _write_seat(event: SeatAssigned | SeatReleased) -> tuple[dict[str, Any], SeatBody]:
    fields = {**_command_fields(event.command), "occurred_at": event.effective_at}
    return fields, SeatBody(
        user=event.user, actor=event.actor, fingerprint=event.command.fingerprint
    )


def _write_count(event: SeatsCounted) -> tuple[dict[str, Any], CountBody]:
    fields = {**_command_fields(event.command), "occurred_at": event.effective_at}
    return fields, CountBody(
        users=event.users,
        count=event.count,
        actor=event.actor,
        fingerprint=event.command.fingerprint,
    )


def _write_link(event: AccountLinked) -> tuple[dict[str, Any], LinkBody]:
    return _command_fields(event.command), LinkBody(
        customer=event.customer,
        actor=event.actor,
        fingerprint=event.command.fingerprint,
    )


def _write_conflict(event: DeliveryConflicted) -> tuple[dict[str, Any], ConflictBody]:
    digest = hashlib.sha256()
    for part in (event.event_id, event.refused):
        digest.update(len(part.encode()).to_bytes(4, "big") + part.encode())
    fields = {
        "originator_id": f"conflict:{digest.hexdigest()}",
        "source": Source.LEDGER,
        "endpoint": event.endpoint,
    }
    return fields, ConflictBody(
        event_id=event.event_id, kept=event.kept, refused=event.refused, body=event.body
    )


_WRITERS: Final[dict[type[Event], Callable[[Any], tuple[dict[str, Any], Any]]]] = {
    SeatAssigned: _write_seat,
    SeatReleased: _write_seat,
    SeatsCounted: _write_count,
    AccountLinked: _write_link,
    DeliveryConflicted: _write_conflict,
}


def _decode(row: Row, encodings: Encodings, shape: type[Shape]) -> Shape:
    try:
        return msgspec.json.decode(encodings.decode(row.encoding_id, row.body), type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise IntegrityFailureError(
            f"position {row.position}: the body of a {row.topic} cannot be read ({error})"
        ) from error


def _command(row: Row, fingerprint: str) -> Command:
    return Command(
        id=row.originator_id, version=row.originator_version, fingerprint=fingerprint
    )


def _read_stripe_event(row: Row, encodings: Encodings) -> StripeEvent:
    try:
        verdict, source = _VERDICTS[row.verdict], _SOURCES[row.source]
    except KeyError as error:
        raise IntegrityFailureError(
            f"position {row.position}: {error} is no verdict or source of this release"
        ) from error
    return StripeEvent(
        event_id=row.originator_id,
        body=partial(encodings.decode, row.encoding_id, row.body),
        verdict=verdict,
        source=source,
        account=row.account,
        occurred_at=row.occurred_at,
        stripe_type=row.stripe_type,
        api_version=row.api_version,
        livemode=row.livemode,
        stripe_account=row.stripe_account,
        object_id=row.object_id,
        endpoint=row.endpoint,
        signed_at=row.signed_at,
    )


def _read_seat(row: Row, encodings: Encodings) -> SeatAssigned | SeatReleased:
    body = _decode(row, encodings, SeatBody)
    return _SEAT_EVENTS[row.topic](
        account=row.account or "",
        command=_command(row, body.fingerprint),
        user=body.user,
        actor=body.actor,
        effective_at=row.occurred_at,
    )


def _read_count(row: Row, encodings: Encodings) -> SeatsCounted:
    body = _decode(row, encodings, CountBody)
    return SeatsCounted(
        account=row.account or "",
        command=_command(row, body.fingerprint),
        users=body.users,
        count=body.count,
        actor=body.actor,
        effective_at=row.occurred_at,
    )


def _read_link(row: Row, encodings: Encodings) -> AccountLinked:
    body = _decode(row, encodings, LinkBody)
    return AccountLinked(
        account=row.account or "",
        command=_command(row, body.fingerprint),
        customer=body.customer,
        actor=body.actor,
    )


def _read_conflict(row: Row, encodings: Encodings) -> DeliveryConflicted:
    body = _decode(row, encodings, ConflictBody)
    return DeliveryConflicted(
        event_id=body.event_id,
        kept=body.kept,
        refused=body.refused,
        account=row.account,
        endpoint=row.endpoint,
        body=body.body,
    )


def _read_unknown(row: Row, _encodings: Encodings) -> UnknownEvent:
    return UnknownEvent(
        originator_id=row.originator_id, topic=row.topic, account=row.account
    )


_VERDICTS: Final = {str(verdict): verdict for verdict in Verdict}
_SOURCES: Final[dict[str | None, Source]] = {str(source): source for source in Source}
_SEAT_EVENTS: Final[dict[str, type[SeatAssigned | SeatReleased]]] = {
    "seat_assigned": SeatAssigned,
    "seat_released": SeatReleased,
}
_READERS: Final[dict[str, Callable[[Row, Encodings], Event]]] = {
    "stripe_event": _read_stripe_event,
    "seat_assigned": _read_seat,
    "seat_released": _read_seat,
    "seats_counted": _read_count,
    "account_linked": _read_link,
    "delivery_conflicted": _read_conflict,
}
