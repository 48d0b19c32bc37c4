"""Another policy over what really happened: who would have been paused, or canceled.

Failures and payments stay as they were; only dates move. What customers would have done
had they been paused sooner or later, no log can tell.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import attrs
import msgspec

from ledger.policy import DEFAULT, Policy
from projections.dunning.timelines import Timeline, Unpaid, timelines
from replay.arguments.options import UsageError
from replay.report.report import Record

DAYS_MAX: Final = 3660
EXAMPLES_MAX: Final = 100
MEASURES: Final = ("failed", "paused", "canceled", "recovered", "unpaid")


class _Given(msgspec.Struct, forbid_unknown_fields=True):
    retry_days: list[int] = msgspec.field(default_factory=lambda: list(DEFAULT.retry_days))
    pause_day: int = DEFAULT.pause_day
    cancel_day: int = DEFAULT.cancel_day


@attrs.define
class Tally:
    """What a policy comes to: timelines and minor units by (measure, currency)."""

    timelines: Counter[tuple[str, str]] = attrs.Factory(Counter)
    amounts: Counter[tuple[str, str]] = attrs.Factory(Counter)

    def add(self, told: Timeline) -> None:
        """Count *told* once for each thing that became of it."""
        currency = told.shown.currency or ""
        for name in became(told):
            self.timelines[name, currency] += 1
            self.amounts[name, currency] += told.shown.amount_due or 0


@attrs.define
class Compared:
    """Two policies over the same history.

    Attributes:
        accounts: How many there were; *others* of them would have fared otherwise.
        examples: The first of those.
    """

    before: Tally = attrs.Factory(Tally)
    after: Tally = attrs.Factory(Tally)
    accounts: int = 0
    others: int = 0
    examples: list[str] = attrs.Factory(list)

    def take(self, account: str, unpaid: Unpaid, policy: Policy, now: datetime) -> None:
        """Compare what became of *account* with what *policy* would have made of it."""
        real = timelines(unpaid, now)
        other = timelines(attrs.evolve(unpaid, policy=lambda _moment: policy), now)
        for tally, told in ((self.before, real), (self.after, other)):
            for each in told:
                tally.add(each)
        self.accounts += 1
        if [_fate(each) for each in real] != [_fate(each) for each in other]:
            self.others += 1
            if len(self.examples) < EXAMPLES_MAX:
                self.examples.append(account)

    def records(self) -> list[Record]:
        """Return a record for each measure and currency."""
        keys = {*self.before.timelines, *self.after.timelines}
        currencies = sorted({currency for _, currency in keys})
        return [
            self._record(name, currency) for currency in currencies for name in MEASURES
        ]

    def _record(self, name: str, currency: str) -> dict[str, Any]:
        key = (name, currency)
        was, would = self.before.timelines[key], self.after.timelines[key]
        amount_was, amount_would = self.before.amounts[key], self.after.amounts[key]
        return {
            "measure": name,
            "currency": currency,
            "invoices": was,
            "invoices_then": would,
            "invoices_difference": would - was,
            "amount": amount_was,
            "amount_then": amount_would,
            "amount_difference": amount_would - amount_was,
        }


def became(told: Timeline) -> list[str]:
    """Return what became of *told*."""
    found = ["failed"]
    found += ["paused"] * (told.paused_at is not None)
    found += ["canceled"] * (told.canceled_at is not None)
    found += ["recovered"] * (told.stage == "recovered")
    found += ["unpaid"] * told.open
    return found


def policy_in(file: Path) -> Policy:
    """Read a policy: JSON, or TOML by the file's name; what it leaves out is the default.

    Raises:
        UsageError: It is none.
    """
    try:
        text = file.read_text(encoding="utf-8")
        parsed = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
        given = msgspec.convert(parsed, _Given)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"{file} is no policy ({error}); it is such as "
            '{"retry_days": [0, 3, 5, 7], "pause_day": 7, "cancel_day": 30}'
        ) from error
    days = given.retry_days
    if not days or days[0] != 0 or any(after <= before for before, after in pairwise(days)):
        raise UsageError("retry_days begin with 0, the day of the failure, and go up")
    if (
        min(given.pause_day, given.cancel_day) < 0
        or max(given.cancel_day, *days) > DAYS_MAX
    ):
        raise UsageError(f"days are whole numbers from 0 to {DAYS_MAX}")
    if given.cancel_day < max(given.pause_day, *days):
        raise UsageError("the cancellation comes last: no retry or pause is after it")
    return Policy(
        retry_days=tuple(days), pause_day=given.pause_day, cancel_day=given.cancel_day
    )


def _fate(told: Timeline) -> tuple[object, ...]:
    return told.invoice, told.stage, told.paused_at, told.canceled_at
