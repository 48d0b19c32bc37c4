"""The period that a command is asked about: the current one, the next, or that of a day."""

from __future__ import annotations

from typing import Final

from ledger.clock import utc_now
from projections.answer import Billing
from projections.totals.account_totals import total_at, total_starting_on
from projections.totals.period_total import PeriodTotal
from replay.arguments.moments import earlier

_DAY: Final = len("2026-11-14")


def total_of(billing: Billing, period: str) -> PeriodTotal | None:
    """Return the total of *period*; None where there is none.

    Args:
        period: ``current``, ``next``, or a day that it starts on or has.
    """
    if period == "current":
        return billing.period_total
    if period == "next":
        return billing.next_charge.preview if billing.next_charge else None
    if billing.books is None or billing.primary is None:
        return None
    moment = earlier(period, utc_now())
    books, primary, charge = billing.books, billing.primary, billing.next_charge
    if len(period) == _DAY:
        found = total_starting_on(books, primary, charge, moment.date())
        if found is not None:
            return found
    return total_at(books, primary, moment)
