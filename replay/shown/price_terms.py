"""What each price means, and who said so: the operator, Stripe's metadata, or its shape.

price_team    base   3 included   metadata
price_seat    seat   counts extra, prorated   set, #48213
price_solo    base   inferred
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import attrs

from projections.answer import Account
from projections.history import Current, told
from projections.models.catalogue import Catalogue
from projections.objects import Item, Subscription
from projections.terms import Counts, Increase, Role, Source, Terms, terms
from projections.wares import Meant

PRICE: Final = "price:"
TERMS: Final = "terms:"
_NOTHING: Final = Meant()


@attrs.frozen(kw_only=True)
class PriceTerms:
    """The terms of one price.

    Attributes:
        included: Seats that it covers; None where it says nothing about seats, or where
            tiers decide that no event showed.
        counts: What Stripe's quantity of it counts; None where it sells no seats.
        increase: How a seat added within a period is charged; None likewise.
        source: ``set``, ``metadata`` or ``inferred``.
        varies: Whether subscriptions mean different things by it.
        subscriptions: How many have it now.
        evidence: Positions of what the operator said.
    """

    price: str
    name: str | None
    role: Role
    included: int | None
    counts: Counts | None
    increase: Increase | None
    source: Source
    varies: bool
    subscriptions: int
    evidence: tuple[int, ...]


def price_terms(
    catalogue: Catalogue, accounts: Iterable[Account], now: datetime
) -> list[PriceTerms]:
    """Return the terms of every price that is known, by its id.

    Args:
        accounts: Whose subscriptions tell what is inferred.
    """
    used = _used(accounts, now)
    known = {
        name.removeprefix(kind)
        for name in catalogue.entries
        for kind in (PRICE, TERMS)
        if name.startswith(kind) and catalogue.evidence(name)
    }
    return [
        _of_price(name, catalogue, used.get(name, []), now)
        for name in sorted(known | used.keys())
    ]


def _used(
    accounts: Iterable[Account], now: datetime
) -> dict[str, list[tuple[Item, Terms]]]:
    """Return what each price is in each subscription that has it and has not ended."""
    used: defaultdict[str, list[tuple[Item, Terms]]] = defaultdict(list)
    for account in accounts:
        for name in sorted(account.histories):
            says = told(account.histories[name])
            if says is None or says.current.ended:
                continue
            meant = _meant(says.current, account.catalogue, now)
            for item in says.current.value.items:
                if item.price is not None:
                    used[item.price].append((item, meant))
    return used


def _meant(current: Current[Subscription], catalogue: Catalogue, now: datetime) -> Terms:
    shown = current.value
    differed = {
        sold.item
        for mark in current.marks
        for sold in mark.sold
        if sold.quantity not in {None, 1}
    }
    start = shown.period_start or current.first_at
    return terms(
        shown.items, differed, catalogue, period_start=start, moment=max(start, now)
    )


def _of_price(
    name: str, catalogue: Catalogue, used: list[tuple[Item, Terms]], now: datetime
) -> PriceTerms:
    found = used or [_alone(name, catalogue, now)]
    meanings = [(_role(item, meant), meant) for item, meant in found]
    role, chosen = max(meanings, key=meanings.count)
    price = catalogue.price(name, now)
    product = None
    if price is not None and price.product is not None:
        product = catalogue.product(price.product, now)
    seats = role is Role.SEAT
    return PriceTerms(
        price=name,
        name=(product and product.name) or (price and price.nickname) or None,
        role=role,
        included=None if role is Role.OTHER else chosen.included,
        counts=chosen.counts if seats else None,
        increase=chosen.increase if seats else None,
        source=_source(name, catalogue, now),
        varies=len({each for each, _ in meanings}) > 1,
        subscriptions=len(used),
        evidence=catalogue.evidence(f"{TERMS}{name}"),
    )


def _role(item: Item, meant: Terms) -> Role:
    if item.id == meant.seat:
        return Role.SEAT
    return Role.BASE if item.id == meant.base else Role.OTHER


def _alone(name: str, catalogue: Catalogue, now: datetime) -> tuple[Item, Terms]:
    """Return what the price would be as the only one of a subscription."""
    item = Item(
        id=name,
        price=name,
        product=None,
        quantity=1,
        interval=None,
        interval_count=None,
        period_start=None,
        period_end=None,
    )
    return item, terms([item], (), catalogue, period_start=now, moment=now)


def _source(name: str, catalogue: Catalogue, now: datetime) -> Source:
    said = catalogue.terms(name, now)
    if said is not None and (said.role, said.included, said.counts, said.increase) != (
        (None,) * 4
    ):
        return Source.SET
    price = catalogue.price(name, now)
    if price is None:
        return Source.INFERRED
    product = None if price.product is None else catalogue.product(price.product, now)
    meant = [price.meant, _NOTHING if product is None else product.meant]
    return Source.METADATA if any(each != _NOTHING for each in meant) else Source.INFERRED
