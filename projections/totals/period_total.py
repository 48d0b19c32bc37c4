"""What one service period of a subscription comes to, line by line.

    base 9900 + seats 1600 + other 0 - discount 2300 + tax 0 = total 9200

The total is the sum of its lines, always. What follows for each state of an item is told
in `projections.totals.period_lines`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from ledger.money import representable
from projections.findings import Finding, Severity, warning
from projections.history import Current
from projections.marks import Mark
from projections.objects import Invoice
from projections.status.renewals import Period
from projections.totals.books import Books, source_of, starts_in, tariff_of
from projections.totals.estimates import estimated, pending
from projections.totals.invoiced import adds_up, copied, whole
from projections.totals.period_lines import Kind, PeriodLine, Source
from projections.totals.reductions import reduced
from projections.totals.roles import Roles
from projections.totals.seat_increases import increase
from projections.totals.taxing import taxed

_ORDER = {kind: place for place, kind in enumerate(Kind)}


@attrs.frozen(kw_only=True)
class PeriodTotal:
    """What a period comes to; amounts are minor units of *currency*.

    Attributes:
        discount: What is taken off, not negative.
        tax: Exclusive tax only; *tax_included* stands within the other amounts.
        credited: What credit notes took off the period's invoices since.
    """

    subscription: str
    period: Period
    currency: str
    lines: tuple[PeriodLine, ...] = ()
    tax_included: int = 0
    credited: int = 0
    findings: tuple[Finding, ...] = ()

    @property
    def base(self) -> int:
        """The plan itself."""
        return self.of(Kind.BASE)

    @property
    def seats(self) -> int:
        """All that is charged for seats."""
        return self.of(Kind.SEAT)

    @property
    def other(self) -> int:
        """What is neither."""
        return self.of(Kind.OTHER)

    @property
    def discount(self) -> int:
        """What coupons take off."""
        return -self.of(Kind.DISCOUNT)

    @property
    def tax(self) -> int:
        """What comes on top."""
        return self.of(Kind.TAX)

    @property
    def total(self) -> int:
        """The sum of the lines."""
        return sum(line.amount for line in self.lines)

    @property
    def estimate(self) -> bool:
        """Whether any line stands on no finalized invoice."""
        return any(line.source is not Source.INVOICE for line in self.lines)

    def of(self, kind: Kind) -> int:
        """Return the sum of the lines of one kind."""
        return sum(line.amount for line in self.lines if line.kind is kind)


def period_total(
    books: Books,
    period: Period,
    mark: Mark | None = None,
    also: Sequence[PeriodLine] = (),
) -> PeriodTotal:
    """Return what *period* comes to.

    Args:
        mark: What is sold in it; None takes what was when it began.
        also: What waits of other periods, to be invoiced with this one.
    """
    mark = mark or books.mark(period)
    if books.foreign(mark.currency):
        books = attrs.evolve(books, stated=mark.currency)
    roles = _roles(books, period, mark)
    invoices = copied(books, period, roles)
    waiting = [*pending(books, period, roles)]
    known = [*invoices.lines, *waiting]
    computed, unknown = estimated(books, period, roles, known)
    added, unpriced = increase(books, period, roles, [*known, *computed])
    open_lines = [*waiting, *also, *computed, *added]
    off, nets, odd = reduced(books, period, open_lines)
    taxes, within, untaxed = taxed(books, open_lines, nets)
    lines = sorted([*invoices.lines, *open_lines, *off, *taxes], key=_place)
    total = PeriodTotal(
        subscription=books.id,
        period=period,
        currency=books.currency,
        lines=tuple(lines),
        tax_included=invoices.tax_included + within,
        credited=_credited(books, period),
        findings=(
            *unknown,
            *unpriced,
            *odd,
            *untaxed,
            *_odd_invoices(books, period),
            *_odd_items(books, period),
        ),
    )
    return attrs.evolve(total, findings=(*total.findings, *broken(total)))


def broken(total: PeriodTotal) -> Iterable[Finding]:
    """Yield each law of ours that *total* breaks: none, unless our code is wrong."""
    parts = total.base + total.seats + total.other - total.discount + total.tax
    if parts != total.total:
        yield _broken(total, "its parts are not its lines")
    computed = [line for line in total.lines if line.source is Source.ESTIMATE]
    taken = -sum(line.amount for line in computed if line.kind is Kind.DISCOUNT)
    open_lines = [
        line
        for line in total.lines
        if line.source in {Source.ESTIMATE, Source.PENDING}
        and line.kind not in {Kind.DISCOUNT, Kind.TAX}
    ]
    if not 0 <= taken <= sum(max(0, line.amount) for line in open_lines):
        yield _broken(total, "a discount is larger than what it is of")
    if not all(representable(line.amount) for line in total.lines):
        message = f"the period of {total.subscription} has an amount beyond 2^53"
        yield warning("invalid_amount", message)


def _broken(total: PeriodTotal, law: str) -> Finding:
    start = f"{total.period.start:%Y-%m-%d}"
    return Finding(
        code="law_broken",
        severity=Severity.ERROR,
        message=f"{total.subscription}, period of {start}: {law}; do not rely on it",
    )


def _roles(books: Books, period: Period, mark: Mark) -> Roles:
    terms = books.terms(mark, period.start)
    both = terms.seat is not None and terms.seat == terms.base
    name = next((each.price for each in mark.sold if each.item == terms.seat), None)
    price = books.price(name, period.start) if both else None
    return Roles(terms=terms, mark=mark, tiered=price if tariff_of(price) else None)


def _credited(books: Books, period: Period) -> int:
    """Return what was credited of the invoices whose last line starts in *period*."""
    found = 0
    for name, invoice in books.own:
        counts = source_of(invoice.value) is Source.INVOICE
        counts = counts and not books.foreign(invoice.value.currency)
        if counts and _main(invoice, period):
            found += credited(books, name, invoice.value)
    return found


def credited(books: Books, name: str, invoice: Invoice) -> int:
    """Return what credit notes took off an invoice: as they say, or as it says itself."""
    notes = [
        each.value.total or 0
        for each in books.notes.values()
        if each.value.invoice == name and each.value.status != "void" and not each.deleted
    ]
    shown = (invoice.pre_payment_credit or 0) + (invoice.post_payment_credit or 0)
    return max(sum(notes), shown)


def _main(invoice: Current[Invoice], period: Period) -> bool:
    lines: Sequence[object] = invoice.value.lines or ()
    starts = [line.start for line in invoice.value.lines or () if line.start is not None]
    if not lines or not starts:
        made = invoice.value.created or invoice.first_at
        return period.start <= made < period.end
    return period.start <= max(starts) < period.end


def _odd_invoices(books: Books, period: Period) -> Iterable[Finding]:
    for name, invoice in books.own:
        shown = invoice.value
        lines = shown.lines or ()
        if not any(starts_in(line, invoice, period) for line in whole(shown)):
            continue
        if books.foreign(shown.currency) and source_of(shown) is not None:
            message = _left_out(books, name, shown.currency)
            yield warning("other_currency", message, [invoice.position])
            continue
        if shown.more:
            message = f"Stripe shows only the first {len(lines)} lines of {name}"
            yield warning("invoice_lines_hidden", message, [invoice.position])
        if not adds_up(shown):
            message = f"the lines of {name} do not come to its total"
            yield warning("invoice_does_not_add_up", message, [invoice.position])


def _odd_items(books: Books, period: Period) -> Iterable[Finding]:
    for name, told in sorted(books.items.items()):
        item = told.value
        start = item.start or told.first_at
        within = item.subscription == books.id and period.start <= start < period.end
        if within and item.invoice is None and books.foreign(item.currency):
            message = _left_out(books, name, item.currency)
            yield warning("other_currency", message, [told.position])


def _left_out(books: Books, name: str, currency: str | None) -> str:
    return f"{name} is in {currency}, {books.id} in {books.currency}; it is left out"


def _place(line: PeriodLine) -> tuple[int, str, str, str]:
    place = _ORDER[line.kind]
    if line.kind in {Kind.DISCOUNT, Kind.TAX}:
        # Those of one invoice stay in the order in which they were taken.
        return place, "", line.invoice or "~", ""
    start = "" if line.start is None else f"{line.start:%Y%m%d%H%M%S}"
    return place, start, line.invoice or "~", line.item or ""
