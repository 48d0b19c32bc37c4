"""Seats as the product tells of them, kept whole: every change of every user.

    user:u_1   09:00 in, 11:00 out, 15:00 in      one object for each user
    users      10:00 {u_1, u_2}, 18:00 12         one for what names or counts them all

A change counts from its own time on, then by position. What lies in the future is kept
as well and waits until a reader's *now* reaches it. What it comes to is
`projections.seating.history`'s to tell.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime
from operator import attrgetter
from typing import Final

import msgspec

from projections.facts import SeatChanged, SeatsCounted
from projections.models.declaration import Projection, on, table


class Turn(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A user is active from *at* on, or is not."""

    at: datetime
    position: int
    active: bool
    actor: str | None = None


class Count(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A full set, or a bare count, as of *at*.

    A full set is kept as what it changes of the full set before it, so that a set told
    every hour costs little.

    Attributes:
        count: How many are active; None where the users are named.
        joined: Users of this set that were not in the one before, in order.
        left: Users of the one before that are not in this, in order.
    """

    at: datetime
    position: int
    actor: str | None = None
    count: int | None = None
    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


class Register(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """All that was told of one user, or of all of them together; in order of time."""

    user: str | None = None
    turns: tuple[Turn, ...] = ()
    counts: tuple[Count, ...] = ()


when: Final = attrgetter("at", "position")


def changed(register: Register, fact: SeatChanged) -> Register:
    """Put a user's change in its place."""
    turn = Turn(
        at=fact.occurred_at,
        position=fact.position,
        active=fact.active,
        actor=fact.actor,
    )
    at = bisect_left(register.turns, when(turn), key=when)
    if register.turns[at : at + 1] == (turn,):
        return register
    turns = (*register.turns[:at], turn, *register.turns[at:])
    return Register(user=fact.user, turns=turns)


def counted(register: Register, fact: SeatsCounted) -> Register:
    """Put a full set or a bare count in its place, and mend the full set after it."""
    place = (fact.occurred_at, fact.position)
    at = bisect_left(register.counts, place, key=when)
    earlier, later = register.counts[:at], register.counts[at:]
    if later and when(later[0]) == place:
        return register
    if fact.users is None:
        count = _count(fact, count=fact.count)
        return Register(counts=(*earlier, count, *later))
    before, users = named(earlier), frozenset(fact.users)
    count = _count(
        fact,
        joined=tuple(sorted(users - before)),
        left=tuple(sorted(before - users)),
    )
    return Register(counts=(*earlier, count, *_mended(later, before, users)))


def named(counts: tuple[Count, ...]) -> frozenset[str]:
    """Return the last full set of *counts*; empty before the first."""
    users: set[str] = set()
    for count in counts:
        users.difference_update(count.left)
        users.update(count.joined)
    return frozenset(users)


def _count(
    fact: SeatsCounted,
    *,
    count: int | None = None,
    joined: tuple[str, ...] = (),
    left: tuple[str, ...] = (),
) -> Count:
    return Count(
        at=fact.occurred_at,
        position=fact.position,
        actor=fact.actor,
        count=count,
        joined=joined,
        left=left,
    )


def _mended(
    later: tuple[Count, ...], before: frozenset[str], users: frozenset[str]
) -> tuple[Count, ...]:
    """Return *later* with its first full set told from *users*, not from *before*."""
    for place, count in enumerate(later):
        if count.count is None:
            full = (before - frozenset(count.left)) | frozenset(count.joined)
            mended = msgspec.structs.replace(
                count,
                joined=tuple(sorted(full - users)),
                left=tuple(sorted(users - full)),
            )
            return (*later[:place], mended, *later[place + 1 :])
    return later


SEATS: Final = Projection(
    name="seats",
    version=2,
    state=Register,
    initial=Register(),
    handlers=table(on(SeatChanged, changed), on(SeatsCounted, counted)),
)
