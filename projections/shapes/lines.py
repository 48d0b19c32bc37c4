"""Lines of Stripe's invoices, in every shape from 2020-08-27 on.

price, plan, proration, subscription_item   on the line itself, until acacia
parent.*_details, pricing.price_details     instead of them, since basil
tax_amounts[].inclusive, tax_rate           taxes[].tax_behavior, tax_rate_details since
discount_amounts                            what each discount takes off the line
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from projections.lines import Line, Taken, Taxed
from projections.shapes.fields import Amount, Reference, Seconds, exact, id_of, moment, text


class Span(msgspec.Struct):
    """What a line pays for."""

    start: Seconds | None = None
    end: Seconds | None = None


class LinePrice(msgspec.Struct):
    """The price of a line, until acacia."""

    id: str
    product: Reference = None
    unit_amount_decimal: Decimal | None = None


class LinePlan(msgspec.Struct):
    """The same, as it was called before there were prices."""

    id: str
    product: Reference = None
    amount_decimal: Decimal | None = None


class PriceDetails(msgspec.Struct):
    """The price of a line, since basil."""

    price: Reference = None
    product: Reference = None


class Pricing(msgspec.Struct):
    """What a line costs, since basil."""

    price_details: PriceDetails | None = None
    unit_amount_decimal: Decimal | None = None


class Details(msgspec.Struct):
    """Where a line comes from, since basil."""

    invoice_item: str | None = None
    subscription_item: str | None = None
    subscription: Reference = None
    proration: bool | None = None


class LineParent(msgspec.Struct):
    """Where a line comes from: an item of a subscription, or of an invoice."""

    invoice_item_details: Details | None = None
    subscription_item_details: Details | None = None


class DiscountAmount(msgspec.Struct):
    """What a discount takes off."""

    amount: Amount
    discount: Reference = None


class RateDetails(msgspec.Struct):
    """The tax rate, since basil."""

    tax_rate: Reference = None


class TaxAmount(msgspec.Struct):
    """What a tax comes to, as it is shown before basil and since."""

    amount: Amount
    inclusive: bool | None = None
    tax_rate: Reference = None
    tax_behavior: str | None = None
    tax_rate_details: RateDetails | None = None
    taxable_amount: Amount | None = None
    taxability_reason: str | None = None


class StripeLine(msgspec.Struct):
    """One of ``lines.data``."""

    amount: Amount
    id: str = ""
    period: Span | None = None
    description: str | None = None
    price: str | LinePrice | None = None
    plan: str | LinePlan | None = None
    pricing: Pricing | None = None
    parent: LineParent | None = None
    quantity: Amount | None = None
    proration: bool | None = None
    subscription: Reference = None
    subscription_item: Reference = None
    invoice_item: Reference = None
    discountable: bool | None = None
    discount_amounts: list[DiscountAmount] | None = None
    tax_amounts: list[TaxAmount] | None = None
    taxes: list[TaxAmount] | None = None


class StripeLines(msgspec.Struct):
    """``lines`` of an invoice; the first ones, where there are more."""

    data: list[StripeLine]
    has_more: bool = False


class KnownLines(StripeLines):
    """The same, read before.

    Attributes:
        told: What it came to.
        raw: The bytes that it was read from.
        sold: What of the catalogue stands in it; None before somebody asked.
    """

    told: tuple[Line, ...] = ()
    raw: bytes = b""
    sold: Any = None


def lines(shown: StripeLines | None) -> tuple[Line, ...] | None:
    """Return the lines in Stripe's order; None where it shows none."""
    if shown is None:
        return None
    if isinstance(shown, KnownLines):
        return shown.told
    return tuple(map(_line, shown.data))


def known_lines(raw: bytes) -> KnownLines:
    """Return the lines that stand at *raw*, read once and for all.

    Raises:
        msgspec.MsgspecError: They are not what they should be.
        UnreadableError: Likewise.
    """
    shown = _LINES.decode(raw)
    return KnownLines(
        data=shown.data,
        has_more=shown.has_more,
        told=tuple(map(_line, shown.data)),
        raw=raw,
    )


def taken(shown: Iterable[DiscountAmount] | None) -> tuple[Taken, ...]:
    """Return what discounts take off, in their order."""
    if not shown:
        return ()
    return tuple(Taken(id_of(each.discount) or "", each.amount) for each in shown)


def taxes(*shapes: Iterable[TaxAmount] | None) -> tuple[Taxed, ...]:
    """Return the taxes of the first of *shapes* that has any."""
    for each in shapes:
        if each:
            return tuple(map(_taxed, each))
    return ()


def left(total: Sequence[Taken], parts: Iterable[Line]) -> tuple[Taken, ...]:
    """Return what *total* takes off beyond what its lines say of themselves."""
    if not total:
        return ()
    rest = Counter[str]()
    for each in total:
        rest[each.discount] += each.amount
    for line in parts:
        for each in line.taken:
            rest[each.discount] -= each.amount
    named = dict.fromkeys(each.discount for each in total)
    return tuple(Taken(name, rest[name]) for name in named if rest[name])


def _line(shown: StripeLine) -> Line:
    details, sold = _details(shown.parent), _sold(shown)
    period = shown.period or _NO_SPAN
    return Line(
        id=shown.id,
        amount=shown.amount,
        start=moment(period.start),
        end=moment(period.end),
        description=text(shown.description),
        price=sold[0],
        product=sold[1],
        quantity=shown.quantity,
        unit_amount=exact("lines", sold[2]),
        proration=bool(shown.proration or details.proration),
        item=id_of(shown.subscription_item) or details.subscription_item,
        invoice_item=id_of(shown.invoice_item) or details.invoice_item,
        subscription=id_of(shown.subscription) or id_of(details.subscription),
        discountable=shown.discountable is not False,
        taken=taken(shown.discount_amounts),
        taxes=taxes(shown.taxes, shown.tax_amounts),
    )


def _details(parent: LineParent | None) -> Details:
    if parent is None:
        return _NO_DETAILS
    return parent.subscription_item_details or parent.invoice_item_details or _NO_DETAILS


def _sold(shown: StripeLine) -> tuple[str | None, str | None, Decimal | None]:
    """Return price, product and unit amount: of the line's pricing, else as before."""
    pricing = shown.pricing
    if pricing is not None and pricing.price_details is not None:
        details = pricing.price_details
        return id_of(details.price), id_of(details.product), pricing.unit_amount_decimal
    price, plan = shown.price, shown.plan
    if isinstance(price, LinePrice):
        return price.id, id_of(price.product), price.unit_amount_decimal
    if isinstance(plan, LinePlan):
        return plan.id, id_of(plan.product), plan.amount_decimal
    unit = None if pricing is None else pricing.unit_amount_decimal
    return price or (plan if isinstance(plan, str) else None), None, unit


def _taxed(shown: TaxAmount) -> Taxed:
    details = shown.tax_rate_details
    return Taxed(
        id_of(shown.tax_rate if details is None else details.tax_rate),
        shown.amount,
        bool(shown.inclusive) or shown.tax_behavior == "inclusive",
        shown.taxable_amount,
        shown.taxability_reason,
    )


_LINES: Final = msgspec.json.Decoder(StripeLines)
_NO_SPAN: Final = Span()
_NO_DETAILS: Final = Details()
