"""The shadow invoices of a whole account, whatever subscription they are for."""

from __future__ import annotations

from projections.account import Account
from projections.answer import Billing
from projections.shadow.shadow_invoice import Shadow
from projections.totals.account_totals import books_of_all, shadows_of


def shadows(account: Account, told: Billing) -> list[Shadow]:
    """Return the finalized invoices of *account* as we would have billed them.

    Args:
        told: What the account is.
    """
    books = books_of_all(
        account,
        told.subscriptions,
        figures=told.seats,
        customer=told.customer,
        now=told.now,
    )
    return shadows_of(account, books, told.now)
