"""Stripe's payment methods, and the sources, cards and bank accounts before them.

    {"object": "payment_method", "type": "card", "card": {"brand": "visa", …}}
    {"object": "source", "type": "ach_debit", "ach_debit": {"bank_name": "…", …}}
    {"object": "card", "brand": "Visa", "last4": "4242", …}
    {"object": "bank_account", "bank_name": "…", "status": "verified", …}

All are told alike: a brand as payment methods spell it, a type as they call it.
"""

from __future__ import annotations

from typing import Final

import msgspec

from projections.payment_objects import Mandate, PaymentMethod
from projections.shapes.fields import Month, Reference, Seconds, Year, id_of, moment, text


class Details(msgspec.Struct):
    """What is shown of a card or of a bank account."""

    brand: str | None = None
    bank_name: str | None = None
    bank: str | None = None
    country: str | None = None
    last4: str | None = None
    exp_month: Month | None = None
    exp_year: Year | None = None
    funding: str | None = None
    mandate: str | None = None
    mandate_reference: str | None = None


class StripePaymentMethod(msgspec.Struct):
    """``data.object`` of ``payment_method.*`` and ``customer.source.*``."""

    object: str | None = None
    type: str | None = None
    customer: Reference = None
    created: Seconds | None = None
    status: str | None = None
    card: Details | None = None
    us_bank_account: Details | None = None
    sepa_debit: Details | None = None
    bacs_debit: Details | None = None
    au_becs_debit: Details | None = None
    acss_debit: Details | None = None
    ach_debit: Details | None = None
    ideal: Details | None = None
    # What follows stands on an older card or bank account itself.
    brand: str | None = None
    bank_name: str | None = None
    country: str | None = None
    last4: str | None = None
    exp_month: Month | None = None
    exp_year: Year | None = None
    funding: str | None = None


class StripeMandate(msgspec.Struct):
    """``data.object`` of ``mandate.updated``."""

    status: str | None = None
    payment_method: Reference = None
    type: str | None = None


_TYPES: Final = {"ach_debit": "us_bank_account", "bank_account": "us_bank_account"}
_BRANDS: Final = {
    "american express": "amex",
    "diners club": "diners",
    "cartes bancaires": "cartes_bancaires",
    "eftpos australia": "eftpos_au",
}


def payment_method(shown: StripePaymentMethod) -> PaymentMethod:
    """Return *shown* in the one shape."""
    kind = _kind(shown)
    details = getattr(shown, kind, None)
    has = details if isinstance(details, Details) else None
    return PaymentMethod(
        type=_TYPES.get(kind, kind),
        customer=id_of(shown.customer),
        created=moment(shown.created),
        brand=_brand(has.brand if has else shown.brand),
        bank_name=text((has.bank_name or has.bank) if has else shown.bank_name),
        country=has.country if has else shown.country,
        last4=_last4(has.last4 if has else shown.last4),
        exp_month=has.exp_month if has else shown.exp_month,
        exp_year=has.exp_year if has else shown.exp_year,
        funding=has.funding if has else shown.funding,
        status=shown.status,
        mandate=(has.mandate or has.mandate_reference) if has else None,
    )


def mandate(shown: StripeMandate) -> Mandate:
    """Return *shown* in the one shape."""
    return Mandate(
        status=shown.status or "",
        payment_method=id_of(shown.payment_method),
        type=shown.type,
    )


def _kind(shown: StripePaymentMethod) -> str:
    """Return the type; an older card or bank account is of the type it is called."""
    return shown.type or shown.object or ""


def _brand(shown: str | None) -> str | None:
    if shown is None:
        return None
    spelled = shown.lower()
    return _BRANDS.get(spelled, spelled)


def _last4(shown: str | None) -> str | None:
    """Return no more than four digits, whatever stands there."""
    return None if shown is None else shown[-4:]
