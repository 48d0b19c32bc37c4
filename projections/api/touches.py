"""Which accounts recent events are about, so that what is kept of the others stays good.

    events (p, q] → facts → the streams and objects that they change

An account's answer holds while nothing that it was made of is touched. What decides for
all accounts, such as a policy, forgets everything that is kept.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Final, TypeAlias

from ledger.events import CATALOGUE
from ledger.log import Recorded, Selection
from projections.facts import AccountClaimed, AccountLinked, Fact, TieObserved, WareShown
from projections.models.catalogue import CATALOGUE as WARES
from projections.models.checks import CHECKS
from projections.models.links import LINKS
from projections.models.ties import TIES
from projections.payment_objects import Tie
from projections.projector.folding import read
from projections.status.entitlement import DECIDING
from projections.translation.translate import translation

Names: TypeAlias = "array[int]"

NAMES_MAX: Final = 200_000
# What is sold decides nothing here, and is shown by nearly every event.
_DECIDE: Final = frozenset(
    fact for each in (*DECIDING, TIES, LINKS, CHECKS, WARES) for fact in each.handlers
) - {WareShown}
_READ: Final = translation(_DECIDE)


def names(found: Iterable[str]) -> Names:
    """Return *found* as short as they can be remembered.

    Two that look alike then are taken for one: more is read again, never less.
    """
    return array("q", {hash(name) for name in found})


class Touches:
    """What events after a position touched.

    Attributes:
        since: What is older than this is not known.
        position: Every event up to here is known.
    """

    def __init__(self, position: int) -> None:
        self.since = self.position = position
        self._last: dict[int, int] = {}

    @property
    def selection(self) -> Selection:
        """The events that can touch anything."""
        return _READ.selection

    def forget(self, position: int) -> None:
        """Know nothing before *position*."""
        self.since = self.position = position
        self._last.clear()

    def note(self, recorded: Iterable[Recorded], until: int) -> None:
        """Take the events of (position, until]."""
        reading = read(_READ, recorded)
        for position, fact in reading.facts:
            if type(fact) not in _DECIDE:
                continue
            touched = _touched(fact)
            if touched is None:
                self.forget(until)
                return
            self._last.update(dict.fromkeys(map(hash, touched), position))
        for account, failure in reading.failures.items():
            self._last[hash(account)] = failure.position
        self.position = until
        if len(self._last) > NAMES_MAX:
            self.forget(until)

    def untouched(self, names: Names, since: int) -> bool:
        """Tell whether nothing after *since* touched any of *names*, for certain."""
        if since < self.since:
            return False
        last = self._last
        return not any(last.get(name, 0) > since for name in names)


def _touched(fact: Fact) -> Iterable[str] | None:
    """Return what *fact* changes; None is everything."""
    if isinstance(fact, TieObserved):
        return (fact.object_id, *_named(fact.value))
    if isinstance(fact, AccountLinked | AccountClaimed):
        return fact.account, fact.customer
    if fact.account == CATALOGUE:
        return None
    return (fact.account, fact.object_id)


def _named(tie: Tie) -> Iterable[str]:
    return filter(None, (tie.invoice, tie.charge, tie.payment_intent))
