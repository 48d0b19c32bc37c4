"""What was billed to an account: the sums of every invoice, as they stand."""

from __future__ import annotations

import attrs

from replay.simulator.invoices import Invoice


@attrs.frozen
class Entry:
    """An invoice's figures, in minor units; instants in whole seconds since 1970.

    Attributes:
        billing_reason: Stripe's word for why there is one.
        amount_due: As it stands, less credit notes from before it was paid.
        failed_first: When an attempt on it first failed.
        recovered_at: When it was paid after that.
    """

    subscription_id: str | None
    billing_reason: str
    status: str
    total: int
    amount_due: int
    amount_paid: int
    amount_remaining: int
    credited: int
    refunded: int
    attempts: int
    failed_first: int | None
    recovered_at: int | None


@attrs.frozen
class Books:
    """An account's invoices; of what is past, the figures only.

    Attributes:
        entries: By invoice, in the order they were made.
        periods: The invoices of each subscription's latest period, whole.
    """

    entries: dict[str, Entry] = attrs.field(factory=dict)
    periods: dict[str, list[Invoice]] = attrs.field(factory=dict)

    def open(self, billed: Invoice, *, period: bool) -> None:
        """Begin with an invoice: the first one of a period, or one within it."""
        self.record(billed)
        if billed.subscription_id is None:
            return
        if period:
            self.periods[billed.subscription_id] = [billed]
        else:
            self.periods.setdefault(billed.subscription_id, []).append(billed)

    def record(self, billed: Invoice) -> None:
        """Take over the figures of an invoice."""
        self.entries[billed.invoice_id] = Entry(
            billed.subscription_id,
            billed.billing_reason,
            billed.status.value,
            billed.total,
            billed.amount_due,
            billed.amount_paid,
            billed.amount_remaining,
            billed.credited_before + billed.credited_after,
            billed.refunded,
            billed.attempts,
            billed.failed_first,
            billed.recovered_at,
        )
