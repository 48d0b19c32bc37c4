"""An object's history: its observations in canonical order, settled where old enough.

    settled   the object as it was before what follows
    recent    the last few observations, so that what comes a little late still finds
              its place without a look at the log
    faults    the fields that could not be read

A history is the same for every order its facts arrive in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar

import msgspec

from ledger.events import UNROUTED
from ledger.order import Ordered, canonical
from projections.facts import FieldUnreadable, Observed
from projections.faults import Fault, faulted
from projections.gaps import Gap, born, gapped, is_inferred, is_shown
from projections.marks import Mark, marked
from projections.models.traces import Trace, traced
from projections.objects import Value
from projections.paths import paths
from projections.translation.lifecycle import GONE, LIKELY

# Seconds that hold at least so many observations stay open to late ones.
RECENT_MIN: Final = 4
REVIVED_MAX: Final = 20

V = TypeVar("V", bound=Value)
F = TypeVar("F", bound=Observed[Any])


class Current(
    msgspec.Struct, Generic[V], frozen=True, array_like=True, kw_only=True, gc=False
):
    """An object after some of its events.

    Attributes:
        since: When it came to its standing (a status, an owner), as far as is known.
        deleted: Whether Stripe has deleted it.
        revived: Positions of later events that show it alive after its end; they do not
            count, since nothing that has ended comes back.
        marks: Of a subscription, what it was before and is, one for each change.
        traces: Of an invoice or a payment, what befell it, in order.
        gaps: Of a subscription or an invoice, where something was not told.
        inferred: Whether nothing but a date of its own tells what it was.
        unborn: Whether the first that was told of it is no beginning.
        shown_at: When Stripe last showed it to whoever asked.
    """

    value: V
    first_at: datetime
    since: datetime
    position: int
    deleted: bool = False
    revived: tuple[int, ...] = ()
    marks: tuple[Mark, ...] = ()
    traces: tuple[Trace, ...] = ()
    gaps: tuple[Gap, ...] = ()
    inferred: bool = False
    unborn: bool = False
    shown_at: datetime | None = None

    @property
    def open_gaps(self) -> tuple[Gap, ...]:
        """The gaps that nothing has healed yet."""
        return tuple(gap for gap in self.gaps if not gap.healed)

    @property
    def ended(self) -> bool:
        """Whether it can never be anything else again."""
        return self.deleted or self.value.ended


class Told(msgspec.Struct, Generic[V], frozen=True, kw_only=True, gc=False):
    """What a history says: the object now, and what could not be decided.

    Attributes:
        ambiguous: Positions of events of its last second that only their ids order.
    """

    current: Current[V]
    ambiguous: tuple[int, ...] = ()


class History(
    msgspec.Struct, Generic[F, V], frozen=True, array_like=True, kw_only=True, dict=True
):
    """What is kept of an object's events; see the module."""

    settled: Current[V] | None = None
    recent: tuple[F, ...] = ()
    faults: tuple[Fault, ...] = ()

    @cached_property
    def told(self) -> Told[V] | None:
        """What it says, worked out when that is first asked; see `told`."""
        if not self.recent:
            return None if self.settled is None else Told(current=self.settled)
        return fold(self.settled, self.recent)


H = TypeVar("H", bound=History[Any, Any])
_by_time: Final = attrgetter("occurred_at", "event_id")
_time: Final = attrgetter("occurred_at")


def observed(history: H, fact: Observed[Any]) -> H | None:
    """Put the observation in its place, and settle what is old enough.

    None says that it is older than what is remembered: fold the object anew. What waits
    to be routed is never settled, since its stream cannot be read again by itself.
    """
    recent = _placed(history, fact)
    if recent is None:
        return None
    if recent is history.recent:
        return history
    settled = history.settled
    if len(recent) > RECENT_MIN and fact.account != UNROUTED:
        old = settling(recent)
        if old:
            settled, recent = fold(settled, recent[:old]).current, recent[old:]
    return msgspec.structs.replace(history, settled=settled, recent=recent)


def observed_together(history: H, facts: Sequence[Observed[Any]]) -> H | None:
    """Put several observations in their places at once: what `observed` makes of each."""
    if len(facts) == 1:
        return observed(history, facts[0])
    before = history.recent
    unique = {fact.event_id: fact for fact in (*facts[::-1], *before)}
    if len(unique) == len(before):
        return history
    recent = tuple(sorted(unique.values(), key=_by_time))
    settled = history.settled
    if settled is not None and recent[0].occurred_at < before[0].occurred_at:
        return None
    if len(recent) > RECENT_MIN and facts[0].account != UNROUTED:
        old = settling(recent)
        if old:
            settled, recent = second_by_second(settled, recent[:old]), recent[old:]
    return msgspec.structs.replace(history, settled=settled, recent=recent)


def unreadable(kind: str) -> Callable[[H, FieldUnreadable], H]:
    """Return what remembers an unreadable field of an object of *kind*, by its latest."""

    def remember(history: H, fact: FieldUnreadable) -> H:
        if fact.kind != kind:
            return history
        faults = faulted(history.faults, fact)
        if faults is history.faults:
            return history
        return msgspec.structs.replace(history, faults=faults)

    return remember


def fold(before: Current[V] | None, events: Sequence[Observed[V]]) -> Told[V]:
    """Return what *events*, at least one, make of the object that was *before*."""
    ordered = _ordered(before, events)
    current = before
    at: datetime | None = None
    for event in ordered.events:
        opens, at = event.occurred_at != at, event.occurred_at
        current = _after(current, event, opens=opens)
    if current is None:
        raise ValueError("an object has at least one event")
    last_at = ordered.events[-1].occurred_at
    undecided = set(ordered.ambiguous)
    return Told(
        current=current,
        ambiguous=tuple(
            sorted(
                event.position
                for event in ordered.events
                if event.event_id in undecided and event.occurred_at == last_at
            )
        ),
    )


def told(history: History[Any, V]) -> Told[V] | None:
    """Return what *history* says now; None if it holds no observation."""
    return history.told


def _placed(history: H, fact: Observed[Any]) -> tuple[Any, ...] | None:
    recent = history.recent
    if not recent or fact.occurred_at > recent[-1].occurred_at:
        return (*recent, fact)
    if history.settled is not None and fact.occurred_at < recent[0].occurred_at:
        return None
    if any(fact.event_id == known.event_id for known in recent):
        return recent
    return tuple(sorted((*recent, fact), key=_by_time))


def _ordered(
    before: Current[V] | None, events: Sequence[Observed[V]]
) -> Ordered[Observed[V]]:
    if len({event.occurred_at for event in events}) == len(events):
        return Ordered(events=tuple(sorted(events, key=_by_time)))
    return canonical(events, None if before is None else paths(before.value))


def _after(before: Current[V] | None, event: Observed[V], *, opens: bool) -> Current[V]:
    if event.deletes and event.type.endswith(GONE):
        last = event.value if before is None else before.value
        event = msgspec.structs.replace(event, value=last.gone(event.occurred_at))
    shown, at = event.value, event.occurred_at
    if before is None:
        return Current(
            value=shown,
            first_at=at,
            since=at,
            position=event.position,
            deleted=event.deletes,
            marks=marked((), event),
            traces=traced((), event),
            inferred=is_inferred(event),
            unborn=not born(event),
            shown_at=at if is_shown(event) else None,
        )
    if before.ended and not (event.deletes or shown.ended):
        revived = (*before.revived, event.position)[-REVIVED_MAX:]
        return msgspec.structs.replace(before, revived=revived)
    if event.type == LIKELY and not before.inferred:
        return before
    known = None if before.inferred else before.value
    stays = shown.standing == before.value.standing
    return Current(
        value=shown,
        first_at=before.first_at,
        since=before.since if stays else at,
        position=event.position,
        deleted=event.deletes,
        revived=before.revived,
        marks=marked(before.marks, event),
        traces=traced(before.traces, event),
        gaps=gapped(before.gaps, known, event, opens=opens),
        inferred=is_inferred(event),
        unborn=before.unborn and not is_shown(event),
        shown_at=at if is_shown(event) else before.shown_at,
    )


def second_by_second(
    before: Current[V] | None, events: Sequence[Observed[V]]
) -> Current[V]:
    """Fold *events*, in order of time, as they are settled when they come one by one."""
    for _, second in groupby(events, _time):
        before = fold(before, tuple(second)).current
    if before is None:
        raise ValueError("an object has at least one event")
    return before


def settling(recent: Iterable[Any]) -> int:
    """Return how many of *recent*, in order, settle: whole seconds, and enough stay.

    Whatever has a time is counted, also an observation that nobody looked into.
    """
    sizes = [len(list(second)) for _, second in groupby(recent, _time)]
    left, old = sum(sizes), 0
    for size in sizes:
        if left - size < RECENT_MIN:
            break
        left -= size
        old += size
    return old


TOGETHER: Final[Mapping[object, Callable[[Any, Sequence[Any]], Any]]] = {
    observed: observed_together
}
"""Handlers that take many facts of one object faster together than one by one."""
