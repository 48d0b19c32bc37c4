"""The journal as text that Beancount and hledger both read.

    2026-05-31 * "cus_JT01" "invoice in_1Q2x" ^in_1Q2x
      Assets:Receivable  118.80 USD
      Liabilities:Tax-Payable  -19.80 USD
      Liabilities:Deferred-Revenue  -99.00 USD

One file in the syntax that both share: hledger takes ``open`` for a transaction without
postings and the link for a part of the description. No option, plugin, metadata or balance
stands in it, since hledger refuses them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from ledger.money import exponent
from projections.accounting.journal import Book, Entry

OPENED: Final = "1900-01-01"
UNKNOWN: Final = "XXX"
ABSENT: Final = """\
; Absent, since no event that is read tells of them: Stripe's fees, payouts to the bank,
; and changes of a customer's balance by hand. So Assets:Stripe:Clearing holds what
; customers paid, less refunds and what disputes hold, and not what Stripe has paid out.
; Credit notes give tax back in proportion to their invoice. Revenue is earned by day.
"""
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_./-]+")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


def heading(ledger: str, mode: str, position: int, zone: str) -> str:
    """Return what the file begins with: which ledger it is of, and its accounts."""
    opened = "".join(f"{OPENED} open {book}\n" for book in sorted(Book))
    return (
        f"; {word(mode)} ledger {word(ledger)} up to position {position}, days of "
        f"{word(zone)}\n{ABSENT}\n{opened}"
    )


def texts(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield each entry as a transaction, with an empty line before it."""
    for each in entries:
        link = word(each.invoice or each.id)
        about = f"{each.kind} {word(each.id)}".replace("_", " ", each.kind.count("_"))
        postings = "".join(
            f"  {book}  {decimal(amount, each.currency)} {commodity(each.currency)}\n"
            for book, amount in each.amounts.items()
        )
        yield f'\n{each.day} * "{word(each.account)}" "{about}" ^{link}\n{postings}'


def commodity(currency: str) -> str:
    """Return how both programs call *currency*; XXX where nothing says which it is."""
    name = currency.upper()
    return name if _CURRENCY.fullmatch(name) else UNKNOWN


def decimal(minor: int, currency: str) -> str:
    """Write *minor* with as many decimals as *currency* has."""
    digits = exponent(currency)
    whole, part = divmod(abs(minor), 10**digits)
    fraction = f".{part:0{digits}d}" if digits else ""
    return f"{'-' if minor < 0 else ''}{whole}{fraction}"


def word(text: str) -> str:
    """Return *text* as a word that means nothing to either program."""
    return _UNSAFE.sub("-", text) or "-"
