"""What the seats of a subscription are: the terms of its items, as they were sold then."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from projections.catalogue import Catalogue
from projections.marks import Mark, Sold
from projections.objects import Item
from projections.terms import Terms, terms


def varied(marks: Iterable[Mark]) -> frozenset[str]:
    """Return the items whose quantity was ever another than 1."""
    return frozenset(
        sold.item
        for mark in marks
        for sold in mark.sold
        if sold.quantity is not None and sold.quantity != 1
    )


def item_terms(
    marks: Sequence[Mark], mark: Mark, catalogue: Catalogue, moment: datetime
) -> Terms:
    """Return what the items that *mark* shows mean at *moment*.

    Args:
        marks: All of the subscription, for what its quantities ever were.
    """
    return mark_terms(mark, varied(marks), catalogue, moment)


def mark_terms(
    mark: Mark, differed: Collection[str], catalogue: Catalogue, moment: datetime
) -> Terms:
    """Return the same as `item_terms`, from what is `varied` of all marks."""
    start = mark.period_start or mark.at
    return terms(
        [_item(sold) for sold in mark.sold],
        differed,
        catalogue,
        period_start=start,
        moment=max(start, moment),
    )


def _item(sold: Sold) -> Item:
    return Item(
        id=sold.item,
        price=sold.price,
        product=sold.product,
        quantity=sold.quantity,
        interval=None,
        interval_count=None,
        period_start=None,
        period_end=None,
    )
