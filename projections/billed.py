"""Invoices as a list: their heads, newest first; drafts too, but none that was deleted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import attrs

from projections.dunning.tries import Paying
from projections.history import Current
from projections.models.charged import CreditNote
from projections.objects import Invoice


@attrs.frozen(kw_only=True)
class Billed:
    """An invoice in the list.

    Attributes:
        date: When it was made.
        credited: What credit notes took off, before and after it was paid; None where
            Stripe does not say.
        refunded: What was given back of its charges.
        receipt_url: Of its latest charge.
    """

    id: str
    date: datetime
    invoice: Invoice
    credited: int | None
    refunded: int = 0
    receipt_url: str | None = None


def billed(
    invoices: Mapping[str, Current[Invoice]],
    paying: Mapping[str, Paying],
    notes: Mapping[str, Current[CreditNote]] | None = None,
) -> tuple[Billed, ...]:
    """Return the invoices, newest first, then by id; *paying* is what was paid on each.

    Args:
        notes: Credit notes; those of other invoices do no harm.
    """
    told: defaultdict[str | None, int] = defaultdict(int)
    for note in (notes or {}).values():
        if note.value.status != "void" and not note.deleted:
            told[note.value.invoice] += note.value.total or 0
    found = [
        Billed(
            id=name,
            date=current.value.created or current.first_at,
            invoice=current.value,
            credited=_credited(current.value, told[name]),
            refunded=paying.get(name, _NOTHING).refunded,
            receipt_url=paying.get(name, _NOTHING).receipt_url,
        )
        for name, current in invoices.items()
        if not current.deleted
    ]
    return tuple(sorted(found, key=_newest, reverse=True))


def _credited(invoice: Invoice, told: int) -> int | None:
    """Return what was credited, by the notes themselves or by the invoice's own word.

    Either may come first; neither ever tells more than there is.
    """
    before, after = invoice.pre_payment_credit, invoice.post_payment_credit
    if before is None and after is None:
        return told or None
    return max((before or 0) + (after or 0), told)


_NOTHING: Final = Paying()


def _newest(one: Billed) -> tuple[datetime, str]:
    return one.date, one.id
