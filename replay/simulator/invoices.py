"""An invoice as it stands, and its arithmetic; amounts are minor units."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import attrs

from replay.simulator.coupons import Discount
from replay.simulator.customers import Payer
from replay.simulator.lines import Line, LineTax
from replay.simulator.payments import Payment
from replay.simulator.taxes import TaxRate


class InvoiceStatus(StrEnum):
    """Stripe's words for an invoice."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    UNCOLLECTIBLE = "uncollectible"
    VOID = "void"


@attrs.define(kw_only=True, eq=False)
class Invoice:
    """An invoice: for a subscription's coming period, or for things sold once.

    Attributes:
        subscription_id: None for things sold once.
        period_start: Of the period behind it; equal to *period_end* on a first invoice.
        discounts: Those on all of it, in order; those of an item stand on its lines.
        rates: The tax rates its lines are taxed by, unless they have their own.
        attempts: Attempts to collect that count.
        next_attempt: When Stripe tries again; null when it does not.
        payment: The intent that collects it, once finalized; None if nothing is due.
        written_off_for: Why it was marked uncollectible.
        due_date: By when the customer pays by himself; None where Stripe charges.
        payer: Who it is made out to, once it is final.
        balance_start: What the customer owed before it; negative for a credit.
        balance_end: What is left of that; None for a draft.
        credited_before: Credit notes from before it was paid.
        credited_after: Credit notes from after.
        refunded: What went back to the customer.
        failed_first: When an attempt on it first failed.
        recovered_at: When it was paid after that.
    """

    invoice_id: str
    customer_id: str
    subscription_id: str | None
    currency: str
    created: int
    billing_reason: str
    period_start: int
    period_end: int
    lines: tuple[Line, ...]
    discounts: tuple[Discount, ...] = ()
    rates: tuple[TaxRate, ...] = ()
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
    due_date: int | None = None
    paid_elsewhere: bool = False
    payer: Payer | None = None
    balance_start: int = 0
    balance_end: int | None = None
    credited_before: int = 0
    credited_after: int = 0
    refunded: int = 0
    credit_notes: int = 0
    failed_first: int | None = None
    recovered_at: int | None = None

    @property
    def open(self) -> bool:
        """Whether it may still be paid."""
        return self.status is InvoiceStatus.OPEN

    @property
    def by_mail(self) -> bool:
        """Whether it was sent to the customer, who pays by himself."""
        return self.due_date is not None

    @property
    def total(self) -> int:
        """The lines, less the discounts, and exclusive tax."""
        return sum(line.total for line in self.lines)

    @property
    def amount_due(self) -> int:
        """What is to be paid, once the balance and the credit notes count."""
        return max(0, self.total + self.balance_start) - self.credited_before

    @property
    def amount_paid(self) -> int:
        """All that was due, once it is paid."""
        return self.amount_due if self.status is InvoiceStatus.PAID else 0

    @property
    def amount_remaining(self) -> int:
        """What is still to be paid."""
        return self.amount_due - self.amount_paid

    def finalize(self, at: int, number: str) -> None:
        """Give it its number; from here on only payment and credit change it."""
        self.status = InvoiceStatus.OPEN
        self.finalized_at = at
        self.number = number
        self.balance_end = min(0, self.total + self.balance_start)
        self.next_attempt = None

    def settle(self, at: int) -> None:
        """Take it as paid in full."""
        self.status = InvoiceStatus.PAID
        self.paid_at = at
        self.attempted = True
        if self.failed_first is not None:
            self.recovered_at = at
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

    def fail(self, at: int) -> None:
        """Remember when an attempt first failed."""
        if self.failed_first is None:
            self.failed_first = at

    def _rest(self) -> None:
        self.auto_advance = False
        self.next_attempt = None


def discount_totals(lines: Iterable[Line]) -> list[tuple[str, int]]:
    """Return what each discount takes off all lines, in the order it first appears."""
    totals: dict[str, int] = {}
    for line in lines:
        for discount_id, amount in line.taken:
            totals[discount_id] = totals.get(discount_id, 0) + amount
    return list(totals.items())


def tax_totals(lines: Iterable[Line]) -> list[LineTax]:
    """Return what each tax comes to over all lines, in the order it first appears."""
    totals: dict[str, LineTax] = {}
    for line in lines:
        for tax in line.taxes:
            known = totals.get(tax.rate_id)
            totals[tax.rate_id] = (
                tax
                if known is None
                else attrs.evolve(
                    known,
                    amount=known.amount + tax.amount,
                    taxable=known.taxable + tax.taxable,
                )
            )
    return list(totals.values())
