"""An account put together from its objects: those kept, or those of its events so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from ledger.log import Recorded
from projections.answer import Account
from projections.declaration import Projection
from projections.facts import AccountLinked, Fact
from projections.folding import Key, fold
from projections.links import Linked
from projections.registry import PROJECTIONS
from projections.seats import SEATS
from projections.subscriptions import SUBSCRIPTIONS
from projections.translate import translation

Kept = Mapping[str, Mapping[Key, Any]]
"""States by projection, then by object."""

_TRANSLATION: Final = translation(fact for each in PROJECTIONS for fact in each.handlers)


def assembled(linked: Linked, kept: Kept) -> Account:
    """Return the account of *linked* from what is *kept* of its streams."""
    streams = linked.streams

    def of(projection: Projection[Any]) -> Iterable[tuple[Key, Any]]:
        states = kept.get(projection.name, {})
        return ((key, states[key]) for key in sorted(states) if key[0] in streams)

    return Account(
        linked=linked,
        histories={key[1]: history for key, history in of(SUBSCRIPTIONS)},
        registers=tuple(register for _, register in of(SEATS)),
    )


def as_of(linked: Linked, recorded: Iterable[Recorded], moment: datetime) -> Account:
    """Return the account as what had happened by *moment* makes it.

    Args:
        recorded: All events of its streams, by position.
    """
    facts = [
        (fact.position, fact)
        for fact in _TRANSLATION.facts(recorded)
        if _happened(fact, moment)
    ]
    return assembled(linked, {each.name: fold(each, facts) for each in PROJECTIONS})


def _happened(fact: Fact, moment: datetime) -> bool:
    """Links are not dated: who is who is asked of the present."""
    if isinstance(fact, AccountLinked):
        return True
    return fact.occurred_at is None or fact.occurred_at <= moment
