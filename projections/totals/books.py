"""What the totals of one subscription are made of, and how it is looked up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Final

import attrs
import msgspec

from ledger.coupons import ends_at
from ledger.pricing import Mode, Tariff, Tier
from projections import wares
from projections.history import Current
from projections.lines import Line
from projections.marks import Mark, Sold
from projections.models.catalogue import Catalogue
from projections.models.charged import CreditNote, Discounting, InvoiceItem
from projections.objects import Customer, Discount, Invoice, Subscription
from projections.seating.history import Level
from projections.seating.terms import billed_otherwise, mark_terms, varied
from projections.status.renewals import Period
from projections.status.scheduled import Scheduled
from projections.terms import Terms
from projections.totals.period_lines import CouponUsed, Source

VOID: Final = "void"
DRAFT: Final = "draft"


@attrs.frozen(kw_only=True, slots=False)
class Books:
    """What the totals of one subscription are made of.

    Attributes:
        invoices: Of its account, none that was deleted; others' do no harm.
        items: Invoice items of its account, none that was deleted.
        discounts: As events of their own told them; *stops* is when some ended.
        levels: How many seats the product told, or nothing if its word does not count.
        scheduled: What is to change.
        stated: The currency of the period asked about, where the subscription has had
            another since.
    """

    id: str
    current: Current[Subscription]
    invoices: Mapping[str, Current[Invoice]] = attrs.Factory(dict)
    items: Mapping[str, Current[InvoiceItem]] = attrs.Factory(dict)
    notes: Mapping[str, Current[CreditNote]] = attrs.Factory(dict)
    discounts: Mapping[str, Current[Discounting]] = attrs.Factory(dict)
    stops: Mapping[str, datetime] = attrs.Factory(dict)
    customer: Customer | None = None
    catalogue: Catalogue = attrs.Factory(Catalogue)
    levels: Sequence[Level] | None = None
    scheduled: Sequence[Scheduled] = ()
    now: datetime
    stated: str | None = None

    @property
    def subscription(self) -> Subscription:
        """The subscription as it is now."""
        return self.current.value

    @cached_property
    def currency(self) -> str:
        """What everything is counted in; empty where nobody says."""
        told = self.stated or self.subscription.currency
        return told or (self.customer.currency if self.customer else None) or ""

    @cached_property
    def varied(self) -> frozenset[str]:
        """Items whose quantity was ever another than 1."""
        return varied(self.current.marks) | billed_otherwise(self.invoices.values())

    @cached_property
    def own(self) -> tuple[tuple[str, Current[Invoice]], ...]:
        """The subscription's invoices, oldest first."""
        found = [
            (name, each)
            for name, each in self.invoices.items()
            if each.value.subscription == self.id
            or any(line.subscription == self.id for line in each.value.lines or ())
        ]
        return tuple(sorted(found, key=lambda one: (_made(one[1]), one[0])))

    def foreign(self, currency: str | None) -> bool:
        """Tell whether amounts of *currency* cannot be added to those of the books."""
        return bool(currency and self.currency) and currency != self.currency

    def terms(self, mark: Mark, start: datetime) -> Terms:
        """Return what the items of *mark* mean in a period that began at *start*."""
        return mark_terms(mark, self.varied, self.catalogue, max(start, self.now))

    def mark(self, period: Period) -> Mark:
        """Return what the subscription was when *period* began, as far as is known.

        What Stripe showed within it, and no event told, may have been sold before it
        began; what was billed then decides.
        """
        marks = self.current.marks
        first = next((mark for mark in marks if mark.period_start == period.start), None)
        if first is None:
            past = [mark for mark in marks if mark.at <= period.start]
            first = past[-1] if past else marks[0]
            then = next(iter(self.marks_in(period)), None)
            if then is not None and then.shown:
                first = msgspec.structs.replace(
                    first, sold=then.sold, position=then.position
                )
                return self._as_billed(first, period)
        return self._as_billed(first, period) if first.inferred else first

    def _as_billed(self, mark: Mark, period: Period) -> Mark:
        """Return *mark*, which no event told, with what was billed when *period* began.

        An invoice that was made void still says what was sold.
        """
        billing = [each for _, each in self.own if source_of(each.value) is not None]
        sold = _billed_items(billing, period.start)
        voided = [each for _, each in self.own if each.value.status == "void"]
        while voided and not sold:
            sold = _billed_items([voided.pop()], period.start)
        if not sold:
            return mark
        return msgspec.structs.replace(
            mark, sold=tuple(sold[name] for name in sorted(sold))
        )

    def marks_in(self, period: Period) -> Sequence[Mark]:
        """Return what it became within *period*."""
        return [mark for mark in self.current.marks if period.start < mark.at < period.end]

    def price(self, name: str | None, moment: datetime) -> wares.Price | None:
        """Return a price of the catalogue; the first one known, if none was so early."""
        if name is None:
            return None
        return self.catalogue.price(name, moment) or self.catalogue.price(name, self.now)

    def unit_of(
        self, told: str | None, price: str | None, start: datetime | None
    ) -> str | None:
        """Return the unit amount of a line: as is told, else its price's only one."""
        if told is not None or price is None:
            return told
        known = self.price(price, start or self.now)
        return None if known is None or known.tiers_mode else known.unit_amount

    @cached_property
    def known_discounts(self) -> Mapping[str, tuple[Discount, int]]:
        """Every discount by id, with its coupon if anything tells, and where it is told."""
        found: dict[str, tuple[Discount, int]] = {}
        for discount, position in self._told_discounts():
            known = found.get(discount.id)
            if known is None or (known[0].coupon is None and discount.coupon is not None):
                found[discount.id] = discount, position
        return found

    def known(self, discount: Discount) -> Discount:
        """Return all that is known of *discount*, which may be shown as a reference."""
        if discount.coupon is not None:
            return discount
        return self.known_discounts.get(discount.id, (discount, 0))[0]

    def coupon(self, name: str | None) -> wares.Coupon | None:
        """Return a coupon of the catalogue, as it is known now."""
        return None if name is None else self.catalogue.coupon(name, self.now)

    def used(self, discount: str, base: int | None = None) -> CouponUsed:
        """Return what is known of the coupon that a discount stands for."""
        known = self.known_discounts.get(discount)
        named = None if known is None else known[0].coupon
        coupon = self.coupon(named)
        if known is None or coupon is None:
            return CouponUsed(id=discount, coupon=named, base=base)
        return CouponUsed(
            id=discount,
            coupon=named,
            name=coupon.name,
            percent=coupon.percent_off,
            amount_off=dict(coupon.amounts_off).get(self.currency),
            duration=coupon.duration,
            until=known[0].end
            or ends_at(coupon.duration, coupon.duration_in_months, known[0].start),
            base=base,
        )

    def coupon_evidence(self, discount: str) -> tuple[int, ...]:
        """Return where a discount and its coupon are told."""
        known = self.known_discounts.get(discount)
        if known is None:
            return ()
        return (known[1], *self.catalogue.evidence(f"coupon:{known[0].coupon}")[:1])

    def _told_discounts(self) -> Iterator[tuple[Discount, int]]:
        shown, position = self.subscription, self.current.position
        for item in shown.items:
            yield from ((each, position) for each in item.discounts)
        yield from ((each, position) for each in shown.discounts)
        for each in self.customer.discounts if self.customer else ():
            yield each, position
        for name, told in self.discounts.items():
            yield _standing(name, told), told.position
        for mark in self.current.marks:
            yield from ((each.discount, mark.position) for each in mark.reduced)
        for invoice in self.invoices.values():
            for each in (*invoice.value.discounts, *invoice.value.named):
                yield each, invoice.position


def _billed_items(invoices: Sequence[Current[Invoice]], start: datetime) -> dict[str, Sold]:
    """Return, by item, what *invoices* bill of the period that began at *start*."""
    sold: dict[str, Sold] = {}
    for invoice in invoices:
        for line in invoice.value.lines or ():
            if line.recurring and line.start == start and line.item is not None:
                _add(sold, line, line.item)
    return sold


def _add(sold: dict[str, Sold], line: Line, item: str) -> None:
    """Add what *line* bills: the tiers of one price stand on a line each."""
    known = sold.get(item)
    sold[item] = Sold(
        item=item,
        price=line.price,
        product=line.product,
        quantity=(line.quantity or 0) + ((known.quantity or 0) if known else 0),
    )


def source_of(invoice: Invoice) -> Source | None:
    """Return what lines of *invoice* count as; None where it was voided."""
    if invoice.status == VOID:
        return None
    return Source.DRAFT if invoice.status == DRAFT else Source.INVOICE


def starts_in(line: Line, invoice: Current[Invoice], period: Period) -> bool:
    """Tell whether what *line* pays for starts in *period*."""
    start = line.start or _made(invoice)
    return period.start <= start < period.end


def tariff_of(price: wares.Price | None) -> Tariff | None:
    """Return how *price* is made; None where that is not known."""
    if price is None:
        return None
    if price.tiers_mode is not None or price.billing_scheme == "tiered":
        if not price.tiers:
            return None
        mode = Mode.VOLUME if price.tiers_mode == Mode.VOLUME else Mode.GRADUATED
        return Tariff(tiers=tuple(map(_tier, price.tiers)), mode=mode)
    if price.unit_amount is None:
        return None
    return Tariff(
        unit=Decimal(price.unit_amount),
        divide_by=price.divide_by or 1,
        round_up=price.divide_round == "up",
    )


def _tier(shown: wares.Tier) -> Tier:
    return Tier(
        up_to=shown.up_to,
        unit=Decimal(shown.unit_amount or 0),
        flat=Decimal(shown.flat_amount or 0),
    )


def _made(invoice: Current[Invoice]) -> datetime:
    return invoice.value.created or invoice.first_at


def _standing(name: str, told: Current[Discounting]) -> Discount:
    value = told.value
    return Discount(
        id=name,
        coupon=value.coupon,
        promotion_code=value.promotion_code,
        start=value.start,
        end=value.end,
    )
