"""Invoice items: what waits to be billed, and the line each one becomes."""

from __future__ import annotations

from decimal import Decimal

import attrs

from replay.simulator.identities import Identities
from replay.simulator.lines import Line
from replay.simulator.prices import Price


@attrs.define(kw_only=True, eq=False)
class InvoiceItem:
    """Something to be billed with the next invoice.

    Attributes:
        amount: Minor units; negative for unused time.
        start: Of the time it is for; equal to *end* for a thing sold once.
        subscription_id: Whose invoices it waits for; None where any invoice will do.
        item_id: The subscription item a proration is for.
        credited: The invoice and the lines that unused time gives back.
        invoice_id: The invoice it is on; None while it waits.
    """

    invoice_item_id: str
    customer_id: str
    created: int
    price: Price
    quantity: int
    amount: int
    description: str
    start: int
    end: int
    subscription_id: str | None = None
    item_id: str | None = None
    proration: bool = False
    credited: tuple[str, tuple[str, ...]] | None = None
    invoice_id: str | None = None

    @property
    def unit_amount(self) -> int | Decimal | None:
        """What one unit costs; None where nobody can say, as of a part of a period."""
        return None if self.proration else self.price.unit_amount

    def line(self, ids: Identities, at: int) -> Line:
        """Return the line it becomes; prorations have their discounts in them already."""
        return Line(
            line_id=ids.dated("il", at),
            item_id=self.item_id,
            subscription_id=self.subscription_id,
            price=self.price,
            quantity=self.quantity,
            unit_amount=self.unit_amount,
            amount=self.amount,
            start=self.start,
            end=self.end,
            invoice_item=self.invoice_item_id,
            proration=self.proration,
            credited=self.credited,
            description=self.description,
            discountable=not self.proration,
        )
