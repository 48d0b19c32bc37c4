"""What a discount is limited to, where Stripe does not show it: what it ever was taken of.

coupon.applies_to             shown only to who asks for it
discount.subscription_item    only in newer versions

Lines are told apart by item and product, so that a limit to either shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import attrs

from ledger.coupons import Reduction
from projections.lines import Line
from projections.marks import Sold
from projections.totals.attachments import reduction
from projections.totals.books import Books


def limited(books: Books, discount: str, sold: Sequence[Line | Sold]) -> Reduction | None:
    """Return what *discount* takes off *sold*, its products being what `sort` returns."""
    coupon = books.coupon(books.used(discount).coupon)
    if coupon is None:
        return None
    if coupon.products is not None:
        sorts = {sort(each) for each in sold if each.product in coupon.products}
    else:
        lines = (*(each for each in sold if isinstance(each, Line)), *_billed(books))
        # Of what it never took nobody knows yet that it is limited.
        sorts = {sort(each) for each in lines if _took(discount, each)} or {
            sort(each) for each in sold
        }
    marks = (each for mark in reversed(books.current.marks) for each in mark.reduced)
    on = next((each.item for each in marks if each.discount.id == discount), None)
    standing = books.discounts.get(discount)
    item = on or (None if standing is None else standing.value.item)
    return attrs.evolve(reduction(coupon, item), products=frozenset(sorts))


def widened(books: Books, discount: str, narrow: Reduction) -> Reduction:
    """Return *narrow* without the limits of its *discount* that Stripe does not show."""
    coupon = books.coupon(books.used(discount).coupon)
    shown = coupon is None or coupon.products is not None
    return narrow if shown else attrs.evolve(narrow, products=None)


def reduced_products(books: Books, coupon: str | None) -> Iterator[str]:
    """Yield the products that *coupon* was ever taken off."""
    for line in _billed(books):
        used = {books.used(each.discount).coupon for each in line.taken if each.amount}
        if line.product is not None and coupon in used:
            yield line.product


def sort(sold: Line | Sold) -> str:
    """Return what tells *sold* from what a limit may leave out."""
    return f"{sold.item or ''} {sold.product or ''}"


def _took(discount: str, line: Line) -> bool:
    return any(each.discount == discount for each in line.taken)


def _billed(books: Books) -> Iterator[Line]:
    return chain.from_iterable(each.value.lines or () for _, each in books.own)
