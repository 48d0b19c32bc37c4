"""Stripe's invoice items, credit notes and discounts, in every shape from 2020-08-27 on.

invoiceitem.price, plan       since basil pricing.price_details
invoiceitem.subscription      since basil parent.subscription_details
discount.coupon               since clover discount.source.coupon
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from projections.models.charged import CreditNote, Discounting, InvoiceItem
from projections.shapes.fields import (
    Amount,
    DiscountSource,
    Reference,
    Seconds,
    exact,
    id_of,
    moment,
    text,
)
from projections.shapes.lines import Details, LinePlan, LinePrice, Pricing, Span


class ItemParent(msgspec.Struct):
    """What an invoice item is for, since basil."""

    subscription_details: Details | None = None


class StripeInvoiceItem(msgspec.Struct):
    """``data.object`` of ``invoiceitem.*``."""

    amount: Amount | None = None
    currency: str | None = None
    invoice: Reference = None
    subscription: Reference = None
    subscription_item: str | None = None
    parent: ItemParent | None = None
    period: Span | None = None
    description: str | None = None
    price: str | LinePrice | None = None
    plan: str | LinePlan | None = None
    pricing: Pricing | None = None
    quantity: Amount | None = None
    unit_amount_decimal: Decimal | None = None
    proration: bool | None = None
    discountable: bool | None = None


class StripeCreditNote(msgspec.Struct):
    """``data.object`` of ``credit_note.*``."""

    invoice: Reference = None
    number: str | None = None
    status: str | None = None
    currency: str | None = None
    amount: Amount | None = None
    total: Amount | None = None
    created: Seconds | None = None
    reason: str | None = None


class StripeDiscounting(msgspec.Struct):
    """``data.object`` of ``customer.discount.*``."""

    coupon: Reference = None
    source: DiscountSource | None = None
    promotion_code: Reference = None
    start: Seconds | None = None
    end: Seconds | None = None
    subscription: Reference = None
    subscription_item: Reference = None
    invoice: Reference = None


def invoice_item(shown: StripeInvoiceItem) -> InvoiceItem:
    """Return *shown* in the one shape."""
    parent = None if shown.parent is None else shown.parent.subscription_details
    details, period = parent or Details(), shown.period or Span()
    price, product, unit = _sold(shown)
    return InvoiceItem(
        amount=shown.amount or 0,
        currency=shown.currency,
        invoice=id_of(shown.invoice),
        subscription=id_of(shown.subscription) or id_of(details.subscription),
        item=shown.subscription_item or details.subscription_item,
        start=moment(period.start),
        end=moment(period.end),
        description=text(shown.description),
        price=price,
        product=product,
        quantity=shown.quantity,
        unit_amount=exact("unit_amount_decimal", unit),
        proration=bool(shown.proration),
        discountable=shown.discountable is not False,
    )


def credit_note(shown: StripeCreditNote) -> CreditNote:
    """Return *shown* in the one shape."""
    return CreditNote(
        invoice=id_of(shown.invoice),
        number=shown.number,
        status=shown.status,
        currency=shown.currency,
        total=shown.amount if shown.total is None else shown.total,
        created=moment(shown.created),
        reason=shown.reason,
    )


def discounting(shown: StripeDiscounting) -> Discounting:
    """Return *shown* in the one shape."""
    source = shown.source
    return Discounting(
        coupon=id_of(shown.coupon if source is None else source.coupon or shown.coupon),
        promotion_code=id_of(shown.promotion_code),
        start=moment(shown.start),
        end=moment(shown.end),
        subscription=id_of(shown.subscription),
        item=id_of(shown.subscription_item),
        invoice=id_of(shown.invoice),
    )


def _sold(shown: StripeInvoiceItem) -> tuple[str | None, str | None, Decimal | None]:
    pricing = shown.pricing
    if pricing is not None and pricing.price_details is not None:
        details = pricing.price_details
        return id_of(details.price), id_of(details.product), pricing.unit_amount_decimal
    if isinstance(shown.price, LinePrice):
        price = shown.price
        return price.id, id_of(price.product), price.unit_amount_decimal
    if isinstance(shown.plan, LinePlan):
        plan = shown.plan
        return plan.id, id_of(plan.product), plan.amount_decimal
    return shown.price, None, shown.unit_amount_decimal
