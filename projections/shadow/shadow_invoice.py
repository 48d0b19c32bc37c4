"""The shadow invoice: what we would have billed, beside what Stripe did, line by line.

    line      2 x price_seat      1600    1600
    discount  LAUNCH20            2300    2299    rounding
    tax       VAT 20 %            1840    1840
    total                         9200    9201

An invoice stays what Stripe says it is; a difference is said, with its reason. What
cannot be computed, since the log does not hold what it is made of, stands beside without
a figure of ours and is no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

import attrs

from projections.amounts import amount
from projections.findings import Finding, Severity
from projections.history import Current
from projections.lines import Line
from projections.objects import Invoice
from projections.shadow.compared import Compared, Reason
from projections.shadow.lines import compared_lines
from projections.shadow.reductions import compared_discounts, compared_taxes
from projections.totals.books import Books, source_of
from projections.totals.invoiced import amount_of, whole
from projections.totals.period_lines import Source

# The invoice of this period, and the one before it.
RECENT: Final = 2


@attrs.frozen(kw_only=True)
class Shadow:
    """An invoice as we would have billed it.

    Attributes:
        ours: What our figures come to, Stripe's where we have none.
    """

    invoice: str
    number: str | None
    made: datetime
    currency: str
    theirs: int
    ours: int
    compared: tuple[Compared, ...]
    position: int

    @property
    def differences(self) -> tuple[Compared, ...]:
        """Where ours is another figure than Stripe's."""
        return tuple(each for each in self.compared if each.differs)

    @property
    def unchecked(self) -> tuple[Compared, ...]:
        """What could not be computed."""
        return tuple(each for each in self.compared if each.ours is None)


def shadows(
    books: Books, invoices: Iterable[tuple[str, Current[Invoice]]]
) -> Iterator[Shadow]:
    """Yield the shadow of each finalized one of *invoices* that shows its lines."""
    for name, told in invoices:
        shown = told.value
        if source_of(shown) is Source.INVOICE and shown.lines is not None:
            yield _shadow(books, name, told, shown.lines)


def recent(books: Books) -> Iterator[Shadow]:
    """Yield the shadows of the subscription's last few finalized invoices, newest first.

    Those are what an account is told of; `bl shadow` goes through all of them.
    """
    final = (
        each for each in reversed(books.own) if source_of(each[1].value) is Source.INVOICE
    )
    return shadows(books, islice(final, RECENT))


def findings_of(found: Iterable[Shadow]) -> Iterator[Finding]:
    """Yield what differs, an invoice at a time; mere rounding is good to know."""
    for each in found:
        reasons = sorted({str(one.reason) for one in each.differences})
        if reasons:
            theirs, ours = _both(each)
            yield Finding(
                code="shadow_difference",
                severity=(
                    Severity.INFO if reasons == [Reason.ROUNDING] else Severity.WARNING
                ),
                message=(
                    f"{each.invoice} is {theirs} at Stripe's, {ours} by our own "
                    f"computation ({', '.join(reasons)}); bl shadow shows the lines"
                ),
                evidence=(each.position,),
            )


def _both(shadow: Shadow) -> tuple[str, str]:
    """Return both totals in words; of equal ones the figures that differ."""
    theirs, ours = shadow.theirs, shadow.ours
    if theirs == ours:
        theirs = sum(each.theirs for each in shadow.differences)
        ours = sum(each.ours or 0 for each in shadow.differences)
        what = " and ".join(each.what for each in shadow.differences)
        return f"{amount(theirs, shadow.currency)} ({what})", amount(ours, shadow.currency)
    return amount(theirs, shadow.currency), amount(ours, shadow.currency)


def _shadow(
    books: Books, name: str, told: Current[Invoice], shown: Sequence[Line]
) -> Shadow:
    invoice = told.value
    if books.foreign(invoice.currency):
        books = attrs.evolve(books, stated=invoice.currency)
    made = invoice.created or told.first_at
    lines = whole(invoice)
    compared = [
        *compared_lines(books, [each for each in lines if each.id or each in shown]),
        *compared_discounts(books, invoice, lines, made),
        *compared_taxes(books, lines),
    ]
    # A tax that is part of the lines does not change what they come to.
    signs = {"line": 1, "discount": -1, "tax": 1}
    ours = amount_of(lines) + sum(
        signs.get(each.what, 0) * (each.ours - each.theirs)
        for each in compared
        if each.ours is not None
    )
    theirs = invoice.total if invoice.total is not None else amount_of(lines)
    explained = sum(1 for each in compared if each.differs)
    total = Compared(
        what="total",
        description=None,
        theirs=theirs,
        ours=ours,
        reason=None if ours == theirs or explained else Reason.UNKNOWN,
    )
    return Shadow(
        invoice=name,
        number=invoice.number,
        made=made,
        currency=invoice.currency or books.currency,
        theirs=theirs,
        ours=ours,
        compared=(*_numbered(compared, total), *_due(invoice)),
        position=told.position,
    )


def _numbered(compared: Sequence[Compared], total: Compared) -> Iterator[Compared]:
    yield from compared
    if total.reason is not None:
        yield total


def _due(invoice: Invoice) -> Iterator[Compared]:
    """Compare what is due with the total, the balance, and what was credited before."""
    if invoice.amount_due is None or invoice.total is None:
        return
    charged = max(0, invoice.total + (invoice.starting_balance or 0))
    ours = max(0, charged - (invoice.pre_payment_credit or 0))
    if ours != invoice.amount_due:
        yield Compared(
            what="amount_due",
            description=None,
            theirs=invoice.amount_due,
            ours=ours,
            reason=Reason.UNKNOWN,
        )
