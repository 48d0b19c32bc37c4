"""What the items of a subscription mean: which is the base, which are seats, how many.

    the operator's terms_set for the price      source "set"
    else metadata of the price, else product    source "metadata"
    else from the shape of the items            source "inferred"

Each part (role, included, counts, increase) is taken from the first that says it. Terms
in force when a period starts hold throughout it; inferred ones, which nobody decided,
give way at once.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeVar

import attrs

from projections.models.catalogue import Catalogue
from projections.objects import Item
from projections.wares import Meant, Price

DIGITS_MAX: Final = 9


class Role(enum.StrEnum):
    """What an item is."""

    BASE = "base"
    SEAT = "seat"
    OTHER = "other"


class Counts(enum.StrEnum):
    """What Stripe's quantity counts: every seat, or only those above the included."""

    ALL = "all"
    EXTRA = "extra"


class Increase(enum.StrEnum):
    """How a seat added within a period is charged."""

    PRORATED = "prorated"
    FULL = "full"
    NEXT_CYCLE = "next_cycle"


class Source(enum.StrEnum):
    """Who said so."""

    SET = "set"
    METADATA = "metadata"
    INFERRED = "inferred"


@attrs.frozen(kw_only=True)
class Terms:
    """What the items of one subscription mean.

    Attributes:
        base: The base item's id; of a tiered price the same as *seat*.
        seat: The seat item's id; None where no item is one.
        included: Seats that the base covers; None where a tiered price decides and its
            tiers are not known.
        prices: The prices of *base* and *seat*, to be shown as evidence.
    """

    base: str | None = None
    seat: str | None = None
    included: int | None = 0
    counts: Counts = Counts.ALL
    increase: Increase = Increase.PRORATED
    source: Source = Source.INFERRED
    prices: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class _Said:
    """What is said of one item, each part None where nothing is."""

    item: Item
    price: Price | None
    role: Role | None
    included: int | None
    counts: Counts | None
    increase: Increase | None
    source: Source

    @property
    def anything(self) -> bool:
        return (self.role, self.included, self.counts, self.increase) != (None,) * 4

    @property
    def tiered(self) -> bool:
        return self.price is not None and self.price.tiers_mode is not None

    @property
    def unit_amount(self) -> Decimal:
        amount = None if self.price is None else self.price.unit_amount
        return Decimal(amount or 0)


def terms(
    items: Sequence[Item],
    varied: Collection[str],
    catalogue: Catalogue,
    *,
    period_start: datetime,
    moment: datetime,
) -> Terms:
    """Return what *items* mean at *moment*, in the period that began at *period_start*.

    Args:
        varied: Ids of the items whose quantity ever differed from 1.
        moment: At or after *period_start*.
    """
    then = _decided(items, varied, catalogue, period_start)
    if then.source is not Source.INFERRED:
        return then
    return _decided(items, varied, catalogue, moment)


def _decided(
    items: Sequence[Item], varied: Collection[str], catalogue: Catalogue, moment: datetime
) -> Terms:
    said = [_said(item, catalogue, moment) for item in items]
    base, seat = _roles(said, varied)
    pair = [each for each in (seat, base) if each is not None]
    heard = [each for each in pair if each.anything]
    apart = seat is not None and base is not None and seat is not base
    usual = Counts.EXTRA if apart and seat is not None and not seat.tiered else Counts.ALL
    return Terms(
        base=None if base is None else base.item.id,
        seat=None if seat is None else seat.item.id,
        included=_included(pair),
        counts=_first([each.counts for each in pair]) or usual,
        increase=_first([each.increase for each in pair]) or Increase.PRORATED,
        source=_source(heard),
        prices=tuple(sorted({each.item.price for each in pair if each.item.price})),
    )


def _roles(
    said: Sequence[_Said], varied: Collection[str]
) -> tuple[_Said | None, _Said | None]:
    """Return the base and the seat item: as is said, and the rest by their shape."""
    base = _dearest([each for each in said if each.role is Role.BASE])
    seats = [each for each in said if each.role is Role.SEAT]
    seat = _seat_of(seats, varied) if seats else None
    left = [each for each in said if each.role is None and each.item.quantity is not None]
    if seat is None:
        tiered = [each for each in left if each.tiered]
        if tiered:
            seat = tiered[0]
        elif base is None and len(left) == 1:
            seat = left[0] if left[0].item.id in varied else None
        elif left:
            seat = _seat_of(left, varied)
    if base is None:
        others = [each for each in left if each is not seat]
        base = _dearest(others)
    if base is None and seat is not None and seat.tiered:
        base = seat
    return base, seat


def _seat_of(candidates: Sequence[_Said], varied: Collection[str]) -> _Said:
    """Return the one whose quantity ever differed from 1, else the cheapest."""
    differed = [each for each in candidates if each.item.id in varied]
    return min(differed or candidates, key=lambda each: (each.unit_amount, each.item.id))


def _dearest(candidates: Sequence[_Said]) -> _Said | None:
    if not candidates:
        return None
    return min(candidates, key=lambda each: (-each.unit_amount, each.item.id))


def _included(pair: Sequence[_Said]) -> int | None:
    """Return what is said; of a tiered price what its first tier covers; else none."""
    said = _first([each.included for each in pair])
    if said is not None:
        return said
    for each in pair:
        if each.tiered:
            tiers = each.price.tiers if each.price is not None else None
            if not tiers:
                return None
            flat = tiers[0]
            free = flat.unit_amount is None or Decimal(flat.unit_amount) == 0
            return flat.up_to or 0 if free else 0
    return 0


def _said(item: Item, catalogue: Catalogue, moment: datetime) -> _Said:
    """Return what is said of *item*: by the operator, else its price, else its product."""
    price = None if item.price is None else catalogue.price(item.price, moment)
    sold = item.product or (None if price is None else price.product)
    product = None if sold is None else catalogue.product(sold, moment)
    fixed = None if item.price is None else catalogue.terms(item.price, moment)
    voices = [
        Meant() if price is None else price.meant,
        Meant() if product is None else product.meant,
    ]
    if fixed is not None:
        included = None if fixed.included is None else str(fixed.included)
        voices.insert(
            0,
            Meant(
                billing_role=fixed.role,
                included_seats=included,
                seat_quantity=fixed.counts,
                seat_increase=fixed.increase,
            ),
        )
    return _Said(
        item=item,
        price=price,
        role=_first([_one_of(Role, each.billing_role) for each in voices]),
        included=_first([_whole(each.included_seats) for each in voices]),
        counts=_first([_one_of(Counts, each.seat_quantity) for each in voices]),
        increase=_first([_one_of(Increase, each.seat_increase) for each in voices]),
        source=Source.METADATA if fixed is None else Source.SET,
    )


T = TypeVar("T")
E = TypeVar("E", bound=enum.StrEnum)


def _first(said: Sequence[T | None]) -> T | None:
    return next((each for each in said if each is not None), None)


def _one_of(kind: type[E], typed: str | None) -> E | None:
    """Return what *typed* means; None where it is none of the words there are."""
    if typed is None:
        return None
    word = typed.strip().lower()
    return next((each for each in kind if each.value == word), None)


def _whole(typed: str | None) -> int | None:
    if typed is None:
        return None
    text = typed.strip()
    if not (text.isascii() and text.isdigit()) or len(text) > DIGITS_MAX:
        return None
    return int(text)


def _source(heard: Sequence[_Said]) -> Source:
    if any(each.source is Source.SET for each in heard):
        return Source.SET
    return Source.METADATA if heard else Source.INFERRED
