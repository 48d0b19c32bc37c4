"""What was last found when Stripe's own data was gone through, by kind of run.

    import      an existing account was taken over
    catch_up    all that Stripe's events told by then is in the log
    reconcile   what is kept here was compared with what Stripe has

Kept by position: a run is part of the log, whenever it ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from ledger.events import CATALOGUE, Check
from projections.facts import StripeChecked
from projections.models.declaration import Projection, on, table


class Checked(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """The last run of a kind.

    Attributes:
        position: Of its event; 0 before the first.
    """

    position: int = 0
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    ok: bool = False
    counts: tuple[tuple[str, int], ...] = ()
    differing: tuple[str, ...] = ()
    stripe_account: str | None = None


def checked(last: Checked, fact: StripeChecked) -> Checked:
    """Take the run, unless a later one is known."""
    if fact.position <= last.position:
        return last
    return Checked(
        position=fact.position,
        begun_at=fact.begun_at,
        ended_at=fact.occurred_at,
        ok=fact.ok,
        counts=fact.counts,
        differing=fact.differing,
        stripe_account=fact.stripe_account,
    )


def last_run(
    states: Mapping[tuple[str, str], Checked], check: Check, until: int | None = None
) -> Checked | None:
    """Return the last run of *check* among *states*; None if there is none by *until*."""
    found = states.get((CATALOGUE, check))
    if found is None or (until is not None and found.position > until):
        return None
    return found


CHECKS: Final = Projection(
    name="checks",
    version=1,
    state=Checked,
    initial=Checked(),
    handlers=table(on(StripeChecked, checked)),
)
