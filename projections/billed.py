"""Invoices as a list: their heads, newest first; drafts too, but none that was deleted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from projections.history import Current
from projections.objects import Invoice


@attrs.frozen(kw_only=True)
class Billed:
    """An invoice in the list.

    Attributes:
        date: When it was made.
        credited: What credit notes took off, before and after it was paid; None where
            Stripe does not say.
    """

    id: str
    date: datetime
    invoice: Invoice
    credited: int | None


def billed(invoices: Mapping[str, Current[Invoice]]) -> tuple[Billed, ...]:
    """Return the invoices, newest first, then by id."""
    found = [
        Billed(
            id=name,
            date=current.value.created or current.first_at,
            invoice=current.value,
            credited=_credited(current.value),
        )
        for name, current in invoices.items()
        if not current.deleted
    ]
    return tuple(sorted(found, key=_newest, reverse=True))


def _credited(invoice: Invoice) -> int | None:
    before, after = invoice.pre_payment_credit, invoice.post_payment_credit
    return None if before is None and after is None else (before or 0) + (after or 0)


def _newest(one: Billed) -> tuple[datetime, str]:
    return one.date, one.id
