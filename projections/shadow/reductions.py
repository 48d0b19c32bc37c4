"""What is taken off an invoice, and its tax, as coupons and rates make them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from itertools import chain
from typing import Final

import attrs

from ledger.coupons import Base, Duration, Reduction, take
from ledger.money import rounded, step
from projections.lines import Line
from projections.objects import Invoice
from projections.shadow.compared import Compared, Reason
from projections.shadow.limits import limited, reduced_products, sort, widened
from projections.status.renewals import Period
from projections.totals.attachments import attached_then, is_alive, is_customers, reduction
from projections.totals.books import Books


def compared_discounts(
    books: Books, invoice: Invoice, lines: Sequence[Line], made: datetime
) -> Iterator[Compared]:
    """Yield what each discount takes off beside ours, and those that are missing.

    Args:
        made: When the invoice was.
    """
    theirs = dict.fromkeys(_as_taken(invoice, lines), 0)
    for line in lines:
        for taken in line.taken:
            theirs[taken.discount] += taken.amount
    there = {name: limited(books, name, lines) for name in theirs if theirs[name]}
    absent = dict(_absent(books, invoice, lines, made, theirs, there))
    if not there and not absent:
        return
    named = {**there, **absent}
    ours = _ours(books, lines, theirs, named)
    near = len(lines) * step(books.currency)
    for (name, _), amount in zip(named.items(), ours, strict=True):
        used, shown = books.used(name), theirs.get(name, 0)
        close = amount is not None and name in there and abs(amount - shown) <= near
        if name in there or amount:
            yield Compared(
                what="discount",
                description=used.name or used.coupon or name,
                theirs=shown,
                ours=amount,
                reason=_why(amount, shown, Reason.ROUNDING if close else Reason.COUPON),
                missing=None
                if amount is not None
                else "what its coupon takes is not known",
            )


def _ours(
    books: Books,
    lines: Sequence[Line],
    theirs: Mapping[str, int],
    named: Mapping[str, Reduction | None],
) -> Sequence[int | None]:
    """Return what each of *named* takes; None where one of them is not known.

    Of limits that Stripe does not show nobody knows whether there are any, so that the
    nearer of both counts.
    """
    narrow = [each for each in named.values() if each is not None]
    if len(narrow) < len(named):
        return [None] * len(named)
    pairs = zip(named, narrow, strict=True)
    wide = [widened(books, name, each) if name in theirs else each for name, each in pairs]
    shown = [theirs.get(name, 0) for name in named]
    found = [_taken(books, lines, each) for each in (narrow, wide)]

    def off(amounts: Sequence[int]) -> int:
        return sum(abs(a - b) for a, b in zip(amounts, shown, strict=True))

    return min(found, key=off)


def _taken(
    books: Books, lines: Sequence[Line], reductions: Sequence[Reduction]
) -> list[int]:
    computed = take(_bases(lines), reductions, books.currency)
    return [0 if each is None else each.amount for each in computed]


def _as_taken(invoice: Invoice, lines: Sequence[Line]) -> Iterator[str]:
    """Yield the discounts in the order in which they were taken off.

    Each line names its own in that order, those of its item first; what no line tells of
    another stays as the invoice has it.
    """
    told = [[each.discount for each in line.taken] for line in lines]
    left = [*chain(*told), *(each.id for each in invoice.discounts)]
    done: set[str] = set()
    while left := [name for name in left if name not in done]:
        free = (name for name in left if not _waits(name, told, done))
        found = next(free, left[0])
        yield found
        done.add(found)


def _waits(name: str, told: Iterable[Sequence[str]], done: Container[str]) -> bool:
    """Tell whether another discount, not yet *done*, was taken off some line before."""
    return any(
        before not in done
        for each in told
        if name in each
        for before in each[: each.index(name)]
    )


def _bases(lines: Sequence[Line]) -> list[Base]:
    return [
        Base(
            amount=line.amount,
            product=sort(line),
            item=line.item,
            discountable=line.discountable and line.amount > 0,
        )
        for line in lines
    ]


def _absent(
    books: Books,
    invoice: Invoice,
    lines: Sequence[Line],
    made: datetime,
    theirs: Mapping[str, int],
    there: Mapping[str, Reduction | None],
) -> Iterator[tuple[str, Reduction]]:
    """Yield each discount that was there when the period began, and is not on *invoice*.

    Only what a period begins with is looked at; anything else is invoiced as it was left.
    A customer's makes way for any that *there* is on the whole.
    """
    spans = {(line.start, line.end) for line in lines if line.recurring and line.item}
    # Of a subscription that nothing told of, nobody knows what was there.
    unheard = not books.current.marks
    if unheard or invoice.billing_reason not in _PERIODIC or len(spans) != 1:
        return
    ((start, end),) = spans
    if start is None or end is None or end <= start:
        return
    period = Period(start, end)
    coupons = {books.used(name).coupon for name in theirs}
    of_all = any(each is not None and each.item is None for each in there.values())
    for discount, item in attached_then(books, period):
        whole = books.known(discount)
        coupon = books.coupon(whole.coupon)
        if coupon is None or whole.id in theirs or whole.coupon in coupons:
            continue
        if of_all and is_customers(books, whole):
            continue
        begun = whole.start is not None and whole.start <= made
        once = coupon.duration == Duration.ONCE
        if begun and not once and is_alive(whole, coupon, Period(made, end)):
            products = coupon.products or {*reduced_products(books, whole.coupon)}
            sorts = {sort(line) for line in lines if line.product in products}
            yield whole.id, attrs.evolve(reduction(coupon, item), products=frozenset(sorts))


def compared_taxes(books: Books, lines: Sequence[Line]) -> Iterator[Compared]:
    """Yield what each rate comes to beside ours.

    Each is rounded once, over all lines, or line by line: which of them an account has
    chosen no event shows, so the nearer one counts.
    """
    rates = {(tax.rate, tax.inclusive): None for line in lines for tax in line.taxes}
    for rate, inclusive in rates:
        own = [
            (line, tax)
            for line in lines
            for tax in line.taxes
            if (tax.rate, tax.inclusive) == (rate, inclusive)
        ]
        theirs = sum(tax.amount for _, tax in own)
        nets = [line.amount - sum(one.amount for one in line.taken) for line, _ in own]
        ware = None if rate is None else books.catalogue.tax_rate(rate, books.now)
        ours: int | None = None
        if theirs == 0 and any(tax.reason in _SPARED for _, tax in own):
            ours = 0
        elif ware is not None and ware.percentage is not None:
            percent = Fraction(ware.percentage)
            part = percent / (_HUNDRED + percent if inclusive else _HUNDRED)
            together = rounded(sum(nets) * part, books.currency)
            apart = sum(rounded(net * part, books.currency) for net in nets)
            ours = min((together, apart), key=lambda amount: abs(amount - theirs))
        close = len(own) * step(books.currency)
        near = ours is not None and abs(ours - theirs) <= close
        yield Compared(
            what="tax_included" if inclusive else "tax",
            description=ware.name if ware is not None else rate,
            theirs=theirs,
            ours=ours,
            reason=_why(ours, theirs, Reason.ROUNDING if near else Reason.TAX),
            missing=None if ours is not None else "the tax rate is not known",
        )


def _why(ours: int | None, theirs: int, reason: Reason) -> Reason | None:
    if ours is None:
        return Reason.UNKNOWN
    return None if ours == theirs else reason


_HUNDRED: Final = 100
# Stripe's reasons for which a rate that is named takes nothing.
_SPARED: Final = frozenset(
    {"customer_exempt", "reverse_charge", "not_collecting", "not_subject_to_tax"}
    | {"product_exempt", "product_exempt_holiday", "zero_rated", "excluded_territory"}
)
# What an invoice is made for that begins a period.
_PERIODIC: Final = frozenset({"subscription_create", "subscription_cycle"})
