"""What happened to an account lately, in sentences, without reading all of its life.

Read from the log's end: what it costs does not grow with the account's years.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import attrs

from ledger.events import StripeEvent
from ledger.log import Log, Recorded
from projections.dunning.steps import steps
from projections.dunning.timelines import Timeline
from projections.page.happenings import happening
from projections.page.readers import Reader
from projections.page.texts import cut, words
from projections.story import subscription_story as story
from projections.story.sentences import sentence
from projections.story.timeline import Entry, entries
from projections.translation.lifecycle import rank
from projections.views import View

SHOWN: Final = 8
PAGE: Final = 40
BEGINS: Final = "customer.subscription.created"
# What a story ends with stands behind it: the subscription's id.
STANDS_BEFORE: Final = " · "


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

    def and_older(self, older: Lately) -> Lately:
        """Return this and what stands before it in the log, newest first."""
        both = (*self.entries, *older.entries)
        newest_first = sorted(both, key=lambda each: each.at, reverse=True)
        return Lately(entries=tuple(newest_first), next=older.next)


async def lately(
    log: Log,
    view: View,
    reader: Reader,
    *,
    reasons: Mapping[int, str],
    before: int | None = None,
) -> Lately:
    """Return what happened, of up to `PAGE` events recorded before a position.

    Args:
        reasons: The bank's words on payments that failed, by the position that tells so.
        before: That position; None is the log's end.
    """
    end = view.position + 1
    recorded = await log.newest(
        accounts=view.linked.streams,
        before=end if before is None else min(before, end),
        limit=PAGE,
    )
    following = str(recorded[-1].position) if len(recorded) == PAGE else None
    stories = _stories(recorded, view, reader)
    found = [
        Happened(at=entry.at, text=cut(text, 300), position=position)
        for entry, position in _newest_first(recorded, view.now)
        if (
            text := happening(
                entry.recorded.event, stories.get(position), reasons.get(position), reader
            )
        )
    ]
    return Lately(entries=found, next=following)


def told(recorded: Sequence[Recorded], now: datetime) -> list[Happened]:
    """Return what each of *recorded* says, whatever it is, newest first."""
    return [
        Happened(at=entry.at, text=cut(sentence(entry.recorded.event), 300), position=place)
        for entry, place in _newest_first(recorded, now)
    ]


def reasons(timelines: Iterable[Timeline]) -> dict[int, str]:
    """Return the bank's words on each failure of *timelines*, by position."""
    return {
        position: step.message or words(step.reason or "")
        for timeline in timelines
        for step in steps(timeline)
        if step.message or step.reason
        for position in step.evidence
    }


def _newest_first(
    recorded: Sequence[Recorded], now: datetime
) -> Iterable[tuple[Entry, int]]:
    for entry in sorted(entries(recorded, now), key=_key, reverse=True):
        yield entry, entry.recorded.position


def _key(entry: Entry) -> tuple[str, int, str]:
    """Sort by time, and within one second as things of that kind follow each other."""
    at, name = entry.key
    return at, rank(entry.kind), name


def _stories(recorded: Sequence[Recorded], view: View, reader: Reader) -> dict[int, str]:
    """Return what each event changed of its subscription, by position.

    What was before the first of them is not looked up: that one says what it says itself.
    """
    kinds = {one.position: one.event for one in recorded}
    found: dict[int, str] = {}
    for position, told_of in story.told(
        recorded, view.account.catalogue, reader.zone
    ).items():
        event = kinds[position]
        if not told_of.news or not isinstance(event, StripeEvent):
            continue
        if told_of.place == 0 and event.stripe_type != BEGINS:
            change = sentence(event).partition(": ")[2]
            found[position] = f"{change[:1].upper()}{change[1:]}"
        else:
            found[position] = told_of.text.rpartition(STANDS_BEFORE)[0]
    return found
