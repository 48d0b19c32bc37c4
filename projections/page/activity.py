"""What happened to an account lately, in sentences, without reading all of its life.

Read from the log's end: what it costs does not grow with the account's years.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import attrs

from ledger.log import Log, Recorded
from projections.page.texts import cut
from projections.story.sentences import sentence
from projections.story.timeline import entries
from projections.views import View

SHOWN: Final = 8
PAGE: Final = 40
# They say what others say better.
QUIET: Final = frozenset(
    {
        "charge.updated",
        "customer.updated",
        "invoice.updated",
        "invoice.created",
        "invoiceitem.created",
        "invoiceitem.updated",
        "payment_intent.created",
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "setup_intent.created",
        "setup_intent.succeeded",
        "invoice.payment_succeeded",
        "invoice.upcoming",
        "invoice.will_be_due",
        "invoice.sent",
        "charge.succeeded",
        "test_helpers.test_clock.advancing",
    }
)


@attrs.frozen(kw_only=True)
class Happened:
    """One sentence.

    Attributes:
        position: Of the event in the log.
    """

    at: datetime
    text: str
    position: int


@attrs.frozen(kw_only=True)
class Lately:
    """Some of what happened, newest first, and where to go on; None at the beginning."""

    entries: Sequence[Happened]
    next: str | None


async def lately(
    log: Log, view: View, *, before: int | None = None, size: int = PAGE
) -> Lately:
    """Return what happened, up to *size* events recorded before the position *before*."""
    end = view.position + 1
    recorded = await log.newest(
        accounts=view.linked.streams,
        before=end if before is None else min(before, end),
        limit=size,
    )
    following = str(recorded[-1].position) if len(recorded) == size else None
    return Lately(entries=told(recorded, view.now), next=following)


def told(
    recorded: Sequence[Recorded], now: datetime, quiet: frozenset[str] = QUIET
) -> list[Happened]:
    """Return *recorded* in sentences, newest first, without the types in *quiet*."""
    newest_first = sorted(entries(recorded, now), key=lambda each: each.key, reverse=True)
    return [
        Happened(
            at=entry.at,
            text=cut(sentence(entry.recorded.event), 300),
            position=entry.recorded.position,
        )
        for entry in newest_first
        if entry.kind not in quiet
    ]
