"""Seats that are billed in a period beyond those that its lines cover.

Covered are the largest quantity on any line of the seat item that is no reversal (lines
of tiers of one span added up), and the included seats where Stripe's quantity counts the
extra ones. What is billed above that is one more estimate:

    prorated     from the moment each was added to the period's end, by seconds
    full         a whole period
    next_cycle   nothing now
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction

import attrs

from ledger.money import rounded
from ledger.pricing import NoPriceError
from ledger.proration import fraction_left
from projections.findings import Finding, warning
from projections.marks import Sold
from projections.seating.figures import quantity_of
from projections.status.renewals import Period
from projections.terms import Counts, Increase, Terms
from projections.totals.books import Books
from projections.totals.estimates import PRICE_UNKNOWN, is_free, price_parts
from projections.totals.period_lines import Kind, PeriodLine, SeatsRaised, Source
from projections.totals.roles import Roles


def increase(
    books: Books, period: Period, roles: Roles, found: Sequence[PeriodLine]
) -> tuple[list[PeriodLine], list[Finding]]:
    """Return the line of the seats beyond those that *found* covers, if any."""
    terms = roles.terms
    sold = next((each for each in roles.mark.sold if each.item == terms.seat), None)
    if sold is None or terms.included is None or is_free(books, period):
        return [], []
    if terms.increase is Increase.NEXT_CYCLE:
        return [], []
    quantity = covered(found, terms)
    if quantity is None:
        return [], []
    seats = quantity + (terms.included if terms.counts is Counts.EXTRA else 0)
    if terms.counts is Counts.EXTRA and quantity == 0:
        seats = terms.included
    raised = [each for each in _raised(books, period, terms) if each.seats > seats]
    if not raised:
        return [], []
    try:
        return [_line(books, period, roles, sold, seats, raised)], []
    except NoPriceError as error:
        message = f"{sold.price} of {books.id}: {error}"
        return [], [warning(PRICE_UNKNOWN, message, [roles.mark.position])]


def covered(found: Sequence[PeriodLine], terms: Terms) -> int | None:
    """Return the largest quantity that lines of the seat item stand for; None if none."""
    spans: Counter[tuple[object, ...]] = Counter()
    told = False
    for place, line in enumerate(found):
        if line.item != terms.seat or line.quantity is None or line.amount < 0:
            continue
        told = True
        # A pending item stands alone; an invoice shows one line for each tier.
        own = line.invoice or f"{line.source} {place if line.proration else ''}"
        spans[own, line.start, line.end, line.proration] += line.quantity
    return max(spans.values(), default=0) if told else None


def _raised(books: Books, period: Period, terms: Terms) -> Iterator[SeatsRaised]:
    """Yield each moment at which more seats were billed than ever since the start."""
    most = 0
    for each in _levels(books, period, terms):
        if each.seats > most:
            most = each.seats
            yield each


def _levels(books: Books, period: Period, terms: Terms) -> Iterator[SeatsRaised]:
    if books.levels is not None:
        before = 0
        for level in books.levels:
            if level.at <= period.start:
                before = level.active
        yield SeatsRaised(at=period.start, seats=before)
        for level in books.levels:
            if period.start < level.at < period.end:
                yield SeatsRaised(at=level.at, seats=level.active)
        return
    included = terms.included if terms.counts is Counts.EXTRA else 0
    marks = books.marks_in(period)
    final = quantity_of(terms, marks[-1].sold) if marks else None
    for mark in marks:
        quantity = quantity_of(terms, mark.sold)
        if quantity is not None and final is not None:
            seats = min(quantity, final) + (included or 0)
            yield SeatsRaised(at=mark.at, seats=seats, position=mark.position)


def _line(
    books: Books,
    period: Period,
    roles: Roles,
    sold: Sold,
    seats: int,
    raised: Sequence[SeatsRaised],
) -> PeriodLine:
    """Charge each seat from its own moment on; rounded once, half up."""
    terms = roles.terms
    exact, before, charged = Fraction(), seats, []
    for each in raised:
        left = Fraction(1)
        if terms.increase is Increase.PRORATED:
            left = fraction_left(period.start, period.end, each.at)
        cost = _cost(books, sold, terms, each.seats) - _cost(books, sold, terms, before)
        charged.append(attrs.evolve(each, cost=cost, left=left))
        exact += left * cost
        before = each.seats
    prices = books.catalogue.evidence(f"price:{sold.price}")[:1]
    positions = [each.position for each in raised if each.position is not None]
    parts = price_parts(books, sold.price, before - seats)
    return PeriodLine(
        kind=Kind.SEAT,
        source=Source.ESTIMATE,
        amount=rounded(exact, books.currency),
        description=f"{before - seats} added",
        quantity=before - seats,
        start=raised[0].at,
        end=period.end,
        proration=terms.increase is Increase.PRORATED,
        item=sold.item,
        price=sold.price,
        product=sold.product,
        included=terms.included,
        parts=parts,
        raised=tuple(charged),
        evidence=(*positions, roles.mark.position, *prices),
    )


def _cost(books: Books, sold: Sold, terms: Terms, seats: int) -> Fraction:
    quantity = seats
    if terms.counts is Counts.EXTRA:
        quantity = max(0, seats - (terms.included or 0))
    parts = price_parts(books, sold.price, quantity)
    return sum((part.exact for part in parts), Fraction())
