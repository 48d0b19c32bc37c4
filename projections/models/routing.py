"""Whose an object is that names no customer: whoever's is what it refers to.

    dispute dp_1  →  charge ch_1  →  cus_1        routed
    refund re_1   →  charge ch_9                  waits until ch_9 is seen

    references   what belongs to whom: charges and payment intents, by customer; invoices
                 and payment methods have read models of their own
    unrouted     what names no customer, by the surest thing it names

Both are kept apart and joined when they are read: whichever arrives first, the rows are
the same, and what waits is found the moment its reference is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from projections.facts import ObjectHinted, ReferenceMade, ReferenceSeen
from projections.models.declaration import Projection, on, table


class Known(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """An object that others may refer to; *position* is where it was first seen."""

    position: int = 0


class Loose(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """An object without a customer.

    Attributes:
        references: What it named, the surest first; the latest event that named any.
        positions: Of all its events, so that they can be read once it has a place.
    """

    references: tuple[str, ...] = ()
    type: str = ""
    latest: str = ""
    positions: tuple[int, ...] = ()


class Hint(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """The latest thin event of an object: it should be fetched if it is not newer.

    Attributes:
        latest: Time and id of the event, so that any order gives the same.
    """

    latest: str = ""
    type: str = ""
    url: str | None = None
    positions: tuple[int, ...] = ()


def seen(known: Known, fact: ReferenceSeen) -> Known:
    """Remember where the object was seen first."""
    if known.position and known.position <= fact.position:
        return known
    return Known(position=fact.position)


def made(loose: Loose, fact: ReferenceMade) -> Loose:
    """Take what the latest event names, and count them all."""
    if fact.position in loose.positions:
        return loose
    positions = tuple(sorted((*loose.positions, fact.position)))
    latest = f"{fact.occurred_at:%Y%m%dT%H%M%S} {fact.event_id}"
    if latest <= loose.latest:
        return msgspec.structs.replace(loose, positions=positions)
    return Loose(
        references=fact.references or loose.references,
        type=fact.type,
        latest=latest,
        positions=positions,
    )


def hinted(hint: Hint, fact: ObjectHinted) -> Hint:
    """Remember the latest hint."""
    if fact.position in hint.positions:
        return hint
    positions = tuple(sorted((*hint.positions, fact.position)))
    latest = f"{fact.occurred_at:%Y%m%dT%H%M%S.%f} {fact.event_id}"
    if latest <= hint.latest:
        return msgspec.structs.replace(hint, positions=positions)
    return Hint(latest=latest, type=fact.type, url=fact.url, positions=positions)


def routed(loose: Loose, owners: Mapping[str, str]) -> str | None:
    """Return whose *loose* is; None while nothing that it names is known.

    Args:
        owners: The account of each object that has been seen.
    """
    return next((owners[name] for name in loose.references if name in owners), None)


def waiting(objects: Iterable[Loose], owners: Mapping[str, str]) -> int:
    """Count the objects that cannot be routed yet."""
    return sum(routed(each, owners) is None for each in objects)


def _surest(loose: Loose) -> str | None:
    return loose.references[0] if loose.references else None


REFERENCES: Final = Projection(
    name="references",
    version=1,
    state=Known,
    initial=Known(),
    handlers=table(on(ReferenceSeen, seen)),
)
UNROUTED: Final = Projection(
    name="unrouted",
    version=1,
    state=Loose,
    initial=Loose(),
    handlers=table(on(ReferenceMade, made)),
    refers=_surest,
)
HINTS: Final = Projection(
    name="hints",
    version=1,
    state=Hint,
    initial=Hint(),
    handlers=table(on(ObjectHinted, hinted)),
)
