"""What no invoice says yet: invoice items that wait, and what is computed from prices.

An item is computed only where nothing of the period stands for it: no invoice, no draft.
Nothing is computed for a trial, while Stripe has paused the subscription, or once the
period's invoice was voided.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ledger.money import decimal_text, rounded
from ledger.pricing import NoPriceError, Part, parts
from projections.findings import Finding, Severity, warning
from projections.marks import Sold
from projections.status.periods import rhythm_of
from projections.status.renewals import Period, period_at
from projections.totals.books import Books, source_of, starts_in, tariff_of
from projections.totals.invoiced import whole
from projections.totals.period_lines import Kind, PeriodLine, Source
from projections.totals.roles import Roles

PRICE_UNKNOWN: Final = "price_unknown"
METERED: Final = "usage_not_estimated"


def pending(books: Books, period: Period, roles: Roles) -> Iterator[PeriodLine]:
    """Yield the invoice items of *period* that are on no invoice yet."""
    on_invoices = {
        line.invoice_item
        for _, invoice in books.own
        for line in invoice.value.lines or ()
        if line.invoice_item
    }
    for name, told in sorted(books.items.items()):
        item = told.value
        start = item.start or told.first_at
        if (
            item.subscription != books.id
            or books.foreign(item.currency)
            or name in on_invoices
            or _is_known(books, item.invoice)
            or not period.start <= start < period.end
        ):
            continue
        kind = Kind.OTHER
        if item.item is not None or item.proration:
            kind = roles.kind(item.item, item.price)
        yield PeriodLine(
            kind=kind,
            source=Source.PENDING,
            amount=item.amount,
            description=item.description,
            quantity=item.quantity,
            unit_amount=books.unit_of(item.unit_amount, item.price, start),
            start=start,
            end=item.end,
            proration=item.proration,
            discountable=item.discountable,
            item=item.item,
            price=item.price,
            product=item.product,
            evidence=(told.position,),
        )


def estimated(
    books: Books, period: Period, roles: Roles, found: Sequence[PeriodLine]
) -> tuple[list[PeriodLine], list[Finding]]:
    """Return a line or two for each item that nothing in *found* stands for."""
    if is_free(books, period) or _hidden(books, period):
        return [], []
    lines: list[PeriodLine] = []
    findings: list[Finding] = []
    invoiced = {each.item for each in found if not each.proration}
    voided = set(_voided(books, period))
    at = roles.mark.position
    for sold in roles.mark.sold:
        if sold.item in invoiced | voided or not _due(books, sold, period):
            continue
        if sold.quantity is None:
            message = (
                f"{sold.price} of {books.id} is metered: what was used is charged when "
                "the period ends, and is not known before"
            )
            findings.append(
                Finding(
                    code=METERED, severity=Severity.INFO, message=message, evidence=(at,)
                )
            )
            continue
        try:
            lines += _computed(books, sold, period, roles)
        except NoPriceError as error:
            message = f"{sold.price} of {books.id}: {error}"
            findings.append(warning(PRICE_UNKNOWN, message, [at]))
    return lines, findings


def is_free(books: Books, period: Period) -> bool:
    """Tell whether nothing is computed for *period*: a trial, a pause, an end."""
    shown = books.subscription
    if shown.status == "incomplete_expired":
        return True
    if shown.ended_at is not None and shown.ended_at <= period.start:
        return True
    begun = shown.trial_start or shown.start_date or shown.created
    if shown.trial_end is not None and period.start < shown.trial_end:
        return begun is None or begun <= period.start
    status = shown.status if books.now < period.end else books.mark(period).status
    return status == "paused" or (status == "trialing" and shown.trial_end is None)


def price_parts(books: Books, price: str | None, quantity: int) -> tuple[Part, ...]:
    """Return what makes up the price of *quantity*.

    Raises:
        NoPriceError: The price is not known, or has none for it.
    """
    known = books.price(price, books.now)
    if known is not None and books.foreign(known.currency):
        raise NoPriceError(
            f"it is known in {known.currency} alone, not in {books.currency}; the next "
            "invoice tells"
        )
    tariff = tariff_of(known)
    if tariff is None:
        tiered = known is not None and known.tiers_mode is not None
        what = "its tiers are" if tiered else "its amount is"
        raise NoPriceError(f"{what} in no event so far; bl import asks Stripe for it")
    return parts(tariff, quantity)


def _computed(
    books: Books, sold: Sold, period: Period, roles: Roles
) -> Iterator[PeriodLine]:
    made_of = price_parts(books, sold.price, sold.quantity or 0)
    amount = rounded(sum(part.exact for part in made_of), books.currency)
    price = books.price(sold.price, period.start)
    kind = roles.kind(sold.item, sold.price)
    amounts = [(kind, amount)]
    if kind is Kind.SEAT and roles.terms.base == roles.terms.seat:
        base = min(amount, roles.flat())
        amounts = [(Kind.BASE, base), (Kind.SEAT, amount - base)]
    for each, part in amounts:
        if part or len(amounts) == 1:
            alone = part == amount
            yield PeriodLine(
                kind=each,
                source=Source.ESTIMATE,
                amount=part,
                description=_name(books, sold, period),
                quantity=sold.quantity if alone or each is Kind.SEAT else None,
                unit_amount=_unit(made_of) if alone else None,
                start=period.start,
                end=period.end,
                item=sold.item,
                price=sold.price,
                product=sold.product or (price.product if price else None),
                included=roles.terms.included if each is Kind.SEAT else None,
                parts=made_of,
                evidence=_evidence(books, sold, roles),
            )


def _evidence(books: Books, sold: Sold, roles: Roles) -> tuple[int, ...]:
    return (roles.mark.position, *books.catalogue.evidence(f"price:{sold.price}")[:1])


def _unit(made_of: Sequence[Part]) -> str | None:
    if len(made_of) != 1 or made_of[0].flat:
        return None
    return decimal_text(made_of[0].unit)


def _name(books: Books, sold: Sold, period: Period) -> str | None:
    price = books.price(sold.price, period.start)
    named = sold.product or (price.product if price else None)
    product = None if named is None else books.catalogue.product(named, books.now)
    names = (product.name if product else None, price.nickname if price else None)
    return next((name for name in names if name), sold.price)


def _is_known(books: Books, invoice: str | None) -> bool:
    """Tell whether an invoice is here with its lines, so that they speak for its items."""
    told = None if invoice is None else books.invoices.get(invoice)
    return told is not None and told.value.lines is not None


def _voided(books: Books, period: Period) -> Iterator[str | None]:
    """Yield the items whose line of *period* stands on a voided invoice."""
    for _, invoice in books.own:
        if source_of(invoice.value) is None:
            for line in invoice.value.lines or ():
                if line.recurring and starts_in(line, invoice, period):
                    yield line.item
                    if line.item is None:
                        yield from (sold.item for sold in books.mark(period).sold)


def _hidden(books: Books, period: Period) -> bool:
    """Tell whether an invoice of *period* has lines that Stripe does not show."""
    return any(
        invoice.value.more
        and any(starts_in(line, invoice, period) for line in whole(invoice.value))
        for _, invoice in books.own
    )


def _due(books: Books, sold: Sold, period: Period) -> bool:
    """Tell whether a period of the item starts in *period*: items may renew apart."""
    shown = books.subscription.items
    item = next((each for each in shown if each.id == sold.item), None)
    if item is None or item.period_start is None:
        return True
    own = rhythm_of([item])
    if own is None or own == rhythm_of(shown):
        return True
    found = period_at(item.period_start, own, period.start)
    if found is None or found.start == period.start:
        return True
    return found.end < period.end
