"""Parts of a period, by seconds: what is charged for the rest of it, or given back.

    30 days for 3000, changed after 20 days     the rest is worth 1000
    the unused third of the old price           -1000

Periods are [start, end).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from ledger.money import Exact, rounded

_SECOND: Final = timedelta(seconds=1)


def fraction_left(start: datetime, end: datetime, moment: datetime) -> Fraction:
    """Return how much of [start, end) is left at *moment*: 1 at its start, 0 at its end.

    Whole seconds count, as Stripe's times are.
    """
    whole = (end - start) // _SECOND
    if whole <= 0:
        return Fraction()
    left = min(max((end - moment) // _SECOND, 0), whole)
    return Fraction(left, whole)


def prorated(amount: Exact, left: Fraction, currency: str) -> int:
    """Return the part *left* of *amount*, rounded half up, away from zero."""
    return rounded(Fraction(amount) * left, currency)
