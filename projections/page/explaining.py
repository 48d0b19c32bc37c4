"""Why a figure is what it is: its parts, re-added, and the events that say so.

Base plan Shop              99.00   #41,007
2 extra seats at 8.00       16.00   #41,007
Coupon LAUNCH20            -23.00   #41,007
99.00 + 16.00 - 23.00 =     92.00
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import attrs

from projections.page.document import Invoice
from projections.page.texts import words

EVENTS_MAX: Final = 20


@attrs.frozen(kw_only=True)
class Part:
    """One part of a figure.

    Attributes:
        amount: In minor units; or else it is a plain *number*, a *text* or a *moment*.
        at: When it was, or since when it is so.
        depth: Below how many others it counts.
        evidence: Positions of the events that say so.
    """

    label: str
    detail: str | None = None
    amount: int | None = None
    number: int | None = None
    text: str | None = None
    moment: datetime | None = None
    at: datetime | None = None
    depth: int = 0
    evidence: tuple[int, ...] = ()


@attrs.frozen(kw_only=True)
class Explanation:
    """A figure, taken apart.

    Attributes:
        sums_up: Whether the parts' amounts add up to *amount*; None where they need not.
    """

    title: str
    text: str
    currency: str | None = None
    amount: int | None = None
    parts: tuple[Part, ...] = ()
    sums_up: bool | None = None

    @property
    def evidence(self) -> tuple[int, ...]:
        """The positions that all parts rest on, in order, at most `EVENTS_MAX`."""
        found = {position for part in self.parts for position in part.evidence}
        return tuple(sorted(found)[:EVENTS_MAX])


def of_invoice(invoice: Invoice) -> Explanation:
    """Return what *invoice* says of itself."""
    amounts = (
        ("Total", invoice.total),
        ("Due", invoice.amount_due),
        ("Paid", invoice.amount_paid),
        ("Still open", invoice.amount_remaining),
        ("Credited", invoice.credited),
        ("Refunded", invoice.refunded),
    )
    return Explanation(
        title=f"Invoice {invoice.number or invoice.id}",
        text="Amounts as Stripe finalized them; they are copied, never computed again.",
        currency=invoice.currency,
        amount=invoice.total,
        parts=(
            Part(
                label="Status", detail=words(invoice.status or "unknown"), at=invoice.date
            ),
            *(
                Part(label=label, amount=amount)
                for label, amount in amounts
                if amount is not None
            ),
        ),
    )


SOURCES: Final = {
    "invoice": "On the invoice",
    "draft": "On the invoice being prepared",
    "pending": "Waits for the next invoice",
    "estimate": "Estimated until invoiced",
}
