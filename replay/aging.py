"""How old what is owed is, in whole days past the day it was due.

current   due today or later      1-30   31-60   61-90   over_90
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from replay.everyones_invoices import Invoiced

DAY: Final = timedelta(days=1)
BUCKETS: Final = ("current", "days_1_30", "days_31_60", "days_61_90", "over_90")
_LAST_DAYS: Final = (0, 30, 60, 90)


@attrs.frozen(kw_only=True)
class Owed:
    """An open invoice with its age."""

    invoiced: Invoiced
    due: datetime
    days: int

    @property
    def bucket(self) -> str:
        """Its age, one of `BUCKETS`."""
        place = sum(self.days > last for last in _LAST_DAYS)
        return BUCKETS[place]


def owed(invoices: Iterable[Invoiced], now: datetime) -> Iterable[Owed]:
    """Yield those of *invoices* that are open and not paid in full."""
    for each in invoices:
        shown = each.billed.invoice
        if shown.status != "open" or each.remaining <= 0:
            continue
        # What is charged automatically is due at once.
        due = shown.due_date or each.at
        days = max(0, (now - due) // DAY)
        yield Owed(invoiced=each, due=due, days=days)


def _sums() -> defaultdict[Any, Counter[str]]:
    return defaultdict(Counter)


@attrs.define
class Aged:
    """Sums by currency, account and bucket, in minor units."""

    by_account: defaultdict[tuple[str, str], Counter[str]] = attrs.Factory(_sums)
    by_currency: defaultdict[str, Counter[str]] = attrs.Factory(_sums)

    def add(self, each: Owed) -> None:
        """Add what is owed on one invoice."""
        told = each.invoiced
        for sums in (
            self.by_account[told.account, told.currency],
            self.by_currency[told.currency],
        ):
            sums[each.bucket] += told.remaining
            sums["total"] += told.remaining
            sums["invoices"] += 1
