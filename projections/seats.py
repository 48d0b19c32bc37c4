"""Who is active in the product, and how that is known.

    09:00  u_1 in                          {u_1}
    10:00  all users are u_1, u_2          {u_1, u_2}
    11:00  u_2 out, and again u_2 out      {u_1}
    12:00  u_3 in, from 18:00 on           {u_1}, and at 18:00 {u_1, u_3}

A user's last change counts, by its own time and then by position; a full set replaces
all that stands before its time. What lies in the future waits until *now* reaches it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, TypeVar

import attrs
import msgspec

from projections.declaration import Projection, on, table
from projections.facts import SeatChanged, SeatsCounted

Seat = SeatChanged | SeatsCounted
K = TypeVar("K", SeatChanged, SeatsCounted)


class Register(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """The last word on one user, or on all of them, and those still to come.

    Attributes:
        known_at: When the log took the latest fact in it. Every *now* is later, so of
            the changes up to here only the last can still count.
        changes: In order of time, then position; the first may lie before *known_at*.
    """

    known_at: datetime | None = None
    users: tuple[SeatChanged, ...] = ()
    counts: tuple[SeatsCounted, ...] = ()


@attrs.frozen(kw_only=True)
class Seats:
    """Who is active at one moment.

    Attributes:
        users: The active users known by name.
        active: How many are active: *users*, or a bare count that came later than the
            last full set.
        counted: Whether a full set or a bare count has arrived.
    """

    users: frozenset[str] = frozenset()
    active: int = 0
    counted: bool = False


def changed(register: Register, fact: SeatChanged) -> Register:
    """Take a user's change."""
    known_at = _latest(register, fact)
    return Register(known_at=known_at, users=_kept(register.users, fact, known_at))


def counted(register: Register, fact: SeatsCounted) -> Register:
    """Take a full set or a bare count; the last of each kind can matter."""
    known_at = _latest(register, fact)
    named = [known for known in register.counts if known.users is not None]
    bare = [known for known in register.counts if known.users is None]
    if fact.users is None:
        bare = list(_kept(bare, fact, known_at))
    else:
        named = list(_kept(named, fact, known_at))
    return Register(known_at=known_at, counts=tuple(sorted(named + bare, key=when)))


def seats(registers: Iterable[Register], now: datetime) -> Seats:
    """Return who is active at *now*, from the registers of one account."""
    users: list[SeatChanged] = []
    counts: list[SeatsCounted] = []
    for register in registers:
        users += register.users
        counts += register.counts
    last: dict[str, SeatChanged] = {}
    for change in sorted(users, key=when):
        if change.occurred_at <= now:
            last[change.user] = change
    past = sorted((one for one in counts if one.occurred_at <= now), key=when)
    named = [one for one in past if one.users is not None]
    full = named[-1] if named else None
    active = frozenset() if full is None or full.users is None else frozenset(full.users)
    for user, change in last.items():
        if full is None or when(change) > when(full):
            active = active | {user} if change.active else active - {user}
    bare = past[-1].count if past and past[-1].users is None else None
    return Seats(
        users=active,
        active=len(active) if bare is None else bare,
        counted=bool(past),
    )


def when(fact: Seat) -> tuple[datetime, int]:
    """Return a fact's place: its own time, then its position."""
    return fact.occurred_at, fact.position


def _latest(register: Register, fact: Seat) -> datetime:
    if register.known_at is None or fact.recorded_at > register.known_at:
        return fact.recorded_at
    return register.known_at


def _kept(known: Sequence[K], fact: K, known_at: datetime) -> tuple[K, ...]:
    if any(one.position == fact.position for one in known):
        return tuple(known)
    placed = list(known)
    placed.append(fact)
    placed.sort(key=when)
    past = sum(one.occurred_at <= known_at for one in placed)
    return tuple(placed[max(0, past - 1) :])


SEATS: Final = Projection(
    name="seats",
    version=1,
    state=Register,
    initial=Register(),
    handlers=table(on(SeatChanged, changed), on(SeatsCounted, counted)),
)
