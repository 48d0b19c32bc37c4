"""The lines of an invoice: what they cost, what is taken off, and the tax on the rest.

Amounts are minor units.
"""

from __future__ import annotations

from decimal import Decimal

import attrs

from replay.simulator.prices import Price


@attrs.frozen(kw_only=True)
class LineTax:
    """One tax of one line.

    Attributes:
        amount: Within the line if inclusive, else beside it.
        taxable: What it is a share of.
        reason: Stripe's word for why it is what it is.
    """

    rate_id: str
    inclusive: bool
    amount: int
    taxable: int
    reason: str


@attrs.frozen(kw_only=True)
class Line:
    """What something costs for one period [start, end).

    Attributes:
        item_id: The subscription item it is for; None for a thing sold once.
        amount: Before discounts and exclusive tax; nothing in a trial.
        invoice_item: What it was before it was a line (``ii_…``), if it was something.
        credited: The invoice and the lines that a credit for unused time gives back.
        description: In place of what the price says.
        taken: What each discount takes off, in order.
    """

    line_id: str
    item_id: str | None
    price: Price
    quantity: int
    unit_amount: int | Decimal | None
    amount: int
    start: int
    end: int
    subscription_id: str | None = None
    trial: bool = False
    invoice_item: str | None = None
    proration: bool = False
    credited: tuple[str, tuple[str, ...]] | None = None
    description: str | None = None
    discountable: bool = True
    discounts: tuple[str, ...] = ()
    taken: tuple[tuple[str, int], ...] = ()
    taxes: tuple[LineTax, ...] = ()

    @property
    def net(self) -> int:
        """What is left once the discounts are taken off; inclusive tax is within."""
        return self.amount - sum(off for _, off in self.taken)

    @property
    def tax_beside(self) -> int:
        """The exclusive tax."""
        return sum(tax.amount for tax in self.taxes if not tax.inclusive)

    @property
    def tax_within(self) -> int:
        """The inclusive tax."""
        return sum(tax.amount for tax in self.taxes if tax.inclusive)

    @property
    def total(self) -> int:
        """What it adds to the invoice's total."""
        return self.net + self.tax_beside
