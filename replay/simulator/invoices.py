"""An invoice as it stands, and its arithmetic.

Amounts are minor units. Without discounts, tax and balances every sum is plain:
lines add up to the total, the total is due, and what is paid is no longer remaining.
"""

from __future__ import annotations

from enum import StrEnum

import attrs

from replay.simulator.identities import Identities
from replay.simulator.payments import Payment
from replay.simulator.plans import Price
from replay.simulator.renewals import HOUR_S
from replay.simulator.subscriptions import Subscription


class InvoiceStatus(StrEnum):
    """Stripe's words for an invoice, as far as the simulator uses them."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"


@attrs.frozen(kw_only=True)
class Line:
    """What one subscription item costs for one service period [start, end)."""

    line_id: str
    item_id: str
    price: Price
    quantity: int
    start: int
    end: int

    @property
    def amount(self) -> int:
        """Minor units."""
        return self.price.unit_amount * self.quantity


@attrs.define(kw_only=True)
class Invoice:
    """An invoice for a subscription's coming period.

    Attributes:
        period_start: Of the period behind it; equal to *period_end* on a first invoice.
        attempts: Attempts to collect that count.
        next_attempt: When Stripe tries again; null when it does not.
        payment: The intent that collects it, once finalized.
    """

    invoice_id: str
    customer_id: str
    subscription_id: str
    created: int
    billing_reason: str
    period_start: int
    period_end: int
    lines: tuple[Line, ...]
    status: InvoiceStatus = InvoiceStatus.DRAFT
    number: str | None = None
    auto_advance: bool = True
    attempted: bool = False
    attempts: int = 0
    next_attempt: int | None = None
    finalized_at: int | None = None
    paid_at: int | None = None
    payment: Payment | None = None

    @property
    def total(self) -> int:
        """Minor units: the sum of the lines."""
        return sum(line.amount for line in self.lines)

    @property
    def amount_paid(self) -> int:
        """Minor units."""
        return self.total if self.status is InvoiceStatus.PAID else 0

    @property
    def amount_remaining(self) -> int:
        """Minor units."""
        return self.total - self.amount_paid

    def finalize(self, at: int, number: str, payment: Payment) -> None:
        """Give it its number; from here on only payment changes it."""
        self.status = InvoiceStatus.OPEN
        self.finalized_at = at
        self.number = number
        self.payment = payment
        self.next_attempt = None

    def settle(self, at: int) -> None:
        """Take it as paid in full."""
        self.status = InvoiceStatus.PAID
        self.paid_at = at
        self.attempted = True
        self.auto_advance = False
        self.next_attempt = None


def new_invoice(
    subscription: Subscription, ids: Identities, at: int, *, collect: bool
) -> Invoice:
    """Return the draft for the subscription's current period.

    Args:
        subscription: Already in the period to be billed.
        ids: Where ids come from.
        at: Now; in a renewal the start of the period.
        collect: Whether Stripe will finalize and charge it by itself.
    """
    first = subscription.renewals == 0
    return Invoice(
        invoice_id=ids.dated("in", at),
        customer_id=subscription.customer_id,
        subscription_id=subscription.subscription_id,
        created=at,
        billing_reason="subscription_create" if first else "subscription_cycle",
        period_start=at if first else subscription.previous_start,
        period_end=at,
        lines=tuple(
            Line(
                line_id=ids.dated("il", at),
                item_id=item.item_id,
                price=item.price,
                quantity=item.quantity,
                start=subscription.period_start,
                end=subscription.period_end,
            )
            for item in subscription.items
        ),
        auto_advance=collect,
        next_attempt=at + HOUR_S if collect else None,
    )
