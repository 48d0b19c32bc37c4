"""Stripe's charges and payment intents, and what hangs on them, in every shape.

invoice            on charge and intent until basil; since then on neither
order_reference    of an intent's payment_details: the invoice's id, in clover cut short
latest_charge      of an intent; until 2022-11-15 the first of its charges, the newest
last_payment_error of an intent; a charge has failure_code and failure_message of its own
"""

from __future__ import annotations

import msgspec

from projections.payment_objects import Payment, Tie
from projections.shapes.fields import (
    Amount,
    Expanded,
    Listed,
    Reference,
    Seconds,
    id_of,
    moment,
    text,
)

CHARGE = "charge"
INTENT = "payment_intent"


class PaymentError(msgspec.Struct):
    """Why an intent's last attempt failed."""

    charge: Reference = None
    code: str | None = None
    decline_code: str | None = None
    message: str | None = None


class PaymentDetails(msgspec.Struct):
    """What an intent is for, since clover."""

    order_reference: str | None = None


class MethodDetails(msgspec.Struct):
    """What a charge was made on."""

    type: str | None = None


class Outcome(msgspec.Struct):
    """What a bank said of a charge; *reason* is its decline code."""

    reason: str | None = None


class StripePayment(msgspec.Struct):
    """``data.object`` of ``charge.*`` and ``payment_intent.*``."""

    object: str | None = None
    status: str | None = None
    created: Seconds | None = None
    amount: Amount | None = None
    currency: str | None = None
    invoice: Reference = None
    payment_intent: Reference = None
    payment_method: Reference = None
    receipt_url: str | None = None
    amount_refunded: Amount | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    outcome: Outcome | None = None
    payment_method_details: MethodDetails | None = None
    latest_charge: Reference = None
    charges: Listed[Expanded] | None = None
    last_payment_error: PaymentError | None = None
    payment_details: PaymentDetails | None = None


class TiedPayment(msgspec.Struct):
    """What an invoice payment pays with."""

    payment_intent: Reference = None
    charge: Reference = None


class StripeTie(msgspec.Struct):
    """``data.object`` of ``refund.*``, ``charge.dispute.*`` and ``invoice_payment.*``."""

    object: str | None = None
    status: str | None = None
    created: Seconds | None = None
    amount: Amount | None = None
    amount_paid: Amount | None = None
    currency: str | None = None
    invoice: Reference = None
    payment_intent: Reference = None
    charge: Reference = None
    payment: TiedPayment | None = None
    reason: str | None = None


def payment(shown: StripePayment) -> Payment:
    """Return *shown* in the one shape."""
    return _charge(shown) if shown.object != INTENT else _intent(shown)


def tie(shown: StripeTie) -> Tie:
    """Return *shown* in the one shape."""
    paid = shown.payment or TiedPayment()
    return Tie(
        kind=shown.object or "",
        status=shown.status,
        created=moment(shown.created),
        amount=shown.amount if shown.amount is not None else shown.amount_paid,
        currency=shown.currency,
        invoice=id_of(shown.invoice),
        payment_intent=id_of(shown.payment_intent) or id_of(paid.payment_intent),
        charge=id_of(shown.charge) or id_of(paid.charge),
        reason=shown.reason,
    )


def _charge(shown: StripePayment) -> Payment:
    failed = shown.failure_code is not None
    outcome, details = shown.outcome, shown.payment_method_details
    return Payment(
        kind=CHARGE,
        status=shown.status,
        created=moment(shown.created),
        amount=shown.amount,
        currency=shown.currency,
        invoice=id_of(shown.invoice),
        payment_intent=id_of(shown.payment_intent),
        refunded=shown.amount_refunded,
        receipt_url=shown.receipt_url,
        payment_method=id_of(shown.payment_method),
        method_type=None if details is None else details.type,
        code=shown.failure_code,
        decline_code=outcome.reason if failed and outcome is not None else None,
        message=text(shown.failure_message),
    )


def _intent(shown: StripePayment) -> Payment:
    error = shown.last_payment_error or PaymentError()
    details = shown.payment_details
    return Payment(
        kind=INTENT,
        status=shown.status,
        created=moment(shown.created),
        amount=shown.amount,
        currency=shown.currency,
        invoice=id_of(shown.invoice),
        charge=_latest(shown) or id_of(error.charge),
        order_reference=None if details is None else details.order_reference,
        payment_method=id_of(shown.payment_method),
        code=error.code,
        decline_code=error.decline_code,
        message=text(error.message),
    )


def _latest(shown: StripePayment) -> str | None:
    listed = shown.charges
    if shown.latest_charge is None and listed is not None and listed.data:
        return listed.data[0].id
    return id_of(shown.latest_charge)
