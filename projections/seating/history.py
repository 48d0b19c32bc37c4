"""Who held a seat at any instant, since when and by whom, and how many were held.

    09:00  u_1 in                          {u_1}
    10:00  all users are u_1, u_2          {u_1, u_2}
    11:00  u_2 out, and again u_2 out      {u_1}
    12:00  there are 12                    12, of whom {u_1} is known by name
    13:00  u_3 in                          12, of whom {u_1, u_3} are known

A user's last change counts; a full set replaces all that stands before it; after a bare
count only another count or a full set changes the number. What is told of one instant is
taken together, in order of position.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Final, NamedTuple

import attrs

from projections.models.seats import Count, Register, Turn


@attrs.frozen(kw_only=True)
class Seat:
    """A seat that somebody holds.

    Attributes:
        since: When the user became active, and has been ever since.
        by: Who assigned it, where the product says so.
        position: Of the event that assigned it.
    """

    user: str
    since: datetime
    by: str | None
    position: int


@attrs.frozen(kw_only=True)
class Held:
    """The seats at one instant, after all that is told of it.

    Attributes:
        seats: The active users known by name, in order.
        active: How many are active: *seats*, or a bare count that came later.
        counted: Whether a full set or a bare count has taken effect.
    """

    seats: tuple[Seat, ...] = ()
    active: int = 0
    counted: bool = False

    @property
    def users(self) -> frozenset[str]:
        """The names of those who hold a seat."""
        return frozenset(seat.user for seat in self.seats)


class Level(NamedTuple):
    """How many seats were active from *at* on.

    Attributes:
        known: How many users were known by name.
        counted: Whether a full set or a bare count had taken effect.
    """

    at: datetime
    active: int
    known: int
    counted: bool


@attrs.frozen(kw_only=True)
class Step:
    """One change of the seats as somebody reads it.

    Attributes:
        user: Whose seat; None where a set or a count was told.
        change: ``assigned``, ``released``, ``set`` or ``counted``.
        active: How many were active after its instant.
        delta: How many more were active by it alone.
        joined: Users who got a seat by a full set, in order.
        left: Users who lost theirs by it, in order.
    """

    at: datetime
    user: str | None
    change: str
    by: str | None
    active: int
    position: int
    delta: int = 0
    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


class _Entry(NamedTuple):
    """What was told, of one user or in one chain of full sets."""

    at: datetime
    position: int
    user: str | None
    told: Turn | Count
    chain: int


@attrs.define
class _Room:
    """Who is in at the moment; a fold's accumulator, never shown.

    Attributes:
        chains: The last full set of each chain, which its next one is told from.
        chain: The chain of the last full set of all.
        touched: Users whose seats changed since.
    """

    seats: dict[str, Seat] = attrs.Factory(dict)
    bare: int | None = None
    counted: bool = False
    chains: dict[int, set[str]] = attrs.Factory(dict)
    chain: int | None = None
    touched: set[str] = attrs.Factory(set)

    @property
    def active(self) -> int:
        return len(self.seats) if self.bare is None else self.bare

    def take(self, entry: _Entry) -> tuple[Sequence[str], Sequence[str]]:
        """Apply *entry*; return who came in and who went."""
        joined, left = self._changes(entry)
        for user in left:
            del self.seats[user]
        for user in joined:
            self.seats[user] = Seat(
                user=user, since=entry.at, by=entry.told.actor, position=entry.position
            )
        return joined, left

    def _changes(self, entry: _Entry) -> tuple[Sequence[str], Sequence[str]]:
        told = entry.told
        if isinstance(told, Turn):
            user = entry.user or ""
            self.touched.add(user)
            if told.active is (user in self.seats):
                return (), ()
            return ((user,), ()) if told.active else ((), (user,))
        self.counted, self.bare = True, told.count
        return ((), ()) if told.count is not None else self._set(told, entry.chain)

    def _set(self, told: Count, chain: int) -> tuple[Sequence[str], Sequence[str]]:
        full = self.chains.setdefault(chain, set())
        full.difference_update(told.left)
        full.update(told.joined)
        asked = self.touched.union(told.joined, told.left)
        if chain != self.chain:
            asked = full | self.seats.keys()
        self.chain, self.touched = chain, set()
        return (
            sorted(user for user in asked if user in full and user not in self.seats),
            sorted(user for user in asked if user in self.seats and user not in full),
        )


_AT: Final = itemgetter(0)
_PLACE: Final = itemgetter(0, 1)
_USER: Final = attrgetter("user")


def held(registers: Iterable[Register], moment: datetime) -> Held:
    """Return who holds a seat at *moment*, from the registers of one account."""
    room = _Room()
    for entry in _entries(registers, moment):
        room.take(entry)
    return Held(
        seats=tuple(sorted(room.seats.values(), key=_USER)),
        active=room.active,
        counted=room.counted,
    )


def levels(registers: Iterable[Register], until: datetime) -> tuple[Level, ...]:
    """Return how many were active after each instant up to and with *until*."""
    room = _Room()
    found = []
    for at, instant in groupby(_entries(registers, until), key=_AT):
        for entry in instant:
            room.take(entry)
        level = Level(
            at=at, active=room.active, known=len(room.seats), counted=room.counted
        )
        found.append(level)
    return tuple(found)


def peak(levels: Iterable[Level], start: datetime | None) -> int:
    """Return the most seats active at any moment from *start* on; None is ever.

    A seat freed at *start* itself is not active in what begins then.
    """
    at_start, after = 0, [0]
    for level in levels:
        if start is not None and level.at <= start:
            at_start = level.active
        else:
            after.append(level.active)
    return max(at_start, *after)


def steps(registers: Iterable[Register], until: datetime) -> Sequence[Step]:
    """Return all that was told up to and with *until*, in order."""
    room = _Room()
    found: list[Step] = []
    for _, instant in groupby(_entries(registers, until), key=_AT):
        taken = []
        for entry in instant:
            before = room.active
            joined, left = room.take(entry)
            taken.append((entry, joined, left, room.active - before))
        found += [_step(*each, room.active) for each in taken]
    return found


def _step(
    entry: _Entry, joined: Sequence[str], left: Sequence[str], delta: int, active: int
) -> Step:
    told = entry.told
    if isinstance(told, Turn):
        change, joined, left = "assigned" if told.active else "released", (), ()
    else:
        change = "set" if told.count is None else "counted"
    return Step(
        at=entry.at,
        user=entry.user,
        change=change,
        by=told.actor,
        active=active,
        position=entry.position,
        delta=delta,
        joined=tuple(joined),
        left=tuple(left),
    )


def _entries(registers: Iterable[Register], until: datetime) -> list[_Entry]:
    found = [
        entry
        for chain, register in enumerate(registers)
        for entry in _of_register(register, chain, until)
    ]
    return sorted(found, key=_PLACE)


def _of_register(register: Register, chain: int, until: datetime) -> Iterator[_Entry]:
    everything: tuple[Turn | Count, ...] = (*register.turns, *register.counts)
    for told in everything:
        if told.at <= until:
            yield _Entry(told.at, told.position, register.user, told, chain)
