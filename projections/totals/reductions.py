"""What coupons take off the part of a period that is on no invoice.

Discounts of an item come first, then those of the subscription, or where it has none
those of the customer, in Stripe's order. One that is used up is not applied again: a
coupon for once that any invoice had, a fixed amount that an invoice of the period had.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from ledger.coupons import Base, Reduction, take
from projections.findings import Finding, warning
from projections.objects import Discount
from projections.status.renewals import Period
from projections.totals.attachments import (
    attached,
    attached_then,
    is_alive,
    is_spent,
    reduction,
)
from projections.totals.books import Books
from projections.totals.period_lines import Kind, PeriodLine, Source


@attrs.frozen
class _Applied:
    discount: Discount
    reduction: Reduction


def reduced(
    books: Books, period: Period, lines: Sequence[PeriodLine]
) -> tuple[list[PeriodLine], list[int], list[Finding]]:
    """Return what coupons take off *lines*, none of which is on an invoice.

    Beside that, what they leave of each line.
    """
    if not lines:
        return [], [], []
    findings: list[Finding] = []
    applied = list(_reductions(books, period, findings))
    bases = [
        Base(
            amount=line.amount,
            product=line.product,
            item=line.item,
            discountable=line.discountable and line.amount > 0,
        )
        for line in lines
    ]
    found = []
    taken = take(bases, [each.reduction for each in applied], books.currency)
    order = sorted(range(len(applied)), key=lambda at: applied[at].reduction.item is None)
    for place in order:
        each, used = applied[place].discount, taken[place]
        if used is None:
            findings.append(_other_currency(books, each))
        elif used.amount:
            told = books.used(each.id, used.base)
            found.append(
                PeriodLine(
                    kind=Kind.DISCOUNT,
                    source=Source.ESTIMATE,
                    amount=-used.amount,
                    description=told.name or told.coupon,
                    item=applied[place].reduction.item,
                    coupon=told,
                    evidence=books.coupon_evidence(each.id),
                )
            )
    nets = [line.amount for line in lines]
    for used in taken:
        if used is not None:
            nets = [net - share for net, share in zip(nets, used.shares, strict=True)]
    return found, nets, findings


def _reductions(
    books: Books, period: Period, findings: list[Finding]
) -> Iterator[_Applied]:
    on = attached_then(books, period) if period.end <= books.now else attached(books)
    for discount, item in on:
        whole = books.known(discount)
        coupon = books.coupon(whole.coupon)
        if coupon is None:
            named = whole.coupon or whole.id
            message = f"{named} takes something off {books.id}; what, is not known"
            findings.append(warning("coupon_unknown", message, [books.current.position]))
        elif is_alive(whole, coupon, period) and not is_spent(books, whole, coupon, period):
            yield _Applied(whole, reduction(coupon, item))


def _other_currency(books: Books, discount: Discount) -> Finding:
    message = (
        f"{discount.coupon} has no amount in {books.currency}; it takes nothing off "
        f"{books.id}"
    )
    return warning("coupon_currency", message, books.coupon_evidence(discount.id))
