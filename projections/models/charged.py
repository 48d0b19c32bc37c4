"""What money is about besides invoices: items not yet on one, credit notes, discounts.

They are kept in read models, by place of the field, so fields are only added at the end.
Amounts are minor units; what Stripe left out or gave as null is None.
"""

from __future__ import annotations

from datetime import datetime

from projections.objects import Value


class InvoiceItem(Value, frozen=True, array_like=True, kw_only=True):
    """Something to be charged with the next invoice, such as a proration; [start, end).

    Attributes:
        invoice: The one it is on; None while it waits.
        item: The subscription item that it comes from.
    """

    amount: int
    currency: str | None = None
    invoice: str | None = None
    subscription: str | None = None
    item: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    description: str | None = None
    price: str | None = None
    product: str | None = None
    quantity: int | None = None
    unit_amount: str | None = None
    proration: bool = False
    discountable: bool = True


class CreditNote(Value, frozen=True, array_like=True, kw_only=True):
    """What was taken off a finalized invoice; *status* is ``issued`` or ``void``."""

    invoice: str | None = None
    number: str | None = None
    status: str | None = None
    currency: str | None = None
    total: int | None = None
    created: datetime | None = None
    reason: str | None = None

    @property
    def standing(self) -> str | None:
        """Its status."""
        return self.status


class Discounting(Value, frozen=True, array_like=True, kw_only=True):
    """A coupon at work, as an event of its own shows it; [start, end).

    Attributes:
        subscription: What it is on; on the customer where nothing else is named.
    """

    coupon: str | None = None
    promotion_code: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    subscription: str | None = None
    item: str | None = None
    invoice: str | None = None
