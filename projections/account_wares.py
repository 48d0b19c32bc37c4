"""What an account's objects name of the catalogue: sold, taken off, and taxed."""

from __future__ import annotations

from collections.abc import Iterator

from projections.account import Account
from projections.lines import Line
from projections.models.charged import InvoiceItem


def charged(account: Account) -> Iterator[Line | InvoiceItem]:
    """Yield all that was charged, or waits to be."""
    for invoice in account.currents(account.invoices).values():
        yield from invoice.value.lines or ()
    for waiting in account.currents(account.invoice_items).values():
        yield waiting.value


def reductions(account: Account) -> Iterator[str]:
    """Yield the coupons and tax rates that are named, as the catalogue names them."""
    for name in _coupons(account):
        if name is not None:
            yield f"coupon:{name}"
    for invoice in account.currents(account.invoices).values():
        for tax in invoice.value.taxes:
            if tax.rate is not None:
                yield f"tax_rate:{tax.rate}"


def _coupons(account: Account) -> Iterator[str | None]:
    for subscription in account.currents(account.histories).values():
        yield from (each.coupon for each in subscription.value.discounts)
        for mark in subscription.marks:
            yield from (each.discount.coupon for each in mark.reduced)
        for item in subscription.value.items:
            yield from (each.coupon for each in item.discounts)
    for customer in account.currents(account.customers).values():
        yield from (each.coupon for each in customer.value.discounts)
    for standing in account.currents(account.discounts).values():
        yield standing.value.coupon
    for invoice in account.currents(account.invoices).values():
        yield from (each.coupon for each in invoice.value.discounts)
