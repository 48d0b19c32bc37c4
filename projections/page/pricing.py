"""Prices on offer, as the catalogue knows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from projections.assembly import Needs
from projections.models.catalogue import CATALOGUE, Catalogue
from projections.page.offers import Offer
from projections.reading import Reader
from projections.wares import Price

Prices = Mapping[str, Price]


async def prices_of(reader: Reader, names: Sequence[str], now: datetime) -> Prices:
    """Return the prices *names*, by id; those not known yet are left out."""
    catalogue = await _catalogue(reader, {f"price:{name}" for name in names})
    found = {name: catalogue.price(name, now) for name in names}
    return {name: price for name, price in found.items() if price is not None}


async def offers(reader: Reader, names: Sequence[str], now: datetime) -> list[Offer]:
    """Return what may be subscribed to, in the order of *names*."""
    prices = await prices_of(reader, names, now)
    products = {price.product for price in prices.values() if price.product}
    catalogue = await _catalogue(reader, {f"product:{name}" for name in products})
    found = []
    for name, price in prices.items():
        product = catalogue.product(price.product, now) if price.product else None
        found.append(
            Offer(
                price=name,
                name=price.nickname or (product.name if product else None) or name,
                unit_amount=price.unit_amount,
                currency=price.currency,
                interval=price.interval,
            )
        )
    return found


async def _catalogue(reader: Reader, wares: set[str]) -> Catalogue:
    kept = await reader.around(Needs(wares=frozenset(wares)))
    return Catalogue(
        entries={key[1]: entry for key, entry in kept.get(CATALOGUE.name, {}).items()}
    )
