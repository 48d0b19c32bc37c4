"""An invoice as it stands, and its arithmetic.

Amounts are minor units. Without discounts, tax and balances every sum is plain:
lines add up to the total, the total is due, and what is paid is no longer remaining.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

import attrs

from replay.simulator.identities import Identities
from replay.simulator.payments import Payment
from replay.simulator.prices import Price
from replay.simulator.renewals import HOUR_S
from replay.simulator.subscriptions import Status, Subscription


class InvoiceStatus(StrEnum):
    """Stripe's words for an invoice, as far as the simulator uses them."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    UNCOLLECTIBLE = "uncollectible"
    VOID = "void"


@attrs.frozen(kw_only=True)
class Line:
    """What a subscription item, or a tier of it, costs for one period [start, end).

    Attributes:
        amount: Minor units; nothing in a trial.
    """

    line_id: str
    item_id: str
    price: Price
    quantity: int
    unit_amount: int
    amount: int
    start: int
    end: int
    trial: bool = False


@attrs.define(kw_only=True)
class Invoice:
    """An invoice for a subscription's coming period.

    Attributes:
        period_start: Of the period behind it; equal to *period_end* on a first invoice.
        attempts: Attempts to collect that count.
        next_attempt: When Stripe tries again; null when it does not.
        payment: The intent that collects it, once finalized; None if nothing is due.
        written_off_for: Why it was marked uncollectible.
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
    voided_at: int | None = None
    written_off_at: int | None = None
    written_off_for: str | None = None

    @property
    def open(self) -> bool:
        """Whether it may still be paid."""
        return self.status is InvoiceStatus.OPEN

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

    def finalize(self, at: int, number: str, payment: Payment | None) -> None:
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
        self._rest()

    def void(self, at: int) -> None:
        """Make it as if it had never been."""
        self.status = InvoiceStatus.VOID
        self.voided_at = at
        self._rest()

    def write_off(self, at: int, reason: str) -> None:
        """Take it as never to be paid, for one of Stripe's reasons."""
        self.status = InvoiceStatus.UNCOLLECTIBLE
        self.written_off_at = at
        self.written_off_for = reason
        self._rest()

    def _rest(self) -> None:
        self.auto_advance = False
        self.next_attempt = None


def new_invoice(
    subscription: Subscription, ids: Identities, at: int, *, reason: str, collect: bool
) -> Invoice:
    """Return the draft for the subscription's current period.

    Args:
        subscription: Already in the period to be billed; nothing is due for a trial.
        ids: Where ids come from.
        at: Now; in a renewal the start of the period.
        reason: Stripe's billing reason.
        collect: Whether Stripe will finalize and charge it by itself.
    """
    cycle = reason == "subscription_cycle"
    return Invoice(
        invoice_id=ids.dated("in", at),
        customer_id=subscription.customer_id,
        subscription_id=subscription.subscription_id,
        created=at,
        billing_reason=reason,
        period_start=subscription.previous_start if cycle else at,
        period_end=at,
        lines=tuple(_lines(subscription, ids, at)),
        auto_advance=collect,
        next_attempt=at + HOUR_S if collect else None,
    )


def _lines(subscription: Subscription, ids: Identities, at: int) -> Iterator[Line]:
    trial = subscription.status is Status.TRIALING
    for item in subscription.items:
        for part in item.price.charged(item.quantity):
            yield Line(
                line_id=ids.dated("il", at),
                item_id=item.item_id,
                price=item.price,
                quantity=part.quantity,
                unit_amount=part.unit_amount,
                amount=0 if trial else part.amount,
                start=subscription.period_start,
                end=subscription.period_end,
                trial=trial,
            )
