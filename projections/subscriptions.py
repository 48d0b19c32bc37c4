"""Subscriptions, each folded in canonical order from what Stripe's events showed of it.

    settled   the subscription as it was before what follows
    recent    the last few observations, so that what comes a little late still finds
              its place without a look at the log
    faults    the fields that could not be read

A history is the same for every order its facts arrive in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Final

import msgspec

from ledger.order import Ordered, canonical
from projections.declaration import Projection, on, table
from projections.facts import (
    FieldUnreadable,
    Subscription,
    SubscriptionObserved,
    values_of,
)

# Seconds that hold at least so many observations stay open to late ones.
RECENT_MIN: Final = 4
REVIVED_MAX: Final = 20
ENDED: Final = frozenset({"canceled", "incomplete_expired"})


class Current(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A subscription after some of its events.

    Attributes:
        since: When it came to its status, as far as is known.
        revived: Positions of later events that show it alive after its end; they do not
            count, since Stripe never revives a subscription.
    """

    subscription: Subscription
    first_at: datetime
    since: datetime
    position: int
    revived: tuple[int, ...] = ()


class Fault(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A field that could not be read, the last time that happened."""

    field: str
    reason: str
    event_id: str
    position: int


class History(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """What is kept of a subscription's events; see the module."""

    settled: Current | None = None
    recent: tuple[SubscriptionObserved, ...] = ()
    faults: tuple[Fault, ...] = ()


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a history says: the subscription now, and what could not be decided.

    Attributes:
        ambiguous: Positions of events of its last second that only their ids order.
    """

    current: Current
    ambiguous: tuple[int, ...] = ()


_by_time: Final = attrgetter("occurred_at", "event_id")


def observed(history: History, fact: SubscriptionObserved) -> History | None:
    """Put the observation in its place, and settle what is old enough."""
    recent = history.recent
    if not recent or fact.occurred_at > recent[-1].occurred_at:
        recent = (*recent, fact)
    elif history.settled is not None and fact.occurred_at < recent[0].occurred_at:
        return None
    elif any(fact.event_id == known.event_id for known in recent):
        return history
    else:
        recent = tuple(sorted((*recent, fact), key=_by_time))
    settled = history.settled
    if len(recent) > RECENT_MIN:
        old = _settling(recent)
        if old:
            settled, recent = fold(settled, recent[:old]).current, recent[old:]
    return History(settled=settled, recent=recent, faults=history.faults)


def unreadable(history: History, fact: FieldUnreadable) -> History:
    """Remember the field, once, by its latest event."""
    fault = Fault(
        field=fact.field,
        reason=fact.reason,
        event_id=fact.event_id,
        position=fact.position,
    )
    faults = {known.field: known for known in history.faults}
    known = faults.get(fault.field)
    if known is None or known.event_id < fault.event_id:
        faults[fault.field] = fault
    return History(
        settled=history.settled,
        recent=history.recent,
        faults=tuple(faults[field] for field in sorted(faults)),
    )


def fold(before: Current | None, events: Sequence[SubscriptionObserved]) -> Told:
    """Return what *events*, at least one, make of the subscription that was *before*."""
    ordered = _ordered(before, events)
    current = before
    for event in ordered.events:
        current = _after(current, event)
    if current is None:
        raise ValueError("a subscription has at least one event")
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


def told(history: History) -> Told | None:
    """Return what *history* says now; None if it holds no observation."""
    if not history.recent:
        return None if history.settled is None else Told(current=history.settled)
    return fold(history.settled, history.recent)


def _ordered(
    before: Current | None, events: Sequence[SubscriptionObserved]
) -> Ordered[SubscriptionObserved]:
    if len({event.occurred_at for event in events}) == len(events):
        return Ordered(events=tuple(sorted(events, key=_by_time)))
    if before is None:
        return canonical(events)
    return canonical(events, values_of(before.subscription))


def _after(before: Current | None, event: SubscriptionObserved) -> Current:
    shown = event.subscription
    if before is None:
        return Current(
            subscription=shown,
            first_at=event.occurred_at,
            since=event.occurred_at,
            position=event.position,
        )
    status = before.subscription.status
    if status in ENDED and shown.status not in ENDED:
        revived = (*before.revived, event.position)[-REVIVED_MAX:]
        return msgspec.structs.replace(before, revived=revived)
    return Current(
        subscription=shown,
        first_at=before.first_at,
        since=before.since if shown.status == status else event.occurred_at,
        position=event.position,
        revived=before.revived,
    )


def _settling(recent: Iterable[SubscriptionObserved]) -> int:
    """Return how many of *recent* are settled: whole seconds, and enough stay."""
    sizes = [len(list(second)) for _, second in groupby(recent, attrgetter("occurred_at"))]
    left, old = sum(sizes), 0
    for size in sizes:
        if left - size < RECENT_MIN:
            break
        left -= size
        old += size
    return old


SUBSCRIPTIONS: Final = Projection(
    name="subscriptions",
    version=1,
    state=History,
    initial=History(),
    handlers=table(on(SubscriptionObserved, observed), on(FieldUnreadable, unreadable)),
)
