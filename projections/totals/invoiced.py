"""What invoices say of a period: their lines, copied, with their shares of the rest.

What Stripe tells only of the whole invoice (discounts and taxes in old shapes, lines that
it did not show) is shared among the lines, so that over all periods they come to the
invoice's total.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs
import msgspec

from ledger.money import shares
from projections.history import Current
from projections.lines import Line, Taken, Taxed
from projections.objects import Invoice
from projections.status.renewals import Period
from projections.totals.books import Books, source_of, starts_in
from projections.totals.period_lines import Kind, PeriodLine, Source, TaxUsed
from projections.totals.roles import Roles

HIDDEN: Final = "lines that Stripe does not show"


@attrs.frozen(kw_only=True)
class Copied:
    """What the invoices say of a period.

    Attributes:
        tax_included: Tax within the amounts of the lines.
    """

    lines: tuple[PeriodLine, ...] = ()
    tax_included: int = 0


def copied(books: Books, period: Period, roles: Roles) -> Copied:
    """Return the lines of the invoices whose own periods start in *period*."""
    found: list[PeriodLine] = []
    included = 0
    for name, invoice in books.own:
        source = source_of(invoice.value)
        if source is None or books.foreign(invoice.value.currency):
            continue
        # What Stripe did not show of an invoice starts with one of the lines it showed.
        shown = invoice.value.lines or ()
        if shown and not any(starts_in(each, invoice, period) for each in shown):
            continue
        own = [
            each
            for each in whole(invoice.value)
            if starts_in(each, invoice, period)
            and (each.subscription or books.id) == books.id
        ]
        origin = _Origin(name, invoice, source)
        found += [one for line in own for one in _lines(books, origin, line, roles, own)]
        found += _discounts(books, origin, own)
        found += _taxes(books, origin, own)
        included += sum(tax.amount for line in own for tax in line.taxes if tax.inclusive)
    return Copied(lines=tuple(found), tax_included=included)


def whole(invoice: Invoice) -> tuple[Line, ...]:
    """Return the lines of *invoice*, what stands of all of them shared among them."""
    lines = list(invoice.lines or ())
    if invoice.more and invoice.total is not None:
        rest = invoice.total - amount_of(_shared(lines, invoice))
        if rest:
            start = max((each.start for each in lines if each.start), default=None)
            lines.append(Line(id="", amount=rest, start=start, description=HIDDEN))
            return (*_shared(lines[:-1], invoice), lines[-1])
    return _shared(lines, invoice)


def amount_of(lines: Iterable[Line]) -> int:
    """Return what *lines* come to: less what is taken off, and with exclusive tax."""
    return sum(
        line.amount
        - sum(each.amount for each in line.taken)
        + sum(each.amount for each in line.taxes if not each.inclusive)
        for line in lines
    )


def adds_up(invoice: Invoice) -> bool:
    """Tell whether the lines come to the total; where Stripe shows all of both."""
    if invoice.lines is None or invoice.more or invoice.total is None:
        return True
    return amount_of(whole(invoice)) == invoice.total


def _shared(lines: Sequence[Line], invoice: Invoice) -> tuple[Line, ...]:
    """Share what the invoice says of itself alone, by largest remainder."""
    if not lines:
        return ()
    taken = [list(line.taken) for line in lines]
    for each in invoice.taken:
        weights = [max(0, line.amount) if line.discountable else 0 for line in lines]
        for place, part in enumerate(shares(each.amount, weights)):
            if part:
                taken[place].append(Taken(each.discount, part))
    taxes = [list(line.taxes) for line in lines]
    of_lines = _exclusive(tax for line in lines for tax in line.taxes)
    told = of_lines == _exclusive(_total_taxes(invoice))
    if told and not invoice.taken:
        return tuple(lines)
    if not told:
        taxes = [[] for _ in lines]
        nets = [
            max(0, line.amount - sum(one.amount for one in off))
            for line, off in zip(lines, taken, strict=True)
        ]
        for tax in _total_taxes(invoice):
            for place, part in enumerate(shares(tax.amount, nets)):
                if part:
                    taxes[place].append(Taxed(tax.rate, part, tax.inclusive))
    return tuple(
        msgspec.structs.replace(line, taken=tuple(off), taxes=tuple(on))
        for line, off, on in zip(lines, taken, taxes, strict=True)
    )


def _total_taxes(invoice: Invoice) -> tuple[Taxed, ...]:
    if invoice.taxes or not invoice.tax:
        return invoice.taxes
    return (Taxed(None, invoice.tax),)


def _exclusive(taxes: Iterable[Taxed]) -> int:
    return sum(each.amount for each in taxes if not each.inclusive)


@attrs.frozen
class _Origin:
    name: str
    invoice: Current[Invoice]
    source: Source

    @property
    def evidence(self) -> tuple[int, ...]:
        return (self.invoice.position,)


def _lines(
    books: Books, origin: _Origin, line: Line, roles: Roles, own: Sequence[Line]
) -> Iterator[PeriodLine]:
    first = next(each for each in own if (each.item, each.start) == (line.item, line.start))
    for kind, amount in roles.split(line, first=line is first):
        yield PeriodLine(
            kind=kind,
            source=origin.source,
            amount=amount,
            description=line.description,
            # Of a line in two parts the seats are counted once, on theirs.
            quantity=None if kind is Kind.BASE and amount != line.amount else line.quantity,
            unit_amount=books.unit_of(line.unit_amount, line.price, line.start)
            if amount == line.amount
            else None,
            start=line.start,
            end=line.end,
            proration=line.proration,
            discountable=line.discountable,
            invoice=origin.name,
            item=line.item,
            price=line.price,
            product=line.product,
            included=roles.terms.included if kind is Kind.SEAT else None,
            evidence=origin.evidence,
        )


def _discounts(books: Books, origin: _Origin, own: Sequence[Line]) -> Iterator[PeriodLine]:
    amounts: defaultdict[str, int] = defaultdict(int)
    bases: defaultdict[str, int] = defaultdict(int)
    for line in own:
        left = line.amount
        for each in line.taken:
            amounts[each.discount] += each.amount
            bases[each.discount] += left
            left -= each.amount
    for discount, amount in amounts.items():
        used = books.used(discount, bases[discount])
        if amount:
            yield PeriodLine(
                kind=Kind.DISCOUNT,
                source=origin.source,
                amount=-amount,
                description=used.name or used.coupon or discount or None,
                invoice=origin.name,
                coupon=used,
                evidence=(*origin.evidence, *books.coupon_evidence(discount)),
            )


def _taxes(books: Books, origin: _Origin, own: Sequence[Line]) -> Iterator[PeriodLine]:
    found: defaultdict[tuple[str | None, str | None], list[Taxed]] = defaultdict(list)
    for line in own:
        for each in line.taxes:
            if not each.inclusive:
                found[each.rate, each.reason].append(each)
    for (rate, reason), taxes in found.items():
        amount = sum(each.amount for each in taxes)
        ware = None if rate is None else books.catalogue.tax_rate(rate, books.now)
        name = None if ware is None else ware.name
        if amount or reason == "reverse_charge":
            yield PeriodLine(
                kind=Kind.TAX,
                source=origin.source,
                amount=amount,
                description=name or ("reverse charge" if not amount else "tax"),
                invoice=origin.name,
                tax=TaxUsed(
                    rate=rate,
                    name=name,
                    percentage=None if ware is None else ware.percentage,
                    base=_base(taxes),
                    reason=reason,
                ),
                evidence=origin.evidence,
            )


def _base(taxes: Sequence[Taxed]) -> int | None:
    bases = [each.base for each in taxes if each.base is not None]
    return sum(bases) if len(bases) == len(taxes) else None
