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
from itertools import groupby
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
            told = tuple(event for event in group if event.rank != INFERRED)
            chosen, undecided = _arrange(told, known) if told else ((), False)
            group = (*inferred, *chosen)
            ambiguous += sorted(event.event_id for event in chosen) if undecided else ()
        placed += group
    return Ordered(events=tuple(placed), ambiguous=tuple(ambiguous))


class _Second(Generic[T]):
    """Events of one second, each asked for its values once, by their places in it.

    What speaks against an order is a sum over neighbours and over pairs, so that orders
    are weighed as they are put together, and given up once they are worse than another.
    """

    def __init__(self, events: Sequence[T], before: Mapping[str, object] | None) -> None:
        self.events = events
        self.ids = [event.event_id for event in events]
        self.ranks = [event.rank for event in events]
        self.values = [event.values for event in events]
        self.previous = [event.previous for event in events]
        self.before = before
        self._links: dict[tuple[int, int], tuple[int, int]] = {}

    def link(self, first: int, second: int) -> tuple[int, int]:
        """Tell whether *second* may follow *first*: links broken, changes unclaimed."""
        key = (first, second)
        if key not in self._links:
            values = self.before if first == _START else self.values[first]
            self._links[key] = (0, 0) if values is None else self._follows(values, second)
        return self._links[key]

    def _follows(self, values: Mapping[str, object], place: int) -> tuple[int, int]:
        previous = self.previous[place]
        if previous is None:
            return 0, int(self.values[place] != values)
        broken = any(
            path in values and values[path] != value for path, value in previous.items()
        )
        restored = {**self.values[place], **previous}
        return int(broken), int(restored != values)

    def step(self, last: int, place: int, rest: Iterable[int]) -> int:
        """Return what speaks against *place* right after *last*, with *rest* to come."""
        broken, unclaimed = self.link(last, place)
        ranks = self.ranks
        rank = ranks[place]
        later = len([other for other in rest if ranks[other] < rank])
        early = later * (_EARLY if rank == OBSERVED else _DISORDER)
        return broken * _BROKEN + unclaimed * _UNCLAIMED + early

    def cost(self, order: Sequence[int]) -> int:
        """Return what speaks against *order*."""
        found, last = 0, _START
        for at, place in enumerate(order):
            found += self.step(last, place, order[at + 1 :])
            last = place
        return found


_START: Final = -1
# What speaks against an order, the gravest first: links of the chain that do not hold,
# types out of the order of life, changes of values that no event claims to have made,
# and objects shown before what else happened in that second. Of a second with
# CHAINED_MAX events no count comes near the next one's weight.
_EARLY: Final = 1
_UNCLAIMED: Final = 10_000 * _EARLY
_DISORDER: Final = 10_000 * _UNCLAIMED
_BROKEN: Final = 10_000 * _DISORDER


def _arrange(
    group: Sequence[T], before: Mapping[str, object] | None
) -> tuple[Sequence[T], bool]:
    if len(group) > CHAINED_MAX:
        by_rank = tuple(sorted(group, key=attrgetter("rank", "event_id")))
        return by_rank, any(event.values != by_rank[-1].values for event in by_rank)
    second = _Second(group, before)
    if len(group) > EXHAUSTIVE_MAX:
        chosen = _one_by_one(second)
        least = second.cost(chosen)
        rivals = {one[-1] for one in _with_one_moved(chosen) if second.cost(one) == least}
    else:
        chosen, rivals = _Search(second).least()
    outcome = second.values[chosen[-1]]
    undecided = any(second.values[last] != outcome for last in rivals)
    return [group[place] for place in chosen], undecided


class _Search(Generic[T]):
    """Looks for the order that least speaks against; of equal ones the first by id."""

    def __init__(self, second: _Second[T]) -> None:
        self._second = second
        self._cost = 0
        self._chosen: tuple[int, ...] = ()
        self._lasts: set[int] = set()

    def least(self) -> tuple[tuple[int, ...], set[int]]:
        """Return the order, and the last events of all that are as good."""
        ranks = self._second.ranks
        places = tuple(range(len(ranks)))
        # Most often an order of life holds: then no order out of it can be as good.
        if OBSERVED not in ranks:
            self._cost = _DISORDER - 1
            self._visit_lives((), places, 0)
        if not self._chosen:
            self._cost = self._second.cost(sorted(places, key=ranks.__getitem__))
            self._visit((), places, 0)
        return self._chosen, self._lasts

    def _visit_lives(
        self, placed: tuple[int, ...], left: tuple[int, ...], cost: int
    ) -> None:
        """Look among the orders of life alone."""
        if not left:
            self._found(placed, cost)
            return
        last = placed[-1] if placed else _START
        second = self._second
        rank = min([second.ranks[place] for place in left])
        for at, place in enumerate(left):
            if second.ranks[place] == rank:
                broken, unclaimed = second.link(last, place)
                total = cost + broken * _BROKEN + unclaimed * _UNCLAIMED
                if total <= self._cost:
                    self._visit_lives(
                        (*placed, place), (*left[:at], *left[at + 1 :]), total
                    )

    def _visit(self, placed: tuple[int, ...], left: tuple[int, ...], cost: int) -> None:
        if not left:
            self._found(placed, cost)
            return
        last = placed[-1] if placed else _START
        for at, place in enumerate(left):
            rest = (*left[:at], *left[at + 1 :])
            total = cost + self._second.step(last, place, rest)
            if total <= self._cost:
                self._visit((*placed, place), rest, total)

    def _found(self, placed: tuple[int, ...], cost: int) -> None:
        if not self._chosen or cost < self._cost:
            self._cost, self._chosen, self._lasts = cost, placed, set()
        self._lasts.add(placed[-1])


def _with_one_moved(order: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return *order* with each event moved to its end, and its end moved to each place."""
    last = [(*order[:at], *order[at + 1 :], order[at]) for at in range(len(order))]
    return last + [(*order[:at], order[-1], *order[at:-1]) for at in range(len(order))]


def _one_by_one(second: _Second[T]) -> tuple[int, ...]:
    left = list(range(len(second.events)))
    order: list[int] = []
    last = _START
    while left:
        ranks = min(second.ranks[place] for place in left)
        # An event that undoes what waits before it may come too early: prefer one that
        # no other waiting event leads to.
        last = min(left, key=lambda place: _weight(second, last, place, ranks, left))
        left.remove(last)
        order.append(last)
    return tuple(order)


def _weight(
    second: _Second[T], last: int, place: int, rank: int, left: Sequence[int]
) -> tuple[object, ...]:
    broken, unclaimed = second.link(last, place)
    return (
        second.ranks[place] != rank,
        broken,
        _led_to(second, place, left),
        unclaimed,
        second.ids[place],
    )


def _led_to(second: _Second[T], place: int, others: Iterable[int]) -> bool:
    if not second.previous[place]:
        return False
    return any(
        other != place
        and second.link(other, place)[0] == 0
        and second.link(place, other)[0] == 1
        for other in others
    )
