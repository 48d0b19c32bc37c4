"""How an event becomes an entry of the log, and a row an event again.

A Stripe event is its envelope in columns and its body as it came. The others carry a
small JSON body, see `ledger.bodies`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from ledger.admission import Placed
from ledger.bodies import READERS, WRITERS
from ledger.encoding import Encodings
from ledger.errors import IntegrityFailureError
from ledger.events import (
    TOPIC_OF,
    Event,
    Source,
    StripeEvent,
    StripeObject,
    UnknownEvent,
    Verdict,
)
from ledger.log import Receipt, Recorded
from ledger.row import Entry, Row


class Mapper:
    """Translates between events and what the log stores of them."""

    def __init__(self, encodings: Encodings) -> None:
        self._encodings = encodings

    def entry(self, event: Event) -> Entry:
        """Return what is to be stored of *event*."""
        if isinstance(event, StripeEvent):
            return self._stripe_entry(event)
        if isinstance(event, StripeObject):
            return self._object_entry(event)
        fields, body = WRITERS[type(event)](event)  # an UnknownEvent has no writer
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

    def _object_entry(self, event: StripeObject) -> Entry:
        encoding_id, stored = self._encodings.encode(event.body)
        return Entry(
            originator_id=event.id,
            originator_version=event.version,
            topic="stripe_object",
            source=event.source,
            account=event.account,
            occurred_at=event.occurred_at,
            stripe_type=event.kind,
            api_version=event.api_version,
            livemode=event.livemode,
            stripe_account=event.stripe_account,
            object_id=event.object_id,
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


def _read_stripe_event(row: Row, encodings: Encodings) -> StripeEvent:
    try:
        verdict, source = _VERDICTS[row.verdict], _SOURCES[row.source]
    except KeyError as error:
        raise IntegrityFailureError(
            f"position {row.position}: {error} is no verdict or source of this release"
        ) from error
    event = StripeEvent.__new__(StripeEvent)
    # All at once, where a frozen class would set field by field: a third of the time.
    event.__dict__.update(
        event_id=row.originator_id,
        _body=partial(encodings.decode, row.encoding_id, row.body),
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
    return event


def _read_stripe_object(row: Row, encodings: Encodings) -> StripeObject:
    if row.occurred_at is None or row.source not in _SOURCES:
        raise IntegrityFailureError(
            f"position {row.position}: a stripe_object has no time, or no source"
        )
    return StripeObject(
        id=row.originator_id,
        version=row.originator_version,
        body=partial(encodings.decode, row.encoding_id, row.body),
        source=_SOURCES[row.source],
        kind=row.stripe_type or "",
        object_id=row.object_id or "",
        account=row.account,
        occurred_at=row.occurred_at,
        api_version=row.api_version,
        livemode=row.livemode,
        stripe_account=row.stripe_account,
    )


def _read_unknown(row: Row, _encodings: Encodings) -> UnknownEvent:
    return UnknownEvent(
        originator_id=row.originator_id, topic=row.topic, account=row.account
    )


_VERDICTS: Final = {str(verdict): verdict for verdict in Verdict}
_SOURCES: Final[dict[str | None, Source]] = {str(source): source for source in Source}
_READERS: Final[dict[str, Callable[[Row, Encodings], Event]]] = {
    "stripe_event": _read_stripe_event,
    "stripe_object": _read_stripe_object,
    **READERS,
}
