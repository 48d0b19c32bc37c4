"""Which of an account's periods is asked for: the current one, the next, or by its day."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from ledger.problems import Problem, bad_request
from projections.answer import Billing
from projections.totals.account_totals import total_starting_on
from projections.totals.period_total import PeriodTotal

CURRENT: Final = "current"
NEXT: Final = "next"
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_HINT: Final = "a period is current, next, or the day it starts, such as 2026-11-01"


def period_named(written: str) -> str:
    """Return *written* if it can name a period.

    Raises:
        Problem: It cannot (400).
    """
    if written in {CURRENT, NEXT}:
        return written
    if not _DAY.fullmatch(written):
        raise bad_request(_HINT)
    try:
        date.fromisoformat(written)
    except ValueError:
        raise bad_request(f"{_HINT}; this day is not in the calendar") from None
    return written


def total_of(told: Billing, period: str) -> PeriodTotal | None:
    """Return what *period*, as `period_named` returns it, comes to; None if it is none."""
    if period == CURRENT:
        return told.period_total
    if period == NEXT:
        return told.next_charge.preview if told.next_charge else None
    day = date.fromisoformat(period)
    return total_starting_on(told.books, told.primary, told.next_charge, day)


def no_such_period() -> Problem:
    """Return that the account has no period of that name (404)."""
    return Problem(status=404, slug="not-found", detail="no period starts then")
