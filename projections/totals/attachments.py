"""Which discounts are on a subscription, or were when a period of it began.

    LAUNCH20    on si_seat           taken off first, of that item
    WELCOME     on sub_1             then of what is left
    PARTNER     on its customer      only where the subscription has none of its own

One that is used up is not applied again: a coupon for once that any invoice had, a fixed
amount that an invoice of the period had.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from ledger.coupons import Duration, Reduction, ends_at
from projections import wares
from projections.history import Current
from projections.marks import Mark, Reduced, reduced
from projections.models.charged import Discounting
from projections.objects import Discount, Invoice
from projections.status.renewals import Period
from projections.totals.books import Books, source_of, starts_in

On = tuple[Discount, str | None]
"""A discount, and the subscription item that it is on; None is all of them."""


def attached(books: Books) -> Iterator[On]:
    """Yield each discount that is on the subscription, or else on its customer.

    Those of items come first; then each in the order in which it is taken off.
    """
    told = {
        name: each
        for name, each in books.discounts.items()
        if not each.deleted and name not in books.stops
    }
    customers = books.customer.discounts if books.customer else ()
    yield from _in_order(books, reduced(books.subscription), customers, told)


def attached_then(books: Books, period: Period) -> Iterator[On]:
    """Yield each discount that was there when *period* began, likewise.

    That is what events of the time tell of the subscription, and what has gone on since
    a date of its own before then.
    """
    yield from on_mark(books, books.mark(period), period.start)


def on_mark(books: Books, mark: Mark, moment: datetime) -> Iterator[On]:
    """Yield each discount that was there at *moment*, when *mark* was what was sold."""
    standing = [
        each
        for each in mark.reduced
        if not (mark.inferred and _began_after(books.known(each.discount).start, moment))
    ]
    seen = {each.discount.id for each in standing}
    later = [
        each
        for each in reduced(books.subscription)
        if each.discount.id not in seen
        and _had_begun(books.known(each.discount).start, moment)
    ]
    told = {
        name: each
        for name, each in books.discounts.items()
        if _had_begun(each.value.start, moment)
        and not _had_ended(books, name, each, moment)
    }
    customers = [
        each
        for each in (books.customer.discounts if books.customer else ())
        if _had_begun(books.known(each).start, moment)
    ]
    yield from _in_order(books, (*standing, *later), customers, told)


def _had_begun(start: datetime | None, moment: datetime) -> bool:
    return start is not None and start <= moment


def _had_ended(
    books: Books, name: str, told: Current[Discounting], moment: datetime
) -> bool:
    if not told.deleted and name not in books.stops:
        return False
    return books.stops.get(name, moment) <= moment


def _began_after(start: datetime | None, moment: datetime) -> bool:
    return start is not None and start > moment


def _in_order(
    books: Books,
    standing: Sequence[Reduced],
    customers: Sequence[Discount],
    told: Mapping[str, Current[Discounting]],
) -> Iterator[On]:
    yield from ((each.discount, each.item) for each in standing if each.item is not None)
    own = [each.discount for each in standing if each.item is None]
    known = {each.discount.id for each in standing}
    apart = {name: each.value for name, each in told.items() if not each.value.invoice}
    for name, value in sorted(apart.items()):
        if value.subscription == books.id and name not in known:
            if value.item is not None:
                yield _discount(name, value), value.item
            else:
                own.append(_discount(name, value))
    if not own:
        own = list(customers)
        known = {each.id for each in own}
        own += [
            _discount(name, value)
            for name, value in sorted(apart.items())
            if value.subscription is None and name not in known
        ]
    yield from ((each, None) for each in own)


def _discount(name: str, told: Discounting) -> Discount:
    return Discount(id=name, coupon=told.coupon, start=told.start, end=told.end)


def is_customers(books: Books, discount: Discount) -> bool:
    """Tell whether *discount* is the customer's, and of no subscription."""
    told = books.discounts.get(discount.id)
    if told is not None:
        return told.value.subscription is None
    customers = books.customer.discounts if books.customer else ()
    return discount.id in {each.id for each in customers}


def is_alive(discount: Discount, coupon: wares.Coupon, period: Period) -> bool:
    """Tell whether it works on what is invoiced for *period*, by what is known of that.

    No invoice tells when it is made, so one that begins within the period counts; one
    that has stopped when the period starts does not.
    """
    if discount.start is not None and discount.start >= period.end:
        return False
    months = coupon.duration_in_months
    end = discount.end or ends_at(coupon.duration, months, discount.start)
    return end is None or end > period.start


def is_spent(
    books: Books, discount: Discount, coupon: wares.Coupon, period: Period
) -> bool:
    """Tell whether an invoice has used up what it may take off *period*."""
    once = coupon.duration == Duration.ONCE
    if not once and coupon.percent_off is not None:
        return False
    for _, invoice in books.own:
        if source_of(invoice.value) is None or not _has(books, invoice.value, discount):
            continue
        lines = invoice.value.lines or ()
        if once or any(starts_in(line, invoice, period) for line in lines):
            return True
    return False


def _has(books: Books, invoice: Invoice, discount: Discount) -> bool:
    ids = {each.discount for each in invoice.taken}
    ids |= {each.discount for line in invoice.lines or () for each in line.taken}
    if discount.id in ids:
        return True
    # A discount made for the invoice alone is another one of the same coupon.
    named = {known[0].coupon for each in ids if (known := books.known_discounts.get(each))}
    return discount.coupon is not None and discount.coupon in named


def reduction(coupon: wares.Coupon, item: str | None) -> Reduction:
    """Return what *coupon* takes off, of all or of one *item*."""
    percent = coupon.percent_off
    return Reduction(
        percent=None if percent is None else Decimal(percent),
        amounts=dict(coupon.amounts_off),
        products=None if coupon.products is None else frozenset(coupon.products),
        item=item,
    )
