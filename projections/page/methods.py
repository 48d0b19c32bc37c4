"""Ways to pay as the page names them, and whether one is about to end.

Visa •••• 4242          Expires 12/2026
SEPA Direct Debit •••• 3000   Deutsche Bank, DE
"""

from __future__ import annotations

import enum
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

from projections.page.document import Document, PaymentMethod
from projections.page.texts import cut, words

WARNED_FROM: Final = timedelta(days=30)
_MONTHS: Final = 12
_YEAR_MAX: Final = 9998
_LAST_DIGITS: Final = 4


class Expiry(enum.StrEnum):
    """How far a card is from its end."""

    FINE = "fine"
    SOON = "soon"
    OVER = "over"


@attrs.frozen(kw_only=True)
class Method:
    """A way to pay.

    Attributes:
        digits: The last four, or nothing.
        ends_at: From this instant on it cannot be charged.
    """

    name: str
    digits: str
    bank: str | None
    country: str | None
    default: bool
    mandate: str | None
    expires: str | None
    expiry: Expiry
    ends_at: datetime | None


def methods(document: Document) -> tuple[Method, ...]:
    """Return the account's ways to pay, in the document's order."""
    return tuple(_method(each, document.meta.as_of) for each in document.payment_methods)


def expires_at(method: PaymentMethod) -> datetime | None:
    """Return the first instant after the month in which a card ends."""
    month, year = method.exp_month, method.exp_year
    if (
        month is None
        or year is None
        or not (1 <= month <= _MONTHS and 1 <= year < _YEAR_MAX)
    ):
        return None
    return datetime(year + month // _MONTHS, month % _MONTHS + 1, 1, tzinfo=UTC)


def _method(method: PaymentMethod, now: datetime) -> Method:
    end = expires_at(method)
    digits = "".join(char for char in method.last4 or "" if char.isalnum())
    return Method(
        name=named(method.type, method.brand),
        digits=digits[-_LAST_DIGITS:],
        bank=cut(method.bank_name) if method.bank_name else None,
        country=method.country,
        default=method.default,
        mandate=_MANDATES.get(method.mandate_status or "", method.mandate_status),
        expires=f"{method.exp_month:02d}/{method.exp_year}" if end else None,
        expiry=_expiry(end, now),
        ends_at=end,
    )


def _expiry(end: datetime | None, now: datetime) -> Expiry:
    if end is None or end - now > WARNED_FROM:
        return Expiry.FINE
    return Expiry.OVER if end <= now else Expiry.SOON


def named(kind: str, brand: str | None) -> str:
    """Return what a way to pay is called: a card by its brand."""
    if kind == "card":
        return _BRANDS.get(brand or "", words(brand or "card"))
    return _TYPES.get(kind, words(kind))


_BRANDS: Final = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "discover": "Discover",
    "diners": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
    "unknown": "Card",
}
_TYPES: Final = {
    "us_bank_account": "ACH Direct Debit",
    "sepa_debit": "SEPA Direct Debit",
    "bacs_debit": "Bacs Direct Debit",
    "customer_balance": "Bank transfer",
    "link": "Link",
}
_MANDATES: Final = {
    "active": "Mandate active",
    "inactive": "Mandate no longer holds",
    "pending": "Mandate pending",
}
