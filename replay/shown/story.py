"""An account's events as a story: in order, in sentences, without what only repeats."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any, Final

import attrs

from ledger.events import StripeEvent
from projections.story.phrases import in_order
from projections.story.subscription_story import Told, told
from projections.story.timeline import Entry, entries, text
from projections.translation.lifecycle import rank
from replay.asking import Asked

# What another event of the same moment says better, or what says nothing by itself.
QUIET: Final = frozenset(
    {
        "charge.updated",
        "customer.updated",
        "invoice.created",
        "invoice.payment_succeeded",
        "invoice.updated",
        "invoice_payment.paid",
        "invoiceitem.created",
        "invoiceitem.updated",
        "payment_intent.created",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.succeeded",
        "setup_intent.created",
        "setup_intent.succeeded",
        "subscription_schedule.updated",
    }
)
FIRST: Final = -1
LAST: Final = 99
_PAYMENTS: Final = {"charge.failed": 6, "charge.succeeded": 7}


@attrs.frozen(kw_only=True)
class Line:
    """One event of the story.

    Attributes:
        news: Whether it says what no other event does.
    """

    at: datetime
    recorded_at: datetime
    position: int
    text: str
    kind: str
    event: str
    news: bool
    order: tuple[Any, ...]


def story(asked: Asked, zone: tzinfo) -> list[Line]:
    """Return what happened by the moment asked about, oldest first.

    Args:
        zone: Of the days that sentences name.
    """
    told_of = told(asked.recorded, asked.view.account.catalogue, zone)
    lines = [
        _line(entry, told_of.get(entry.recorded.position))
        for entry in entries(asked.recorded, asked.view.now)
    ]
    return sorted(lines, key=_order)


def _line(entry: Entry, better: Told | None) -> Line:
    said = text(entry, better)
    is_stripes = isinstance(entry.recorded.event, StripeEvent)
    place = 0 if better is None else better.place
    life = _life(entry.kind, better) if is_stripes else FIRST
    return Line(
        at=entry.at,
        recorded_at=entry.recorded.recorded_at,
        position=entry.recorded.position,
        text=said,
        kind=entry.kind,
        event=entry.id,
        news=entry.kind not in QUIET if better is None else better.news,
        order=(entry.at, life, place, in_order(said), entry.id),
    )


def _life(kind: str, better: Told | None) -> int:
    """Return the place in a second: what a subscription came to follows its cause."""
    if better is not None:
        return rank(kind) if better.place == 0 else LAST
    return _PAYMENTS.get(kind, rank(kind))


def _order(line: Line) -> tuple[Any, ...]:
    return line.order
