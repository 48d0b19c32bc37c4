"""What happened to an account, newest first.

The order is by when things happened, then by id, so it is the same whatever order the
deliveries came in.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import attrs

from ledger.events import (
    TOPIC_OF,
    DeliveryConflicted,
    Event,
    SeatAssigned,
    SeatReleased,
    SeatsCounted,
    StripeChecked,
    StripeEvent,
    StripeObject,
    UnknownEvent,
)
from ledger.log import Recorded
from ledger.masking import masked
from ledger.moments import rfc3339
from projections.story.sentences import sentence
from projections.story.subscription_story import Told


@attrs.frozen(kw_only=True)
class Entry:
    """An event with its place in an account's life.

    Attributes:
        at: When it happened, by whoever saw it.
        id: Its id in the log; within a request of several changes with its place there.
        kind: Stripe's type, or our own topic's name.
    """

    at: datetime
    id: str
    kind: str
    recorded: Recorded

    @property
    def key(self) -> tuple[str, str]:
        """What sorts entries; greater is newer."""
        return self.at.strftime("%Y-%m-%dT%H:%M:%S.%f"), self.id


def entries(recorded: Iterable[Recorded], until: datetime | None = None) -> list[Entry]:
    """Return what happened by *until*; None is all, also what is yet to come."""
    found = [_entry(one) for one in recorded]
    return [entry for entry in found if until is None or entry.at <= until]


def text(entry: Entry, better: Told | None) -> str:
    """Return what *entry* says; its body is decoded only here.

    Args:
        better: What its subscription's story says of it.
    """
    said = sentence(entry.recorded.event) if better is None else better.text
    return masked(said) if isinstance(entry.recorded.event, StripeEvent) else said


def shown(entry: Entry, better: Told | None = None) -> dict[str, Any]:
    """Return *entry* for JSON."""
    return {
        "at": rfc3339(entry.at),
        "text": text(entry, better),
        "type": entry.kind,
        "event": entry.id,
        "evidence": [entry.recorded.position],
    }


def _entry(one: Recorded) -> Entry:
    event = one.event
    at = None
    if isinstance(event, StripeEvent | StripeObject):
        at = event.occurred_at
    elif isinstance(event, StripeChecked):
        at = event.ended_at
    elif isinstance(event, SeatAssigned | SeatReleased | SeatsCounted):
        at = event.effective_at
    return Entry(at=at or one.recorded_at, id=_id(event), kind=_kind(event), recorded=one)


def _id(event: Event) -> str:
    if isinstance(event, StripeEvent | DeliveryConflicted):
        return event.event_id
    if isinstance(event, UnknownEvent):
        return event.originator_id
    if isinstance(event, StripeObject):
        return f"{event.id}#{event.version:04d}"
    return f"{event.command.id}#{event.command.version:04d}"


def _kind(event: Event) -> str:
    if isinstance(event, StripeEvent):
        return event.stripe_type or TOPIC_OF[StripeEvent]
    if isinstance(event, UnknownEvent):
        return event.topic
    return TOPIC_OF[type(event)]
