"""What coupons take off the part of a period that is on no invoice, and its tax.

Discounts of an item come first, then those of the subscription, or where it has none
those of the customer, in Stripe's order. One that is used up is not applied again: a
coupon for once that any invoice had, a fixed amount that an invoice of the period had.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import attrs

from ledger.coupons import Base, Reduction, take
from ledger.money import decimal_text, rounded
from projections import wares
from projections.findings import Finding, info, warning
from projections.lines import Taxed
from projections.objects import Discount, Invoice
from projections.status.renewals import Period
from projections.totals.attachments import (
    attached,
    attached_then,
    is_alive,
    is_spent,
    reduction,
)
from projections.totals.books import Books, source_of
from projections.totals.period_lines import Kind, PeriodLine, Source, TaxUsed

_UNTAXED = frozenset({"exempt", "reverse"})


@attrs.frozen
class _Applied:
    discount: Discount
    reduction: Reduction


def reduced(
    books: Books, period: Period, lines: Sequence[PeriodLine]
) -> tuple[list[PeriodLine], list[Finding]]:
    """Return what coupons take off *lines*, none of which is on an invoice."""
    if not lines:
        return [], []
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
    return found, findings


def taxed(
    books: Books, lines: Sequence[PeriodLine]
) -> tuple[list[PeriodLine], int, list[Finding]]:
    """Return the tax on *lines*, none of which is on an invoice, and that within them.

    The rates are those of the last finalized invoice. Each is rounded once, half up, over
    all lines together.
    """
    base = sum(line.amount for line in lines)
    if not lines or base == 0:
        return [], 0, []
    if books.customer is not None and books.customer.tax_exempt in _UNTAXED:
        return [], 0, []
    last = _last_finalized(books)
    if last is None:
        message = "no invoice tells yet which tax there is; none is estimated"
        return [], 0, [info("tax_unknown", message)]
    position, invoice = last
    found, included = [], 0
    for rate in _rates(invoice):
        ware = None
        if rate.rate is not None:
            ware = books.catalogue.tax_rate(rate.rate, books.now)
        percent = _percentage(rate, ware, invoice)
        if percent is None:
            continue
        if rate.inclusive:
            included += rounded(base * percent / (100 + percent), books.currency)
            continue
        amount = rounded(base * percent / 100, books.currency)
        if amount:
            name = None if ware is None else ware.name
            found.append(
                PeriodLine(
                    kind=Kind.TAX,
                    source=Source.ESTIMATE,
                    amount=amount,
                    description=name or "tax",
                    tax=TaxUsed(
                        rate=rate.rate,
                        name=name,
                        percentage=decimal_text(percent),
                        base=base,
                    ),
                    evidence=(position,),
                )
            )
    return found, included, []


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


def _last_finalized(books: Books) -> tuple[int, Invoice] | None:
    for _, invoice in reversed(books.own):
        if source_of(invoice.value) is Source.INVOICE:
            return invoice.position, invoice.value
    return None


def _rates(invoice: Invoice) -> list[Taxed]:
    """Return the rates of *invoice*, each once."""
    found: dict[tuple[str | None, bool], Taxed] = {}
    for tax in (
        invoice.taxes or (Taxed(None, invoice.tax),) if invoice.tax else invoice.taxes
    ):
        found.setdefault((tax.rate, tax.inclusive), tax)
    return list(found.values())


def _percentage(
    rate: Taxed, ware: wares.TaxRate | None, invoice: Invoice
) -> Fraction | None:
    """Return the rate's percentage: the catalogue's, else what the invoice came to."""
    if ware is not None and ware.percentage is not None:
        return Fraction(ware.percentage)
    same = [
        each
        for each in invoice.taxes or (rate,)
        if (each.rate, each.inclusive) == (rate.rate, rate.inclusive)
    ]
    amount = sum(each.amount for each in same)
    base = sum(each.base or 0 for each in same) or (invoice.total or 0) - sum(
        each.amount for each in invoice.taxes or (rate,)
    )
    return Fraction(100 * amount, base) if base > 0 else None
