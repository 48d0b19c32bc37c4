"""Tax by rate, as far as invoices tell of it.

20 % VAT FR   exclusive   of 99.00   19.80
reverse charge            of 99.00    0.00
no tax told               of 49.00    0.00

What a finalized invoice says of its tax is summed as it stands; nothing is computed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import attrs

from projections.objects import Invoice
from projections.wares import TaxRate


@attrs.frozen(kw_only=True, order=True)
class Kind:
    """One kind of tax; *rate* is empty where Stripe names none."""

    currency: str
    rate: str = ""
    inclusive: bool = False
    reason: str = ""
    told: bool = True


@attrs.define
class Taxes:
    """Sums in minor units by kind: ``tax``, ``taxable``, and how many ``invoices``.

    Attributes:
        baseless: How often Stripe does not say of what a tax is.
    """

    sums: defaultdict[Kind, Counter[str]] = attrs.Factory(lambda: defaultdict(Counter))
    baseless: Counter[Kind] = attrs.Factory(Counter)

    def add(self, invoice: Invoice) -> None:
        """Add what one finalized invoice says."""
        seen = set()
        for kind, tax, base in _told(invoice):
            sums = self.sums[kind]
            sums["tax"] += tax
            sums["taxable"] += base or 0
            self.baseless[kind] += base is None
            if kind not in seen:
                sums["invoices"] += 1
                seen.add(kind)


def _told(invoice: Invoice) -> Iterator[tuple[Kind, int, int | None]]:
    """Yield the taxes of *invoice*: of all of it, else of its lines, else none."""
    currency = invoice.currency or ""
    taxes = invoice.taxes or tuple(
        tax for line in invoice.lines or () for tax in line.taxes
    )
    for tax in taxes:
        kind = Kind(
            currency=currency,
            rate=tax.rate or "",
            inclusive=tax.inclusive,
            reason=tax.reason or "",
        )
        yield kind, tax.amount, tax.base
    if not taxes:
        minor = invoice.tax or 0
        yield Kind(currency=currency, told=False), minor, (invoice.total or 0) - minor


def name_of(rate: TaxRate | None) -> str | None:
    """Return what people call a rate, such as ``VAT 20 % FR``."""
    if rate is None:
        return None
    where = rate.jurisdiction or rate.country
    percent = None if rate.percentage is None else f"{rate.percentage} %"
    return " ".join(part for part in (rate.name, percent, where) if part) or None
