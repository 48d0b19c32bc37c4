"""What the seats of a subscription are: the terms of its items, as they were sold then."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from projections.history import Current
from projections.marks import Mark, Sold
from projections.models.catalogue import Catalogue
from projections.objects import Invoice, Item
from projections.terms import Terms, terms


def varied(marks: Iterable[Mark]) -> frozenset[str]:
    """Return the items whose quantity was ever another than 1."""
    return frozenset(
        sold.item
        for mark in marks
        for sold in mark.sold
        if sold.quantity is not None and sold.quantity != 1
    )


def billed_otherwise(invoices: Iterable[Current[Invoice]]) -> frozenset[str]:
    """Return the items that a line of *invoices* has another quantity of than 1.

    What a subscription once had is told by nothing else where it was imported.
    """
    return frozenset(
        line.item
        for invoice in invoices
        for line in invoice.value.lines or ()
        if line.item is not None and line.quantity is not None and line.quantity != 1
    )


def mark_terms(
    mark: Mark, differed: Collection[str], catalogue: Catalogue, moment: datetime
) -> Terms:
    """Return what the items that *mark* shows mean at *moment*.

    Args:
        differed: Items whose quantity was ever another than 1.
    """
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
