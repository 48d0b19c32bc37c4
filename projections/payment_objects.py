"""Stripe's objects that pay: how somebody may, and what was paid, given back, disputed.

    PaymentMethod, Mandate    Payment    Tie

They are kept in read models like those of `projections.objects`, under the same rule.
"""

from __future__ import annotations

from datetime import datetime

from projections.objects import Value


class PaymentMethod(Value, frozen=True, array_like=True, kw_only=True):
    """A way to pay, by what Stripe shows of it; never a number.

    Attributes:
        type: Stripe's, such as ``card``, ``us_bank_account``, ``sepa_debit``; an older
            source, card or bank account has the type that a payment method would.
        customer: None once it is detached.
        status: An older source's own, such as ``chargeable`` or ``verified``.
        mandate: The mandate that it names itself.
    """

    type: str
    customer: str | None = None
    created: datetime | None = None
    brand: str | None = None
    bank_name: str | None = None
    country: str | None = None
    last4: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None
    funding: str | None = None
    status: str | None = None
    mandate: str | None = None

    @property
    def standing(self) -> str | None:
        """Whose it is."""
        return self.customer


class Mandate(Value, frozen=True, array_like=True, kw_only=True):
    """A customer's leave to debit a payment method; it names no customer itself."""

    status: str
    payment_method: str | None = None
    type: str | None = None

    @property
    def standing(self) -> str | None:
        """Its status."""
        return self.status


class Payment(Value, frozen=True, array_like=True, kw_only=True):
    """A charge, or the intent that joins several; *kind* tells which.

    Attributes:
        invoice: Until basil; since then *order_reference* may be its id, or begin it.
        charge: The latest charge of an intent, else of its last error.
        refunded: Of a charge, what was given back.
        code: Why it failed, Stripe's word; *decline_code* is the bank's.
        message: The bank's own words, without card numbers.
    """

    kind: str
    status: str | None = None
    created: datetime | None = None
    amount: int | None = None
    currency: str | None = None
    invoice: str | None = None
    payment_intent: str | None = None
    charge: str | None = None
    order_reference: str | None = None
    refunded: int | None = None
    receipt_url: str | None = None
    payment_method: str | None = None
    method_type: str | None = None
    code: str | None = None
    decline_code: str | None = None
    message: str | None = None

    @property
    def standing(self) -> str | None:
        """Its status."""
        return self.status


class Tie(Value, frozen=True, array_like=True, kw_only=True):
    """What hangs on a payment and names no customer.

    Attributes:
        kind: ``refund``, ``dispute``, or ``invoice_payment``, which ties one to the other.
    """

    kind: str
    status: str | None = None
    created: datetime | None = None
    amount: int | None = None
    currency: str | None = None
    invoice: str | None = None
    payment_intent: str | None = None
    charge: str | None = None
    reason: str | None = None

    @property
    def standing(self) -> str | None:
        """Its status."""
        return self.status
