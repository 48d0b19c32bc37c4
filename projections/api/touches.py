"""Which answers recent events are about, so that what is kept of the others stays good.

    events (p, q] → facts → the streams and objects that they change

An account's answer holds while nothing that it was made of is touched. What decides for
all accounts, such as a policy, forgets everything that is kept. What is sold is shown
by nearly every event and hardly ever news: only what adds to its entry touches it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from ledger.events import CATALOGUE
from ledger.log import Recorded, Selection
from projections.assembly import OWN, ROAMING
from projections.facts import (
    AccountClaimed,
    AccountLinked,
    Fact,
    FieldUnreadable,
    MandateObserved,
    TieObserved,
    WareShown,
)
from projections.models.catalogue import CATALOGUE as WARES
from projections.models.catalogue import Entry
from projections.models.checks import CHECKS
from projections.models.links import LINKS
from projections.models.ties import TIES
from projections.projector.folding import read
from projections.status.entitlement import DECIDING
from projections.translation.translate import translation

NAMES_MAX: Final = 200_000
ENTRIES_MAX: Final = 50_000
_OF_ALL: Final = (LINKS, CHECKS, WARES)
_EVERY: Final = frozenset(
    fact for each in (*OWN, *ROAMING, *_OF_ALL) for fact in each.handlers
)
_DECIDE: Final = frozenset(
    fact for each in (*DECIDING, TIES, *_OF_ALL) for fact in each.handlers
)
_READ: Final = translation(_EVERY)


@attrs.frozen
class Names:
    """What an answer is made of, as short as it can be remembered.

    Two that look alike then are taken for one: more is read again, never less.

    Attributes:
        deciding: Whether nothing touches it but what decides what an account may do.
    """

    hashes: array[int]
    deciding: bool

    @classmethod
    def of(cls, found: Iterable[str], *, deciding: bool = False) -> Names:
        """Return what is called so."""
        return cls(array("q", {hash(name) for name in found}), deciding)


class Touches:
    """What events after a position touched.

    Attributes:
        since: What is older than this is not known.
        position: Every event up to here is known.
        epoch: Changes when something is forgotten.
    """

    def __init__(self, position: int) -> None:
        self.since = self.position = position
        self.epoch = 0
        self._last: dict[int, int] = {}
        self._last_deciding: dict[int, int] = {}
        self._entries: dict[str, Entry] = {}

    @property
    def selection(self) -> Selection:
        """The events that can touch anything."""
        return _READ.selection

    def forget(self, position: int) -> None:
        """Know nothing before *position*."""
        self.since = self.position = position
        self.epoch += 1
        for known in (self._last, self._last_deciding, self._entries):
            known.clear()

    def note(self, recorded: Iterable[Recorded], until: int) -> None:
        """Take the events of (position, until]."""
        reading = read(_READ, recorded)
        for position, fact in reading.facts:
            if type(fact) not in _EVERY:
                continue
            touched = self._touched(fact)
            if touched is None:
                self.forget(until)
                return
            hashes = [hash(name) for name in touched]
            self._last.update(dict.fromkeys(hashes, position))
            if type(fact) in _DECIDE:
                self._last_deciding.update(dict.fromkeys(hashes, position))
        for account, failure in reading.failures.items():
            for last in (self._last, self._last_deciding):
                last[hash(account)] = failure.position
        self.position = until
        if len(self._last) > NAMES_MAX or len(self._entries) > ENTRIES_MAX:
            self.forget(until)

    def untouched(self, names: Names, since: int) -> bool:
        """Tell whether nothing after *since* touched any of *names*, for certain."""
        if since < self.since:
            return False
        last = self._last_deciding if names.deciding else self._last
        return not any(last.get(name, 0) > since for name in names.hashes)

    def watch(
        self, wares: Iterable[str], entries: Mapping[str, Entry], position: int
    ) -> bool:
        """Watch for news of *wares*; False where *entries* may lack what was noted.

        Args:
            position: Every event up to here is in *entries*.
        """
        known = self._entries
        told = {name: entries.get(name, WARES.initial) for name in wares}
        fresh = told.keys() - known.keys()
        if fresh and position < self.position:
            return False
        known.update((name, told[name]) for name in fresh)
        return all(known[name] == entry for name, entry in told.items())

    def _touched(self, fact: Fact) -> Iterable[str] | None:
        """Return what *fact* changes; None is everything."""
        if isinstance(fact, TieObserved):
            tie = fact.value
            named = (tie.invoice, tie.charge, tie.payment_intent)
            return (fact.object_id, *filter(None, named))
        if isinstance(fact, MandateObserved):
            return (fact.object_id, *filter(None, [fact.value.payment_method]))
        if isinstance(fact, AccountLinked | AccountClaimed):
            return fact.account, fact.customer
        if isinstance(fact, WareShown | FieldUnreadable) and fact.account == CATALOGUE:
            return self._news(fact)
        return None if fact.account == CATALOGUE else (fact.account, fact.object_id)

    def _news(self, fact: WareShown | FieldUnreadable) -> Iterable[str]:
        before = self._entries.get(fact.object_id)
        if before is None:
            return ()
        after = WARES.handlers[type(fact)](before, fact)
        if after is None or after is before:
            return ()
        self._entries[fact.object_id] = after
        return (fact.object_id,)
