"""Parts of a period on an invoice, as prices, time and coupons make them.

    Remaining time on 5 x 8.00 after 21 Apr     9 of 30 days     12.00
    the same, 20 % off since 1 Apr                                9.60

Stripe charges parts net of coupons, and names none on the line. What it takes them to be
then is written nowhere: of what the coupons at work may leave the nearest counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from ledger.coupons import Base, Reduction, take
from ledger.money import rounded
from ledger.pricing import NoPriceError, Tariff, exact_price
from ledger.proration import fraction_left, prorated
from projections.lines import Line
from projections.marks import Mark
from projections.objects import Discount
from projections.shadow.limits import limited, sort, widened
from projections.status.renewals import Period
from projections.totals.attachments import is_alive, on_mark
from projections.totals.books import Books, tariff_of


def prorated_line(books: Books, line: Line, tariff: Tariff, theirs: int) -> int:
    """Price the part of its period that *line* is for.

    What coupons leave may be rounded before its part is taken, or only after.

    Raises:
        NoPriceError: The period, or the price of the quantity, is not known; or it comes
            to another amount, and nobody told what the subscription was then.
    """
    for mark in books.current.marks:
        start, end = mark.period_start, mark.period_end
        if start is None or end is None or line.start is None or end != line.end:
            continue
        if start <= line.start:
            whole_price = exact_price(tariff, line.quantity or 0)
            left = fraction_left(start, end, line.start)
            exact = [whole_price * each for each in _kept(books, line, line.start)]
            exact += [Fraction(rounded(each, books.currency)) for each in exact]
            amounts = [prorated(each, left, books.currency) for each in exact]
            found = min(amounts, key=lambda amount: abs(amount - abs(theirs)))
            if found != abs(theirs) and not _is_told(books, line.start):
                raise NoPriceError("what coupons were at work then was never told")
            return -found if theirs < 0 else found
    raise NoPriceError("the period that it is a part of is not known")


def _is_told(books: Books, moment: datetime) -> bool:
    """Tell whether events had told of the subscription by *moment*: imports come later."""
    return any(mark.at <= moment and not mark.inferred for mark in books.current.marks)


def _kept(books: Books, line: Line, moment: datetime) -> Iterator[Fraction]:
    """Yield what may be left of a price: all, and by what coupons were then at work."""
    yield Fraction(1)
    yield from _by_percentages(books, moment)
    yield from _as_billed(books, line, moment)
    yield from _as_sold(books, line, moment)


def _by_percentages(books: Books, moment: datetime) -> Iterator[Fraction]:
    """Yield what each percentage leaves, and all of them."""
    left: dict[str, Fraction] = {}
    for name, (discount, _) in books.known_discounts.items():
        coupon, used = books.coupon(discount.coupon), books.used(name)
        begun = discount.start is None or discount.start <= moment
        ended = used.until is not None and moment >= used.until
        if coupon is None or coupon.percent_off is None or ended or not begun:
            continue
        left[discount.coupon or name] = 1 - Fraction(coupon.percent_off) / _HUNDRED
    yield from left.values()
    if len(left) > 1:
        yield math.prod(left.values(), start=Fraction(1))


def _as_billed(books: Books, line: Line, moment: datetime) -> Iterator[Fraction]:
    """Yield what was left of the item's own lines that a credit may give back."""
    for _, invoice in books.own:
        for each in invoice.value.lines or ():
            if (
                each.item is not None
                and each.item == line.item
                and each.amount > 0
                and each.start is not None
                and each.end is not None
                and each.start <= moment < each.end
            ):
                off = sum(taken.amount for taken in each.taken)
                yield Fraction(each.amount - off, each.amount)


def _as_sold(books: Books, line: Line, moment: datetime) -> Iterator[Fraction]:
    """Yield what the discounts of then leave of the item: before a change, and after."""
    marks = books.current.marks
    before = [mark for mark in marks if mark.at < moment][-1:]
    for mark in (*before, *(mark for mark in marks if mark.at == moment)):
        items = [each.item for each in mark.sold]
        if line.item not in items:
            continue
        place, bases = items.index(line.item), _bases(books, mark)
        amount = bases[place].amount
        for reductions in zip(*_at_work(books, mark, moment), strict=True):
            taken = take(bases, reductions, books.currency)
            off = sum(each.shares[place] for each in taken if each is not None)
            if amount > 0:
                yield Fraction(amount - off, amount)


def _at_work(
    books: Books, mark: Mark, moment: datetime
) -> Iterator[tuple[Reduction, Reduction]]:
    """Yield each discount of then as it seems to be limited, and without that."""
    for discount, _ in on_mark(books, mark, moment):
        narrow = limited(books, discount.id, mark.sold)
        if narrow is not None and _is_alive(books, books.known(discount), moment):
            yield narrow, widened(books, discount.id, narrow)


def _is_alive(books: Books, discount: Discount, moment: datetime) -> bool:
    coupon = books.coupon(discount.coupon)
    now = Period(moment, moment + _INSTANT)
    return coupon is not None and is_alive(discount, coupon, now)


def _bases(books: Books, mark: Mark) -> Sequence[Base]:
    found = []
    for sold in mark.sold:
        tariff = tariff_of(books.price(sold.price, mark.at))
        exact = Fraction()
        if tariff is not None and sold.quantity is not None:
            with suppress(NoPriceError):
                exact = exact_price(tariff, sold.quantity)
        amount = rounded(exact, books.currency)
        found.append(Base(amount=amount, product=sort(sold), item=sold.item))
    return found


_HUNDRED: Final = 100
_INSTANT: Final = timedelta(seconds=1)
