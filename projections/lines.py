"""A line of an invoice in the one shape, with what was taken off it and what tax it bears.

    9900   1 x price_base   1 Nov to 1 Dec   si_base
    1600   2 x price_seat   1 Nov to 1 Dec   si_seat    di_1 takes 320

Lines are kept in read models, by place of the field, so fields are only added at the
end. Amounts are minor units, per unit exact decimals of one as text.
"""

from __future__ import annotations

from datetime import datetime

from projections.paths import Whole


class Taken(Whole, frozen=True, array_like=True):
    """What a discount takes off; *discount* is its id, empty where nothing names one."""

    discount: str
    amount: int


class Taxed(Whole, frozen=True, array_like=True):
    """What a tax rate comes to.

    Attributes:
        rate: The tax rate's id; None where Stripe names none.
        inclusive: Whether the tax is part of the amount that it is of.
        base: The amount that it is of.
        reason: Stripe's, such as ``reverse_charge``.
    """

    rate: str | None
    amount: int
    inclusive: bool = False
    base: int | None = None
    reason: str | None = None


class Line(Whole, frozen=True, array_like=True, kw_only=True):
    """A line; [start, end) is what it pays for.

    Attributes:
        amount: Before what is taken off, and before exclusive tax.
        quantity: Of a proration no count of seats.
        item: The subscription item; *invoice_item* is what was added by itself.
    """

    id: str
    amount: int
    start: datetime | None = None
    end: datetime | None = None
    description: str | None = None
    price: str | None = None
    product: str | None = None
    quantity: int | None = None
    unit_amount: str | None = None
    proration: bool = False
    item: str | None = None
    invoice_item: str | None = None
    subscription: str | None = None
    discountable: bool = True
    taken: tuple[Taken, ...] = ()
    taxes: tuple[Taxed, ...] = ()

    @property
    def recurring(self) -> bool:
        """Whether it is a period of a subscription item, and no change within one."""
        return self.invoice_item is None and not self.proration
