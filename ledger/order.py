"""The canonical order of one object's events, whatever order they arrived in.

    10:00:07  created                                    1  an earlier second comes first
    10:00:09  updated  quantity 5, before it 3           3  its previous value is the one
    10:00:09  updated  quantity 3, before it 1           2  that the other left behind
    10:00:09  deleted                                    4  within a second, last of a life

Stripe's clock has whole seconds and one request makes many events within one, so the
order inside a second is read from what each event says the values were before it, then
from the place of its type in an object's life, then from its id. What even that does not
decide is flagged, never guessed in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby, pairwise, permutations
from operator import attrgetter
from typing import Final, Generic, Protocol, TypeVar

import attrs

# Up to this many events of one second every order is tried; beyond it the next event is
# chosen one by one. 120 orders cost half a millisecond, and are needed once in a blue moon.
EXHAUSTIVE_MAX: Final = 5
# Beyond this many nothing real is left to find: by type and id, flagged.
CHAINED_MAX: Final = 40
# Ranks of what is no event: what is known of a date, before all events of its second, and
# an object as it was shown, wherever in its second it fits, or else after them.
INFERRED: Final = -1
OBSERVED: Final = 10


class Told(Protocol):
    """An event of one object: when, and what it says of the object's values."""

    @property
    def event_id(self) -> str:
        """What makes the event unique; the last word where nothing else decides."""

    @property
    def occurred_at(self) -> datetime:
        """Whole seconds, by the clock of whoever saw it."""

    @property
    def rank(self) -> int:
        """The place of the event's type in an object's life, low is early."""

    @property
    def values(self) -> Mapping[str, object]:
        """The object's values after the event, by path."""

    @property
    def previous(self) -> Mapping[str, object] | None:
        """The values that it changed, before it; None if its type tells none."""


T = TypeVar("T", bound=Told)


@attrs.frozen(kw_only=True)
class Ordered(Generic[T]):
    """Events in canonical order, each id once.

    Attributes:
        ambiguous: Ids of the events of a second whose outcome nothing but the ids
            decided.
    """

    events: tuple[T, ...] = ()
    ambiguous: tuple[str, ...] = ()


def canonical(
    events: Iterable[T], before: Mapping[str, object] | None = None
) -> Ordered[T]:
    """Return *events* in canonical order; the same for every order they are given in.

    Args:
        before: The object's values before the first of them, where they are known.
    """
    unique = {event.event_id: event for event in events}
    placed: list[T] = []
    ambiguous: list[str] = []
    by_time = sorted(unique.values(), key=attrgetter("occurred_at", "event_id"))
    for _, second in groupby(by_time, key=attrgetter("occurred_at")):
        group = tuple(second)
        if len(group) > 1:
            known = placed[-1].values if placed else before
            inferred = tuple(event for event in group if event.rank == INFERRED)
            told = tuple(_Once.of(event) for event in group if event.rank != INFERRED)
            chosen, undecided = _arrange(told, known) if told else ((), False)
            group = (*inferred, *(once.event for once in chosen))
            ambiguous += sorted(once.event_id for once in chosen) if undecided else ()
        placed += group
    return Ordered(events=tuple(placed), ambiguous=tuple(ambiguous))


@attrs.frozen
class _Once(Generic[T]):
    """An event whose values are asked for once, however many orders are tried."""

    event: T
    event_id: str
    occurred_at: datetime
    rank: int
    values: Mapping[str, object]
    previous: Mapping[str, object] | None

    @classmethod
    def of(cls, event: T) -> _Once[T]:
        return cls(
            event,
            event.event_id,
            event.occurred_at,
            event.rank,
            event.values,
            event.previous,
        )


def _with_one_moved(order: tuple[T, ...]) -> list[tuple[T, ...]]:
    """Return *order* with each event moved to its end, and its end moved to each place."""
    last = [(*order[:at], *order[at + 1 :], order[at]) for at in range(len(order))]
    return last + [(*order[:at], order[-1], *order[at:-1]) for at in range(len(order))]


# What speaks against an order: links of the chain that do not hold, types out of the
# order of life, changes of values that no event claims to have made, and objects shown
# before what else happened in that second.
_Cost = tuple[int, int, int, int]


def _arrange(
    group: tuple[T, ...], before: Mapping[str, object] | None
) -> tuple[tuple[T, ...], bool]:
    if len(group) > CHAINED_MAX:
        by_rank = tuple(sorted(group, key=attrgetter("rank", "event_id")))
        return by_rank, any(event.values != by_rank[-1].values for event in by_rank)
    if len(group) > EXHAUSTIVE_MAX:
        chosen = _one_by_one(group, before)
        rivals = _with_one_moved(chosen)
    else:
        # The group stands in order of id, so of equal orders the first is by id.
        rivals = list(permutations(group))
        chosen = min(rivals, key=lambda order: _cost(order, before))
    least = _cost(chosen, before)
    outcome = chosen[-1].values
    undecided = any(
        rival[-1].values != outcome and _cost(rival, before) == least for rival in rivals
    )
    return chosen, undecided


def _cost(order: Sequence[Told], before: Mapping[str, object] | None) -> _Cost:
    broken, unclaimed = (0, 0) if before is None else _link(before, order[0])
    disorder = early = 0
    for first, second in pairwise(order):
        link = _link(first.values, second)
        broken += link[0]
        unclaimed += link[1]
    for at, event in enumerate(order):
        later = sum(other.rank < event.rank for other in order[at + 1 :])
        if event.rank == OBSERVED:
            early += later
        else:
            disorder += later
    return broken, disorder, unclaimed, early


def _link(values: Mapping[str, object], event: Told) -> tuple[int, int]:
    """Tell whether *event* may follow an object of *values*: links broken, unclaimed."""
    previous = event.previous
    if previous is None:
        return 0, int(event.values != values)
    broken = any(
        path in values and values[path] != value for path, value in previous.items()
    )
    restored = {**event.values, **previous}
    return int(broken), int(restored != values)


def _one_by_one(group: Sequence[T], before: Mapping[str, object] | None) -> tuple[T, ...]:
    left = list(group)
    order: list[T] = []
    while left:
        ranks = min(event.rank for event in left)
        links = {
            event.event_id: (0, 0) if before is None else _link(before, event)
            for event in left
        }
        # An event that undoes what waits before it may come too early: prefer one that
        # no other waiting event leads to.
        following = min(
            left,
            key=lambda event: (
                event.rank != ranks,
                links[event.event_id][0],
                _led_to(event, left),
                links[event.event_id][1],
                event.event_id,
            ),
        )
        left.remove(following)
        order.append(following)
        before = following.values
    return tuple(order)


def _led_to(event: T, others: Sequence[T]) -> bool:
    if not event.previous:
        return False
    return any(
        other is not event
        and _link(other.values, event)[0] == 0
        and _link(event.values, other)[0] == 1
        for other in others
    )
