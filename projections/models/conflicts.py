"""Stripe events that came again with other content: the first stays, and it is said."""

from __future__ import annotations

from typing import Final

import msgspec

from projections.facts import DeliveryConflicted
from projections.models.declaration import Projection, on, table


class Conflict(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """Where the log tells of the other contents, in order."""

    positions: tuple[int, ...] = ()


def conflicted(conflict: Conflict, fact: DeliveryConflicted) -> Conflict:
    """Keep where it stands, once."""
    if fact.position in conflict.positions:
        return conflict
    return Conflict(positions=tuple(sorted((*conflict.positions, fact.position))))


CONFLICTS: Final = Projection(
    name="conflicts",
    version=1,
    state=Conflict,
    initial=Conflict(),
    handlers=table(on(DeliveryConflicted, conflicted)),
)
