"""When the lines of an invoice are earned: by day, over what they pay for.

    99.00 from 16 May to 16 Jun     16 days of May: 51.10     15 of June: 47.90

Each line is shared among the months of its days by largest remainder, so that the shares
come to it; a month that has only begun is shared by its days in the same way. What paid
for days before the invoice is earned with the invoice, and so is what has no days.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta, tzinfo

import attrs

from ledger.book_months import BookMonth, day_of, months_between
from ledger.money import shares
from projections.objects import Invoice
from projections.totals.invoiced import whole

_DAY = timedelta(days=1)


@attrs.frozen(kw_only=True)
class Portion:
    """What is earned of a line on [start, end), days of the books.

    Attributes:
        gross: Before *off*, what discounts take; both without tax.
    """

    start: date
    end: date
    gross: int
    off: int


@attrs.frozen(kw_only=True)
class Earned:
    """What is earned of an invoice in a month, told on *day*."""

    day: date
    gross: int = 0
    off: int = 0


def tax_of(invoice: Invoice) -> int:
    """Return all tax of *invoice*, also that within the amounts of its lines."""
    return sum(tax.amount for line in whole(invoice) for tax in line.taxes)


def portions(invoice: Invoice, made: date, zone: tzinfo) -> list[Portion]:
    """Return what there is to earn of *invoice*, which was finalized on the day *made*.

    What its lines do not come to is earned on that day.
    """
    found = []
    for line in whole(invoice):
        within = sum(tax.amount for tax in line.taxes if tax.inclusive)
        start = made if line.start is None else max(made, day_of(line.start, zone))
        end = start if line.end is None else day_of(line.end, zone)
        found.append(
            Portion(
                start=start,
                end=max(end, start + _DAY),
                gross=line.amount - within,
                off=sum(each.amount for each in line.taken),
            )
        )
    net = sum(each.gross - each.off for each in found)
    rest = (invoice.total or 0) - tax_of(invoice) - net
    if rest:
        found.append(Portion(start=made, end=made + _DAY, gross=rest, off=0))
    return found


def earned(found: Sequence[Portion], until: date) -> list[Earned]:
    """Return what is earned before the day *until*, month by month."""
    months: defaultdict[BookMonth, list[Earned]] = defaultdict(list)
    for portion in found:
        for month, part in _monthly(portion, until):
            months[month].append(part)
    return [
        Earned(
            day=max(part.day for part in parts),
            gross=sum(part.gross for part in parts),
            off=sum(part.off for part in parts),
        )
        for _, parts in sorted(months.items())
    ]


def _monthly(portion: Portion, until: date) -> Iterator[tuple[BookMonth, Earned]]:
    last = portion.end - _DAY
    months = list(months_between(_month(portion.start), _month(last)))
    spans = [
        (max(portion.start, month.first_day), min(portion.end, month.next.first_day))
        for month in months
    ]
    days = [(end - start).days for start, end in spans]
    parts = zip(shares(portion.gross, days), shares(portion.off, days), strict=True)
    for month, (start, end), (gross, off) in zip(months, spans, parts, strict=True):
        stop = min(end, until)
        if stop <= start:
            return
        ratio = [(stop - start).days, (end - stop).days]
        yield (
            month,
            Earned(
                day=stop - _DAY, gross=shares(gross, ratio)[0], off=shares(off, ratio)[0]
            ),
        )


def _month(day: date) -> BookMonth:
    return BookMonth(day.year, day.month)
