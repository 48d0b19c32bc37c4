"""One figure of an invoice, Stripe's beside ours, and what a difference comes from."""

from __future__ import annotations

import enum

import attrs


class Reason(enum.StrEnum):
    """What a difference comes from."""

    ROUNDING = "rounding"
    PRORATION = "proration"
    COUPON = "coupon"
    TAX = "tax"
    QUANTITY = "quantity"
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class Compared:
    """One figure of an invoice, Stripe's and ours.

    Attributes:
        what: ``line``, ``discount``, ``tax``, ``tax_included`` (within the lines),
            ``total`` or ``amount_due``.
        ours: None where the log does not hold what it is made of; *missing* says what.
    """

    what: str
    description: str | None
    theirs: int
    ours: int | None
    reason: Reason | None = None
    missing: str | None = None

    @property
    def differs(self) -> bool:
        """Whether both are known and not the same."""
        return self.ours is not None and self.ours != self.theirs
