"""Double entry: what each thing that happened to money does to the accounts of the books.

    31 May  invoice in_1     Assets:Receivable 118.80   Liabilities:Tax-Payable -19.80
                             Liabilities:Deferred-Revenue -99.00
     1 Jun  payment ch_1     Assets:Stripe:Clearing 118.80   Assets:Receivable -118.80
    30 Jun  earned in_1      Liabilities:Deferred-Revenue 99.00   Income:Revenue -99.00

Debits are positive, credits negative, in minor units; an entry is of one currency and
comes to zero. Days are those of the books' zone. What Stripe keeps for itself and what it
pays out is in no event that is read, so it is in no entry: the clearing account holds what
customers paid, less what went back to them.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date

import attrs

from projections.accounting.movements import UnbalancedError


class Book(enum.StrEnum):
    """An account of the books."""

    RECEIVABLE = "Assets:Receivable"
    CLEARING = "Assets:Stripe:Clearing"
    DISPUTED = "Assets:Stripe:Disputed"
    OUTSIDE = "Assets:Paid-Outside-Stripe"
    DEFERRED = "Liabilities:Deferred-Revenue"
    TAX = "Liabilities:Tax-Payable"
    CREDIT = "Liabilities:Customer-Balance"
    REVENUE = "Income:Revenue"
    DISCOUNTS = "Income:Discounts"
    CREDIT_NOTES = "Income:Credit-Notes"
    REFUNDS = "Income:Refunds"
    UNINVOICED = "Income:Charges-Without-Invoice"
    UNCOLLECTIBLE = "Expenses:Uncollectible"
    LOST = "Expenses:Disputes-Lost"


class Kind(enum.StrEnum):
    """What an entry is about."""

    INVOICE = "invoice"
    BALANCE = "balance"
    PAYMENT = "payment"
    CREDIT_NOTE = "credit_note"
    CREDIT_NOTE_VOIDED = "credit_note_voided"
    VOIDED = "voided"
    UNCOLLECTIBLE = "uncollectible"
    RECOVERED = "recovered"
    EARNED = "earned"
    CHARGE = "charge"
    REFUND = "refund"
    DISPUTE = "dispute"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"


@attrs.frozen(kw_only=True)
class Entry:
    """An entry of the journal.

    Attributes:
        id: Of the object that it is about.
        invoice: The one that it belongs to, if any.
        amounts: By account; none is zero, and together they are.
        evidence: The position of the event that told it.
    """

    day: date
    kind: Kind
    id: str
    account: str
    currency: str
    amounts: Mapping[Book, int]
    evidence: int
    invoice: str | None = None


def entry(entry: Entry) -> Iterable[Entry]:
    """Yield *entry* without what is zero, if anything is left of it.

    Raises:
        UnbalancedError: It does not come to zero.
    """
    amounts = {book: amount for book, amount in entry.amounts.items() if amount}
    if sum(amounts.values()):
        raise UnbalancedError(f"{entry.kind} {entry.id} does not come to zero")
    if amounts:
        yield attrs.evolve(entry, amounts=amounts)


def balances(entries: Iterable[Entry]) -> dict[tuple[Book, str], int]:
    """Return what each account holds after *entries*, by currency."""
    found: defaultdict[tuple[Book, str], int] = defaultdict(int)
    for each in entries:
        for book, amount in each.amounts.items():
            found[book, each.currency] += amount
    return dict(found)
