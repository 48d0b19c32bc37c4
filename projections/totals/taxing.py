"""The tax of the part of a period that is on no invoice, as the last one was taxed.

    9900   base      VAT 19 %      as the same item was
    1600   seats     VAT 19 %
     700   set-up    VAT 19 %      never taxed before: as the dearest that recurs

Each rate is rounded once, half up, over all lines that it is on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from ledger.money import decimal_text, rounded
from projections import wares
from projections.findings import Finding, info
from projections.lines import Line, Taxed
from projections.objects import Invoice
from projections.totals.books import Books, source_of
from projections.totals.period_lines import Kind, PeriodLine, Source, TaxUsed

_UNTAXED: Final = frozenset({"exempt", "reverse"})
_Rate = tuple[str | None, bool]


def taxed(
    books: Books, lines: Sequence[PeriodLine], nets: Sequence[int]
) -> tuple[list[PeriodLine], int, list[Finding]]:
    """Return the tax on *lines*, none of which is on an invoice, and that within them.

    Args:
        nets: What coupons leave of each of them.
    """
    if sum(nets) == 0:
        return [], 0, []
    if books.customer is not None and books.customer.tax_exempt in _UNTAXED:
        return [], 0, []
    last = _last_finalized(books)
    if last is None:
        message = "no invoice tells yet which tax there is; none is estimated"
        return [], 0, [info("tax_unknown", message)]
    position, invoice = last
    rates = _rates(invoice)
    bases: defaultdict[_Rate, int] = defaultdict(int)
    for line, net in zip(lines, nets, strict=True):
        for rate in _rates_of(invoice, line) or rates:
            bases[rate] += net
    found, included = [], 0
    for rate in rates:
        if not bases[rate]:
            continue
        amount, told = _one(books, invoice, rates[rate], bases[rate], position)
        included += amount if rate[1] else 0
        found += [told] if told is not None else []
    return found, included, []


def _one(
    books: Books, invoice: Invoice, rate: Taxed, base: int, position: int
) -> tuple[int, PeriodLine | None]:
    """Return what *rate* takes of *base*, and its line if it comes on top."""
    ware = None
    if rate.rate is not None:
        ware = books.catalogue.tax_rate(rate.rate, books.now)
    percent = _percentage(rate, ware, invoice)
    if percent is None:
        return 0, None
    if rate.inclusive:
        return rounded(base * percent / (100 + percent), books.currency), None
    amount = rounded(base * percent / 100, books.currency)
    if not amount:
        return 0, None
    name = None if ware is None else ware.name
    line = PeriodLine(
        kind=Kind.TAX,
        source=Source.ESTIMATE,
        amount=amount,
        description=name or "tax",
        tax=TaxUsed(rate=rate.rate, name=name, percentage=decimal_text(percent), base=base),
        evidence=(position,),
    )
    return amount, line


def _rates_of(invoice: Invoice, line: PeriodLine) -> set[_Rate]:
    """Return the rates that were on the same thing, or else on the dearest that recurs.

    Nothing is returned where the lines do not tell.
    """
    lines = [each for each in invoice.lines or () if each.taxes]
    same = [each for each in lines if _same_item(each, line)]
    same = same or [each for each in lines if _same_product(each, line)]
    recurring = sorted((each for each in lines if each.recurring), key=_amount)
    return {
        (tax.rate, tax.inclusive) for each in same or recurring[-1:] for tax in each.taxes
    }


def _same_item(each: Line, line: PeriodLine) -> bool:
    return line.item is not None and each.item == line.item


def _same_product(each: Line, line: PeriodLine) -> bool:
    return line.product is not None and each.product == line.product


def _amount(each: Line) -> int:
    return each.amount


def _last_finalized(books: Books) -> tuple[int, Invoice] | None:
    for _, invoice in reversed(books.own):
        if source_of(invoice.value) is Source.INVOICE:
            return invoice.position, invoice.value
    return None


def _rates(invoice: Invoice) -> dict[_Rate, Taxed]:
    """Return the rates of *invoice*, each once."""
    found: dict[_Rate, Taxed] = {}
    for tax in (
        invoice.taxes or (Taxed(None, invoice.tax),) if invoice.tax else invoice.taxes
    ):
        found.setdefault((tax.rate, tax.inclusive), tax)
    return found


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
