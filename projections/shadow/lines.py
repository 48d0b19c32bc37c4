"""The lines of an invoice, each as its price and quantity make it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import groupby
from typing import Final

from ledger.money import rounded, step
from ledger.pricing import NoPriceError, Tariff, exact_price
from projections.lines import Line
from projections.shadow.compared import Compared, Reason
from projections.shadow.prorations import prorated_line
from projections.totals.books import Books, tariff_of


def compared_lines(books: Books, lines: Sequence[Line]) -> Iterator[Compared]:
    """Yield each line beside ours; those of the tiers of one price and span are one."""
    for _, group in groupby(lines, key=_span):
        same = list(group)
        theirs = sum(each.amount for each in same)
        first = same[0]
        quantity = sum(each.quantity or 0 for each in same)
        try:
            ours, reason = _computed(books, first, quantity, theirs)
        except NoPriceError as error:
            yield Compared(
                what="line",
                description=first.description,
                theirs=theirs,
                ours=None,
                reason=Reason.UNKNOWN,
                missing=str(error),
            )
            continue
        differs = ours != theirs
        close = abs(ours - theirs) <= step(books.currency) and reason is not Reason.QUANTITY
        yield Compared(
            what="line",
            description=first.description,
            theirs=theirs,
            ours=ours,
            reason=(Reason.ROUNDING if close else reason) if differs else None,
        )


def _computed(books: Books, line: Line, quantity: int, theirs: int) -> tuple[int, Reason]:
    if _is_trial(books, line):
        return 0, Reason.UNKNOWN
    tariff = _tariff(books, line)
    if line.proration:
        return prorated_line(books, line, tariff, theirs), Reason.PRORATION
    expected = _expected(books, line)
    reason = Reason.UNKNOWN
    if expected is not None and expected != quantity:
        quantity, reason = expected, Reason.QUANTITY
    return rounded(exact_price(tariff, quantity), books.currency), reason


def _expected(books: Books, line: Line) -> int | None:
    """Return the quantity when the line's period began; None where nobody told."""
    if not line.recurring or line.item is None:
        return None
    for mark in books.current.marks:
        start = mark.period_start
        if mark.inferred or start is None or start != line.start:
            continue
        if mark.at - start <= _AT_ONCE:
            sold = (each for each in mark.sold if each.item == line.item)
            found = next(sold, None)
            same = found is not None and found.price == line.price
            return found.quantity if found is not None and same else None
    return None


def _tariff(books: Books, line: Line) -> Tariff:
    """Return what the catalogue says of the price, else what the line itself does."""
    if line.quantity is None:
        raise NoPriceError("the line has no quantity")
    price = books.price(line.price, line.start or books.now)
    tariff = tariff_of(price)
    other = price is not None and books.foreign(price.currency)
    if tariff is not None and not other:
        return tariff
    if (price is None or other) and line.unit_amount is not None:
        return Tariff(unit=Decimal(line.unit_amount))
    raise NoPriceError("its price or its tiers are not known; bl import asks Stripe")


def _is_trial(books: Books, line: Line) -> bool:
    end = books.subscription.trial_end
    return (
        line.recurring
        and end is not None
        and line.start is not None
        and line.start < end
        and (books.subscription.trial_start or line.start) <= line.start
    )


def _span(line: Line) -> tuple[object, ...]:
    if not line.recurring:
        return (line.id, line.invoice_item, line.start, line.end, line.amount < 0)
    return (line.item, line.price, line.start, line.end)


# What is told later of a period may have changed within it.
_AT_ONCE: Final = timedelta(hours=1)
