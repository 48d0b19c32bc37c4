"""Stripe's invoices, in every shape from 2020-08-27 on: their heads and their lines.

subscription   since basil in parent.subscription_details
total_taxes    since basil, before total_tax_amounts, or only tax
paid           until basil beside the status, which says the same
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from projections.objects import Invoice
from projections.shapes.fields import (
    Amount,
    Quantity,
    Reference,
    Seconds,
    StripeDiscount,
    discounts,
    id_of,
    moment,
)
from projections.shapes.known_parts import Known
from projections.shapes.lines import (
    DiscountAmount,
    StripeLines,
    TaxAmount,
    known_lines,
    left,
    lines,
    taken,
    taxes,
)


class SubscriptionDetails(msgspec.Struct):
    """The subscription that an invoice is for, since basil."""

    subscription: Reference = None


class Parent(msgspec.Struct):
    """What an invoice comes from, since basil."""

    subscription_details: SubscriptionDetails | None = None


class StatusTransitions(msgspec.Struct):
    """When it came to its statuses."""

    finalized_at: Seconds | None = None
    paid_at: Seconds | None = None
    voided_at: Seconds | None = None
    marked_uncollectible_at: Seconds | None = None


class Uncollectible(msgspec.Struct):
    """Why it was given up."""

    reason: str | None = None


class InvoiceStatusDetails(msgspec.Struct):
    """More about the status, since endive."""

    uncollectible: Uncollectible | None = None


class TotalDiscount(DiscountAmount):
    """What a discount takes off the whole invoice; it stands whole where asked for."""

    discount: str | StripeDiscount | None = None


class StripeInvoice(msgspec.Struct):
    """``data.object`` of ``invoice.*``."""

    status: str | None = None
    created: Seconds | None = None
    number: str | None = None
    subscription: Reference = None
    parent: Parent | None = None
    currency: str | None = None
    total: Amount | None = None
    subtotal: Amount | None = None
    tax: Amount | None = None
    amount_due: Amount | None = None
    amount_paid: Amount | None = None
    amount_remaining: Amount | None = None
    starting_balance: Amount | None = None
    pre_payment_credit_notes_amount: Amount | None = None
    post_payment_credit_notes_amount: Amount | None = None
    due_date: Seconds | None = None
    period_start: Seconds | None = None
    period_end: Seconds | None = None
    billing_reason: str | None = None
    collection_method: str | None = None
    attempted: bool | None = None
    attempt_count: Quantity | None = None
    next_payment_attempt: Seconds | None = None
    status_transitions: StatusTransitions | None = None
    status_details: InvoiceStatusDetails | None = None
    hosted_invoice_url: str | None = None
    invoice_pdf: str | None = None
    lines: StripeLines | None = None
    total_discount_amounts: list[TotalDiscount] | None = None
    total_taxes: list[TaxAmount] | None = None
    total_tax_amounts: list[TaxAmount] | None = None
    discount: StripeDiscount | None = None
    discounts: list[str | StripeDiscount] | None = None


def invoice(shown: StripeInvoice) -> Invoice:
    """Return *shown* in the one shape."""
    came = shown.status_transitions or _NEVER
    details = shown.status_details
    given_up = None if details is None else details.uncollectible
    told = lines(shown.lines)
    return Invoice(
        status=shown.status,
        created=moment(shown.created),
        number=shown.number,
        subscription=_subscription(shown),
        currency=shown.currency,
        total=shown.total,
        subtotal=shown.subtotal,
        tax=shown.tax,
        amount_due=shown.amount_due,
        amount_paid=shown.amount_paid,
        amount_remaining=shown.amount_remaining,
        starting_balance=shown.starting_balance,
        pre_payment_credit=shown.pre_payment_credit_notes_amount,
        post_payment_credit=shown.post_payment_credit_notes_amount,
        due_date=moment(shown.due_date),
        period_start=moment(shown.period_start),
        period_end=moment(shown.period_end),
        billing_reason=shown.billing_reason,
        collection_method=shown.collection_method,
        attempted=shown.attempted,
        attempt_count=shown.attempt_count,
        next_payment_attempt=moment(shown.next_payment_attempt),
        finalized_at=moment(came.finalized_at),
        paid_at=moment(came.paid_at),
        voided_at=moment(came.voided_at),
        uncollectible_at=moment(came.marked_uncollectible_at),
        uncollectible_reason=None if given_up is None else given_up.reason,
        hosted_url=shown.hosted_invoice_url,
        pdf_url=shown.invoice_pdf,
        lines=told,
        more=shown.lines is not None and shown.lines.has_more,
        taken=left(taken(shown.total_discount_amounts), told or ()),
        taxes=taxes(shown.total_taxes, shown.total_tax_amounts),
        discounts=discounts(shown.discount, shown.discounts),
        named=discounts(None, _whole(shown.total_discount_amounts)),
    )


def _whole(shown: list[TotalDiscount] | None) -> list[StripeDiscount]:
    """Return those that are shown whole: of items, too, and deleted ones."""
    found = [each.discount for each in shown or ()]
    return [each for each in found if isinstance(each, StripeDiscount)]


def _subscription(shown: StripeInvoice) -> str | None:
    if shown.subscription is not None:
        return id_of(shown.subscription)
    details = None if shown.parent is None else shown.parent.subscription_details
    return None if details is None else id_of(details.subscription)


def fill_lines(shown: Any) -> None:  # noqa: ANN401 - a sparse one is of a type made for it
    """Read the lines of a `SwiftInvoice`, or of what one was before.

    Raises:
        msgspec.MsgspecError: They are not what they should be.
        UnreadableError: Likewise.
    """
    if shown.lines:
        shown.lines = _LINES(shown.lines)


SwiftInvoice: Final[Any] = msgspec.defstruct(
    "SwiftInvoice", [("lines", msgspec.Raw, None)], bases=(StripeInvoice,)
)
_LINES: Final = Known(known_lines)
_NEVER: Final = StatusTransitions()
