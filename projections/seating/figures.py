"""How many seats an account uses and pays for, and whether Stripe was told.

    included 10   active 11   billed 12   freed next cycle 1   extra 2
    Stripe's quantity counts extra seats: wanted 1, quantity 2, drift -1

A seat added counts now, a seat freed counts until the next cycle. Until the product has
told of all its users, or those it named explain what Stripe bills, Stripe's quantity is
the figure.
"""

from __future__ import annotations

import enum
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

import attrs

from projections.marks import Mark, Sold
from projections.seating.history import Level, peak
from projections.status.access import is_live
from projections.terms import Counts, Terms


class Source(enum.StrEnum):
    """Whose word the figures are."""

    PRODUCT = "product"
    STRIPE = "stripe"


@attrs.frozen(kw_only=True)
class SeatFigures:
    """The figures; None where nobody knows.

    Attributes:
        users: Who is active, of those known by name.
        billed: The most seats active at any moment since the period began.
        wanted: *active* in the way Stripe's quantity counts.
        terms: Where the terms come from; None without any.
    """

    source: Source
    included: int | None = None
    active: int | None = None
    billed: int | None = None
    extra: int | None = None
    freed_next_cycle: int | None = None
    wanted: int | None = None
    stripe_quantity: int | None = None
    drift: int | None = None
    terms: str | None = None
    users: frozenset[str] = frozenset()


@attrs.frozen
class Demand:
    """How many seats Stripe billed in [start, end)."""

    start: datetime
    end: datetime | None
    seats: int


def figures(
    levels: Sequence[Level],
    *,
    terms: Terms | None,
    quantity: int | None,
    since: datetime | None,
    trusted: bool,
) -> SeatFigures:
    """Return the figures at the end of *levels*.

    Args:
        quantity: Stripe's, of the seat item.
        since: When the period began; None where there is none, and nothing is billed.
        trusted: Whether the product's word counts; see `explained`.
    """
    if not trusted:
        return _of_stripe(terms, quantity)
    active = levels[-1].active if levels else 0
    billed = None if since is None else peak(levels, since)
    wanted = _wanted(terms, active)
    return SeatFigures(
        source=Source.PRODUCT,
        included=None if terms is None else terms.included,
        active=active,
        billed=billed,
        extra=_extra(terms, billed),
        freed_next_cycle=None if billed is None else billed - active,
        wanted=wanted,
        stripe_quantity=quantity,
        drift=None if wanted is None or quantity is None else wanted - quantity,
        terms=None if terms is None else terms.source,
    )


def explained(levels: Sequence[Level], demands: Iterable[Demand]) -> bool:
    """Tell whether the product's word counts: all was told at once, or names suffice.

    Names suffice from the first moment on at which so many users were known as Stripe
    billed seats just then; what happens later takes nothing back.
    """
    if not levels:
        return False
    if levels[-1].counted:
        return True
    instants = [level.at for level in levels]
    for demand in demands:
        first = max(0, bisect_right(instants, demand.start) - 1)
        last = len(instants)
        if demand.end is not None:
            last = bisect_left(instants, demand.end)
        if any(level.known >= demand.seats for level in levels[first:last]):
            return True
    return False


def demands(
    marks: Sequence[Mark], terms_of: Callable[[Mark], Terms | None]
) -> Iterator[Demand]:
    """Yield how many seats Stripe billed a subscription, as its *marks* tell."""
    ends: list[datetime | None] = [mark.at for mark in marks[1:]]
    for mark, end in zip(marks, [*ends, None], strict=True):
        if end == mark.at or not is_live(mark.status):
            continue
        terms = terms_of(mark)
        quantity = quantity_of(terms, mark.sold)
        seats = _seats(terms, quantity)
        if seats is not None:
            yield Demand(mark.at, end, seats)


def quantity_of(terms: Terms | None, sold: Iterable[Sold]) -> int | None:
    """Return Stripe's quantity of the seat item among what is *sold*; None without one."""
    if terms is None or terms.seat is None:
        return None
    return next((each.quantity for each in sold if each.item == terms.seat), None)


def _of_stripe(terms: Terms | None, quantity: int | None) -> SeatFigures:
    billed = _seats(terms, quantity)
    return SeatFigures(
        source=Source.STRIPE,
        included=None if terms is None else terms.included,
        billed=billed,
        extra=_extra(terms, billed),
        stripe_quantity=quantity,
        terms=None if terms is None else terms.source,
    )


def _seats(terms: Terms | None, quantity: int | None) -> int | None:
    """Return how many seats Stripe's *quantity* stands for."""
    if terms is None or quantity is None or terms.counts is Counts.ALL:
        return quantity
    return None if terms.included is None else quantity + terms.included


def _wanted(terms: Terms | None, active: int) -> int | None:
    """Return what Stripe's quantity should be for so many active users."""
    if terms is None or terms.seat is None:
        return None
    if terms.counts is Counts.ALL:
        return active
    return None if terms.included is None else max(0, active - terms.included)


def _extra(terms: Terms | None, billed: int | None) -> int | None:
    if terms is None or billed is None or terms.included is None:
        return None
    return max(0, billed - terms.included)
