"""The catalogue: what is sold, what the operator said of it, and what held when.

    price:price_1    as an event about it showed it, or as it stood inside another object
    terms:price_1    what it means, by the operator
    policy           what follows a failed payment

An object's earliest known version holds from the object's own ``created``, each later
one from when it was shown. Versions are kept with the position that told them, so one
set of rows answers for every moment and for every state of knowledge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

import attrs
import msgspec

from ledger.policy import DEFAULT, Policy
from projections.facts import FieldUnreadable, PolicySet, TermsSet, WareShown
from projections.faults import Fault, faulted
from projections.models.declaration import Projection, on, table
from projections.wares import (
    Coupon,
    Price,
    Product,
    PromotionCode,
    TaxRate,
    Ware,
)

W = TypeVar("W", Price, Product, Coupon, PromotionCode, TaxRate)


class Sighting(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """What an object was at one time, and which event told.

    Attributes:
        ware: None once it was deleted.
        own: Whether the event was about it. What merely stood inside another object is
            kept where it is the first to show a value, or shows it earlier.
    """

    at: datetime
    rank: int
    event_id: str
    position: int
    own: bool
    ware: Ware | None


class Entry(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """All that is known of one object of the catalogue."""

    sightings: tuple[Sighting, ...] = ()
    terms: tuple[TermsSet, ...] = ()
    policies: tuple[PolicySet, ...] = ()
    faults: tuple[Fault, ...] = ()


def shown(entry: Entry, fact: WareShown) -> Entry:
    """Keep what the object was, unless that adds nothing at any state of knowledge."""
    sighting = Sighting(
        at=fact.occurred_at,
        rank=fact.rank,
        event_id=fact.event_id,
        position=fact.position,
        own=fact.own,
        ware=fact.ware,
    )
    if any(_covers(known, sighting) for known in entry.sightings):
        return entry
    kept = [known for known in entry.sightings if not _covers(sighting, known)]
    return msgspec.structs.replace(
        entry, sightings=tuple(sorted((*kept, sighting), key=_place))
    )


def terms_set(entry: Entry, fact: TermsSet) -> Entry:
    """Keep what the operator said, by its own time and then by position."""
    if fact in entry.terms:
        return entry
    terms = sorted((*entry.terms, fact), key=_when)
    return msgspec.structs.replace(entry, terms=tuple(terms))


def policy_set(entry: Entry, fact: PolicySet) -> Entry:
    """Keep what the operator said, by its own time and then by position."""
    if fact in entry.policies:
        return entry
    policies = sorted((*entry.policies, fact), key=_when)
    return msgspec.structs.replace(entry, policies=tuple(policies))


def unreadable(entry: Entry, fact: FieldUnreadable) -> Entry:
    """Remember the field, once, by its latest event."""
    if not fact.object_id.startswith(f"{fact.kind}:"):
        return entry
    faults = faulted(entry.faults, fact)
    if faults is entry.faults:
        return entry
    return msgspec.structs.replace(entry, faults=faults)


@attrs.frozen(kw_only=True)
class Catalogue:
    """What is known of the catalogue, to be asked for any moment.

    Attributes:
        entries: By object id, such as ``price:price_1``; those that matter are enough.
        known: The last position that counts; None is all.
    """

    entries: Mapping[str, Entry] = attrs.Factory(dict)
    known: int | None = None

    def price(self, name: str, moment: datetime) -> Price | None:
        """Return the price *name* at *moment*, with its tiers if any event showed them."""
        found = self._at(f"price:{name}", moment, Price) or self._at(
            f"plan:{name}", moment, Price
        )
        if found is None or found.tiers is not None or found.tiers_mode is None:
            return found
        for sighting in reversed(self._sightings(f"price:{name}")):
            if isinstance(sighting.ware, Price) and sighting.ware.tiers is not None:
                return msgspec.structs.replace(found, tiers=sighting.ware.tiers)
        return found

    def product(self, name: str, moment: datetime) -> Product | None:
        """Return the product *name* at *moment*."""
        return self._at(f"product:{name}", moment, Product)

    def coupon(self, name: str, moment: datetime) -> Coupon | None:
        """Return the coupon *name* at *moment*; what limits it is only shown when asked."""
        found = self._at(f"coupon:{name}", moment, Coupon)
        if found is None or found.products is not None:
            return found
        for sighting in reversed(self._sightings(f"coupon:{name}")):
            if isinstance(sighting.ware, Coupon) and sighting.ware.products is not None:
                return msgspec.structs.replace(found, products=sighting.ware.products)
        return found

    def promotion_code(self, name: str, moment: datetime) -> PromotionCode | None:
        """Return the promotion code *name* at *moment*."""
        return self._at(f"promotion_code:{name}", moment, PromotionCode)

    def tax_rate(self, name: str, moment: datetime) -> TaxRate | None:
        """Return the tax rate *name* at *moment*."""
        return self._at(f"tax_rate:{name}", moment, TaxRate)

    def terms(self, price: str, moment: datetime) -> TermsSet | None:
        """Return what the operator had said *price* means at *moment*; None if nothing."""
        entry = self.entries.get(f"terms:{price}")
        return None if entry is None else self._last(entry.terms, moment)

    def policy(self, moment: datetime) -> Policy:
        """Return the dunning policy in force at *moment*."""
        last = self.policy_set(moment)
        return DEFAULT if last is None else last.policy

    def policy_set(self, moment: datetime) -> PolicySet | None:
        """Return what set the policy in force at *moment*; None if it is the default."""
        entry = self.entries.get("policy")
        found: PolicySet | None = (
            None if entry is None else self._last(entry.policies, moment)
        )
        return found

    def evidence(self, name: str) -> tuple[int, ...]:
        """Return the positions of what is known of the object *name*."""
        entry = self.entries.get(name, _NOTHING)
        told: list[Sighting | TermsSet | PolicySet] = [*entry.sightings]
        told += [*entry.terms, *entry.policies]
        return tuple(sorted(each.position for each in told if self._knows(each)))

    def _at(self, name: str, moment: datetime, kind: type[W]) -> W | None:
        """Return the version in force; the earliest holds from the object's creation.

        What was deleted goes on wherever it is at work, as it was last.
        """
        sightings = [each for each in self._sightings(name) if each.ware is not None]
        past = [each for each in sightings if each.at <= moment]
        if past:
            ware = past[-1].ware
        else:
            ware = sightings[0].ware if sightings else None
            if ware is None or ware.created is None or ware.created > moment:
                return None
        return ware if isinstance(ware, kind) else None

    def _sightings(self, name: str) -> list[Sighting]:
        """Return the versions, oldest first; an older one shown within is no news."""
        found: list[Sighting] = []
        for each in self.entries.get(name, _NOTHING).sightings:
            if self._knows(each) and (
                each.own or all(each.ware != known.ware for known in found)
            ):
                found.append(each)
        return found

    def _knows(self, told: Sighting | TermsSet | PolicySet) -> bool:
        return self.known is None or told.position <= self.known

    def _last(self, told: Iterable[Any], moment: datetime) -> Any:  # noqa: ANN401
        past = [each for each in told if self._knows(each) and each.occurred_at <= moment]
        return past[-1] if past else None


def _covers(known: Sighting, other: Sighting) -> bool:
    """Tell whether *other* says nothing that *known* does not, sooner known and earlier."""
    if known.event_id == other.event_id and known.ware == other.ware:
        return known.own or not other.own
    return (
        not other.own
        and known.ware == other.ware
        and known.at <= other.at
        and known.position <= other.position
    )


def _place(sighting: Sighting) -> tuple[datetime, int, str, bool]:
    return sighting.at, sighting.rank, sighting.event_id, sighting.own


def _when(fact: TermsSet | PolicySet) -> tuple[datetime, int]:
    return fact.occurred_at, fact.position


_NOTHING: Final = Entry()

CATALOGUE: Final = Projection(
    name="catalogue",
    version=2,
    state=Entry,
    initial=Entry(),
    handlers=table(
        on(WareShown, shown),
        on(TermsSet, terms_set),
        on(PolicySet, policy_set),
        on(FieldUnreadable, unreadable),
    ),
)
