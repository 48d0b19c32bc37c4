"""Lines of a period's total, each with where it comes from and what it is made of.

base      Shop x 1                    invoice      9900    #41007
seat      2 x 8.00                    invoice      1600    #41007
discount  LAUNCH20, -20 % of 11500    invoice     -2300    #41007

invoice    on a finalized invoice that was not voided: copied, never recomputed
draft      on a draft invoice, which takes the place of the two below
pending    an invoice item that is on no invoice yet, such as a proration
estimate   none of these: computed from price, quantity, coupon
"""

from __future__ import annotations

import enum
from datetime import datetime
from fractions import Fraction

import attrs

from ledger.pricing import Part


class Kind(enum.StrEnum):
    """What a line is of the total."""

    BASE = "base"
    SEAT = "seat"
    OTHER = "other"
    DISCOUNT = "discount"
    TAX = "tax"


class Source(enum.StrEnum):
    """What a line was taken from; see the module."""

    INVOICE = "invoice"
    DRAFT = "draft"
    PENDING = "pending"
    ESTIMATE = "estimate"


@attrs.frozen(kw_only=True)
class CouponUsed:
    """What a discount line was made by.

    Attributes:
        id: The discount's id; *coupon* is the coupon's.
        percent: As digits, such as ``33.3``; None for a fixed amount.
        amount_off: In the currency of the total.
        until: When it stops; None where no date stops it.
        base: What it was taken of: what the discounts before it left of its lines.
    """

    id: str
    coupon: str | None = None
    name: str | None = None
    percent: str | None = None
    amount_off: int | None = None
    duration: str | None = None
    until: datetime | None = None
    base: int | None = None


@attrs.frozen(kw_only=True)
class TaxUsed:
    """What a tax line was made by.

    Attributes:
        percentage: As digits; None where the catalogue does not know the rate.
        base: What it is of.
        reason: Stripe's, such as ``reverse_charge``.
    """

    rate: str | None = None
    name: str | None = None
    percentage: str | None = None
    base: int | None = None
    reason: str | None = None


@attrs.frozen(kw_only=True)
class SeatsRaised:
    """From *at* on so many seats were billed; *position* told it.

    Attributes:
        cost: Of the seats added then, for a whole period; exact minor units.
        left: How much of the period was left to charge.
    """

    at: datetime
    seats: int
    position: int | None = None
    cost: Fraction = Fraction()
    left: Fraction = Fraction(1)


@attrs.frozen(kw_only=True)
class PeriodLine:
    """A line; [start, end) is what it pays for. Amounts are minor units.

    Attributes:
        amount: Negative for discounts and reversals.
        unit_amount: Exact digits of a minor unit; None where parts or Stripe decide.
        included: Seats that the base covers, on a line of seats.
        parts: Quantities with their unit and flat amounts, where they were computed.
        raised: The seat changes that a line of added seats charges for.
        evidence: Positions of the events that it was made from.
    """

    kind: Kind
    source: Source
    amount: int
    description: str | None = None
    quantity: int | None = None
    unit_amount: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    proration: bool = False
    discountable: bool = True
    invoice: str | None = None
    item: str | None = None
    price: str | None = None
    product: str | None = None
    included: int | None = None
    parts: tuple[Part, ...] = ()
    raised: tuple[SeatsRaised, ...] = ()
    coupon: CouponUsed | None = None
    tax: TaxUsed | None = None
    evidence: tuple[int, ...] = ()
