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

import enum
import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Final

import attrs

from ledger.coupons import Base, Reduction, take
from ledger.money import half_up, rounded
from ledger.pricing import NoPriceError, Tariff, exact_price
from ledger.proration import fraction_left, prorated
from projections.books import Books, source_of, tariff_of
from projections.findings import Finding, info, warning
from projections.history import Current
from projections.invoiced import amount_of, whole
from projections.lines import Line
from projections.objects import Invoice
from projections.period_lines import Source


class Reason(enum.StrEnum):
    """What a difference comes from."""

    ROUNDING = "rounding"
    PRORATION = "proration"
    COUPON = "coupon"
    TAX = "tax"
    QUANTITY = "quantity"
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class Compared:
    """One figure of an invoice, Stripe's and ours.

    Attributes:
        what: ``line``, ``discount``, ``tax``, ``total`` or ``amount_due``.
        ours: None where the log does not hold what it is made of; *missing* says what.
    """

    what: str
    description: str | None
    theirs: int
    ours: int | None
    reason: Reason | None = None
    missing: str | None = None

    @property
    def differs(self) -> bool:
        """Whether both are known and not the same."""
        return self.ours is not None and self.ours != self.theirs


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


def findings(found: Iterable[Shadow]) -> Iterator[Finding]:
    """Yield what differs, an invoice at a time; mere rounding is good to know."""
    for each in found:
        reasons = sorted({str(one.reason) for one in each.differences})
        if reasons:
            message = (
                f"{each.invoice} is {each.theirs} at Stripe's, {each.ours} by our own "
                f"computation: {', '.join(reasons)}"
            )
            if reasons == [Reason.ROUNDING]:
                yield info("shadow_difference", message)
            else:
                yield warning("shadow_difference", message, [each.position])


def _shadow(
    books: Books, name: str, told: Current[Invoice], shown: Sequence[Line]
) -> Shadow:
    invoice = told.value
    lines = whole(invoice)
    compared = [
        *_lines(books, [each for each in lines if each.id or each in shown]),
        *_discounts(books, invoice, lines),
        *_taxes(books, lines),
    ]
    signs = {"line": 1, "discount": -1, "tax": 1}
    ours = amount_of(lines) + sum(
        signs[each.what] * (each.ours - each.theirs)
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
        made=invoice.created or told.first_at,
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
    """Compare what is due with the total and the balance, where nothing else plays in."""
    credit = invoice.pre_payment_credit or 0
    if invoice.amount_due is None or invoice.total is None or credit:
        return
    ours = max(0, invoice.total + (invoice.starting_balance or 0))
    if ours != invoice.amount_due:
        yield Compared(
            what="amount_due",
            description=None,
            theirs=invoice.amount_due,
            ours=ours,
            reason=Reason.UNKNOWN,
        )


def _lines(books: Books, lines: Sequence[Line]) -> Iterator[Compared]:
    """Compare the lines; those of the tiers of one price and span are one."""
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
        close = abs(ours - theirs) <= 1 and reason is not Reason.QUANTITY
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
        return _proration(books, line, tariff, quantity, theirs), Reason.PRORATION
    expected = _expected(books, line)
    reason = Reason.UNKNOWN
    if expected is not None and expected != quantity:
        quantity, reason = expected, Reason.QUANTITY
    return half_up(exact_price(tariff, quantity)), reason


def _proration(books: Books, line: Line, tariff: Tariff, quantity: int, theirs: int) -> int:
    """Price the part of its period that a line is for; rounded half up, once."""
    for mark in books.current.marks:
        start, end = mark.period_start, mark.period_end
        if start is None or end is None or line.start is None or end != line.end:
            continue
        if start <= line.start:
            whole_price = exact_price(tariff, quantity)
            left = fraction_left(start, end, line.start)
            kept = (Fraction(1), *_kept(books, line))
            # Stripe charges parts net of coupons, and names none on the line.
            amounts = [prorated(whole_price * each, left) for each in kept]
            found = min(amounts, key=lambda amount: abs(amount - abs(theirs)))
            return -found if theirs < 0 else found
    raise NoPriceError("the period that it is a part of is not known")


def _kept(books: Books, line: Line) -> Iterator[Fraction]:
    """Yield what percentages that were at work then leave, each and all of them."""
    left: dict[str, Fraction] = {}
    for name, (discount, _) in books.known_discounts.items():
        coupon, used = books.coupon(discount.coupon), books.used(name)
        begun = discount.start is None or line.start is None or discount.start <= line.start
        if used.until is not None and line.start is not None:
            begun = begun and line.start < used.until
        if coupon is None or coupon.percent_off is None or not begun:
            continue
        left[discount.coupon or name] = 1 - Fraction(coupon.percent_off) / _HUNDRED
    yield from left.values()
    if len(left) > 1:
        yield math.prod(left.values(), start=Fraction(1))


def _expected(books: Books, line: Line) -> int | None:
    """Return the quantity when the line's period began; None where nobody told."""
    if not line.recurring or line.item is None:
        return None
    for mark in books.current.marks:
        start = mark.period_start
        if start is not None and start == line.start and mark.at - start <= _AT_ONCE:
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
    if tariff is not None:
        return tariff
    if price is None and line.unit_amount is not None:
        return Tariff(unit=Decimal(line.unit_amount))
    raise NoPriceError("its price or its tiers are not known")


def _is_trial(books: Books, line: Line) -> bool:
    end = books.subscription.trial_end
    return (
        line.recurring
        and end is not None
        and line.start is not None
        and line.start < end
        and (books.subscription.trial_start or line.start) <= line.start
    )


def _discounts(books: Books, invoice: Invoice, lines: Sequence[Line]) -> Iterator[Compared]:
    theirs: dict[str, int] = {each.id: 0 for each in invoice.discounts}
    for line in lines:
        for taken in line.taken:
            theirs[taken.discount] = theirs.get(taken.discount, 0) + taken.amount
    if not any(theirs.values()):
        return
    names = [name for name in theirs if theirs[name]]
    known = [_reduction(books, name) for name in names]
    bases = [
        Base(
            amount=line.amount,
            product=line.product,
            item=line.item,
            discountable=line.discountable and line.amount > 0,
        )
        for line in lines
    ]
    ours: Sequence[int | None] = [None] * len(names)
    if all(each is not None for each in known):
        computed = take(bases, [each for each in known if each], books.currency)
        ours = [0 if each is None else each.amount for each in computed]
    for name, amount in zip(names, ours, strict=True):
        used = books.used(name)
        near = amount is not None and abs(amount - theirs[name]) <= len(lines)
        yield Compared(
            what="discount",
            description=used.name or used.coupon or name,
            theirs=theirs[name],
            ours=amount,
            reason=_why(amount, theirs[name], Reason.ROUNDING if near else Reason.COUPON),
            missing=None if amount is not None else "what its coupon takes is not known",
        )


def _reduction(books: Books, discount: str) -> Reduction | None:
    used = books.used(discount)
    coupon = books.coupon(used.coupon)
    if coupon is None:
        return None
    items = books.subscription.items
    on = [item.id for item in items if any(each.id == discount for each in item.discounts)]
    standing = books.discounts.get(discount)
    item = on[0] if on else None if standing is None else standing.value.item
    return Reduction(
        percent=None if coupon.percent_off is None else Decimal(coupon.percent_off),
        amounts=dict(coupon.amounts_off),
        products=None if coupon.products is None else frozenset(coupon.products),
        item=item,
    )


def _taxes(books: Books, lines: Sequence[Line]) -> Iterator[Compared]:
    rates = {(tax.rate, tax.inclusive): None for line in lines for tax in line.taxes}
    for rate, inclusive in rates:
        own = [
            (line, tax)
            for line in lines
            for tax in line.taxes
            if (tax.rate, tax.inclusive) == (rate, inclusive)
        ]
        theirs = sum(tax.amount for _, tax in own)
        base = sum(line.amount - sum(one.amount for one in line.taken) for line, _ in own)
        ware = None if rate is None else books.catalogue.tax_rate(rate, books.now)
        spared = theirs == 0 and any(tax.reason in _SPARED for _, tax in own)
        ours: int | None = None
        if spared:
            ours = 0
        elif ware is not None and ware.percentage is not None:
            percent = Fraction(ware.percentage)
            whole_of = 100 + percent if inclusive else Fraction(_HUNDRED)
            ours = rounded(base * percent / whole_of, books.currency)
        if inclusive:
            # It is part of the lines; only an exclusive tax changes the total.
            continue
        near = ours is not None and abs(ours - theirs) <= len(own)
        yield Compared(
            what="tax",
            description=ware.name if ware is not None else rate,
            theirs=theirs,
            ours=ours,
            reason=_why(ours, theirs, Reason.ROUNDING if near else Reason.TAX),
            missing=None if ours is not None else "the tax rate is not known",
        )


def _why(ours: int | None, theirs: int, reason: Reason) -> Reason | None:
    if ours is None:
        return Reason.UNKNOWN
    return None if ours == theirs else reason


def _span(line: Line) -> tuple[object, ...]:
    if not line.recurring:
        return (line.id, line.invoice_item, line.start, line.end, line.amount < 0)
    return (line.item, line.price, line.start, line.end)


_HUNDRED: Final = 100
# Stripe's reasons for which a rate that is named takes nothing.
_SPARED: Final = frozenset(
    {"customer_exempt", "reverse_charge", "not_collecting", "not_subject_to_tax"}
    | {"product_exempt", "product_exempt_holiday", "zero_rated", "excluded_territory"}
)
# What is told later of a period may have changed within it.
_AT_ONCE: Final = timedelta(hours=1)
