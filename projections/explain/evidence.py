"""The events that positions stand for: which, of what kind, when, and by whom.

#41,007    evt_1QaB    invoice.finalized    1 Nov 00:00    Stripe itself
#36,120    cmd:…       seat_assigned       14 Oct 09:12    u_3
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

import attrs

from ledger.events import CATALOGUE, UNROUTED
from ledger.log import Recorded
from projections.story.authors import author
from projections.story.timeline import entries

# The catalogue, and what names no customer, are of whoever they bear witness for.
_NOBODYS: Final = frozenset({CATALOGUE, UNROUTED})


@attrs.frozen(kw_only=True)
class Witness:
    """An event that says so.

    Attributes:
        id: Stripe's, or that of the request that told it.
        kind: Stripe's type, or our own topic's name.
        at: When it happened, by whoever saw it.
        by: A user, a request to Stripe, or Stripe itself; None where nothing says so.
    """

    position: int
    id: str
    kind: str
    at: datetime
    by: str | None


def witnesses(
    recorded: Iterable[Recorded], streams: Collection[str] | None = None
) -> dict[int, Witness]:
    """Return the events of *recorded*, by position.

    Args:
        streams: Whose events may be named; None is everybody's. A price may have been
            seen first in an event of another account.
    """
    return {
        each.recorded.position: Witness(
            position=each.recorded.position,
            id=each.id,
            kind=each.kind,
            at=each.at,
            by=author(each.recorded.event),
        )
        for each in entries(recorded)
        if streams is None or each.recorded.event.account in {*_NOBODYS, *streams}
    }
