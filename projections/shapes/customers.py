"""Stripe's customers, in every shape from 2020-08-27 on, and their tax ids.

currency         fixed by the first recurring charge, null before
discount         one, whole, in every version
default_source   where no invoice_settings.default_payment_method is set
"""

from __future__ import annotations

import msgspec

from projections.objects import Customer, TaxId
from projections.shapes.fields import (
    Amount,
    Reference,
    Seconds,
    StripeDiscount,
    discounts,
    id_of,
    moment,
    text,
)


class Address(msgspec.Struct):
    """Where the customer is."""

    country: str | None = None


class InvoiceSettings(msgspec.Struct):
    """How invoices are paid."""

    default_payment_method: Reference = None


class CustomerMetadata(msgspec.Struct):
    """Of metadata only what this ledger reads."""

    account_id: str | None = None


class StripeCustomer(msgspec.Struct):
    """``data.object`` of ``customer.created``, ``updated`` and ``deleted``."""

    created: Seconds | None = None
    email: str | None = None
    name: str | None = None
    description: str | None = None
    currency: str | None = None
    address: Address | None = None
    tax_exempt: str | None = None
    balance: Amount | None = None
    delinquent: bool | None = None
    invoice_settings: InvoiceSettings | None = None
    default_source: Reference = None
    metadata: CustomerMetadata | None = None
    discount: StripeDiscount | None = None


class Verification(msgspec.Struct):
    """What a tax office said."""

    status: str | None = None


class StripeTaxId(msgspec.Struct):
    """``data.object`` of ``customer.tax_id.*``."""

    type: str | None = None
    value: str | None = None
    country: str | None = None
    verification: Verification | None = None
    created: Seconds | None = None


def customer(shown: StripeCustomer) -> Customer:
    """Return *shown* in the one shape."""
    address, settings, metadata = shown.address, shown.invoice_settings, shown.metadata
    return Customer(
        created=moment(shown.created),
        email=text(shown.email),
        name=text(shown.name),
        description=text(shown.description),
        currency=shown.currency,
        country=None if address is None else address.country,
        tax_exempt=shown.tax_exempt,
        balance=shown.balance,
        delinquent=shown.delinquent,
        default_payment_method=None
        if settings is None
        else id_of(settings.default_payment_method),
        default_source=id_of(shown.default_source),
        account_id=None if metadata is None else metadata.account_id or None,
        discounts=discounts(shown.discount, None),
    )


def tax_id(shown: StripeTaxId) -> TaxId:
    """Return *shown* in the one shape."""
    verification = shown.verification
    return TaxId(
        type=shown.type or "",
        value=text(shown.value),
        country=shown.country,
        verification=None if verification is None else verification.status,
        created=moment(shown.created),
    )
