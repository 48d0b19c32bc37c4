"""What an account costs on its way from one moment to another, event by event.

    1 Oct   USD  99.00
    #36,120 +16.00      u_88 was given a seat by u_3
    date    -23.00      a date passed
    1 Nov   USD  92.00

Before each event stands what the passing of time alone has changed since the one before;
after the last one, what it changed until the end. The steps add up, always.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import attrs

from ledger.log import Recorded
from projections.answer import Billing
from replay.past.causes import Standing, SumError, standing

INSTANT = timedelta(microseconds=1)


@attrs.frozen(kw_only=True)
class Step:
    """What one cause changed.

    Attributes:
        event: None where a date passed.
        amount: In minor units of *currency*; so is *total*, what it comes to then.
    """

    at: datetime
    event: Recorded | None
    currency: str
    amount: int
    total: int


@attrs.frozen(kw_only=True)
class Frame:
    """An account at a moment, and the event that led there; None where only time did."""

    at: datetime
    event: Recorded | None
    billing: Billing


def steps(frames: Sequence[Frame]) -> list[Step]:
    """Return what changed from each of *frames* to the next one.

    Raises:
        SumError: They do not add up to the difference of the last and the first.
    """
    standings = [standing(each.billing) for each in frames]
    found = [
        step
        for (before, after), frame in zip(pairwise(standings), frames[1:], strict=True)
        for step in _between(before, after, frame)
    ]
    for currency in currencies(standings[0], standings[-1]):
        told = sum(each.amount for each in found if each.currency == currency)
        if told != _total(standings[-1], currency) - _total(standings[0], currency):
            raise SumError(f"steps of {told} {currency}, but the totals say otherwise")
    return found


def currencies(before: Standing, after: Standing) -> list[str]:
    """Return the currencies of both, sorted."""
    return sorted({each for each in (before.currency, after.currency) if each})


def _between(before: Standing, after: Standing, frame: Frame) -> Iterator[Step]:
    for currency in currencies(before, after):
        total = _total(after, currency)
        amount = total - _total(before, currency)
        if amount:
            yield Step(
                at=frame.at,
                event=frame.event,
                currency=currency,
                amount=amount,
                total=total,
            )


def _total(told: Standing, currency: str) -> int:
    return told.total if told.currency == currency else 0
