"""All accounts at two moments: those that differ, with the causes, and the sums of these.

They are read some at a time and told as they come; only sums are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import attrs

from projections.account import Account
from projections.amounts import amount
from projections.answer import answer
from projections.api.questions import Question
from projections.models.credit_notes import CREDIT_NOTES
from projections.models.customers import CUSTOMERS
from projections.models.discounts import DISCOUNTS
from projections.models.invoice_items import INVOICE_ITEMS
from projections.models.invoices import INVOICES
from projections.models.payments import PAYMENTS
from projections.models.seats import SEATS
from projections.models.subscriptions import SUBSCRIPTIONS
from replay.everyone import Asking, Some, answers_of, some_by_some
from replay.ledgers import Connection, state
from replay.past.causes import Cause, Standing, SumError, changes, standing
from replay.past.log_then import Then, then
from replay.past.shares import cores
from replay.report.progress import Tick
from replay.report.report import Closing, Column, Record, Report
from replay.report.stamping import stamp_of


def _plain(minor: int, currency: str, *, signed: bool = False) -> str:
    text = amount(minor, currency).removeprefix(currency.upper()).strip()
    return f"+{text}" if signed and minor > 0 else text


def _money(row: Record, key: str) -> str:
    minor, currency = row[key], row["currency"]
    if not isinstance(minor, int) or not isinstance(currency, str):
        return ""
    if key == "change":
        return _plain(minor, currency, signed=True)
    return amount(minor, currency)


def _causes(row: Record) -> str:
    causes = row["causes"]
    return ", ".join(causes) if isinstance(causes, dict) else ""


def _change(row: Record, key: str) -> object:
    before, after = row[f"{key}_before"], row[key]
    return after if before == after else f"{before or '-'} → {after or '-'}"


def _standing(account: Account, now: datetime) -> tuple[str, Standing]:
    told = answer(account, now)
    return told.linked.account, standing(told)


# What totals, status and dunning are made of; the rest of an account is not read.
COMPARED: Final = Asking(
    ask=_standing,
    of=(
        *(SUBSCRIPTIONS, SEATS, CUSTOMERS, DISCOUNTS),
        *(INVOICES, INVOICE_ITEMS, CREDIT_NOTES, PAYMENTS),
    ),
)


def _compared(some: Some) -> list[tuple[tuple[str, Standing] | None, ...]]:
    """Return how *some* stood; in whichever process this is."""
    return answers_of(COMPARED, some)


COLUMNS: Final = (
    Column("account", "account", usual=22),
    Column("causes", "causes", words=_causes),
    Column("currency", "", fixed=True),
    Column("before", "before", fixed=True, words=lambda row: _money(row, "before")),
    Column("after", "after", fixed=True, words=lambda row: _money(row, "after")),
    Column("change", "change", fixed=True, words=lambda row: _money(row, "change")),
    Column("status_before", "", spare=4),
    Column("status", "status", words=lambda row: _change(row, "status"), spare=2),
    Column("plan_before", ""),
    Column("plan", "plan", words=lambda row: _change(row, "plan"), spare=3),
    Column("seats_before", ""),
    Column("seats", "seats", words=lambda row: _change(row, "seats"), spare=1),
    Column("access_before", ""),
    Column("access", ""),
    Column("stage_before", ""),
    Column("stage", ""),
)


@attrs.define(kw_only=True)
class _Sums:
    """What has come by so far, by currency; *causes* by cause and currency."""

    accounts: int = 0
    differing: int = 0
    before: Counter[str] = attrs.Factory(Counter)
    after: Counter[str] = attrs.Factory(Counter)
    causes: Counter[tuple[Cause, str]] = attrs.Factory(Counter)
    touched: Counter[tuple[Cause, str]] = attrs.Factory(Counter)


class AccountsDiff:
    """The accounts that differ, told once."""

    def __init__(
        self,
        conninfo: str,
        connection: Connection,
        moments: tuple[Then, Then],
        tick: Tick,
    ) -> None:
        self._conninfo = conninfo
        self._moments = moments
        self._tick = tick
        self._totals: dict[str, int] = {}
        self._stamp = stamp_of(connection, self._totals)
        self._sums = _Sums()

    @property
    def differs(self) -> bool:
        """Whether any of those told differs."""
        return self._sums.differing > 0

    def report(self) -> Report:
        """Return the report; its records are made as they are written."""
        first, last = self._moments
        return Report(
            columns=COLUMNS,
            records=self._records(),
            records_name="accounts",
            facts={"before": first.now, "after": last.now},
            card=(("before", first.now), ("after", last.now)),
            closing=self._closing,
            stamp=self._stamp,
        )

    def _records(self) -> Iterator[Record]:
        sums = self._sums
        source = (self._conninfo, self._moments, self._tick)
        for before, after in some_by_some(*source, _compared, cores()):
            sums.accounts += 1
            was, is_now = (Standing() if one is None else one[1] for one in (before, after))
            for told, counted in ((was, sums.before), (is_now, sums.after)):
                if told.currency is not None:
                    counted[told.currency] += told.total
            found = changes(was, is_now)
            if not found:
                continue
            sums.differing += 1
            for each, minor in found.items():
                sums.causes[each] += minor
                sums.touched[each] += 1
            name = next(one[0] for one in (after, before) if one is not None)
            for currency in dict.fromkeys(currency for _, currency in found):
                yield _record(name, currency, (was, is_now), found)

    def _closing(self) -> Closing:
        sums = self._sums
        currencies = sorted(
            {*sums.before, *sums.after} | {each for _, each in sums.causes if each}
        )
        for each in currencies:
            _added_up(sums, each)
            self._totals[f"{each} before"] = sums.before[each]
            self._totals[f"{each} after"] = sums.after[each]
        return Closing(
            facts={
                "ok": not sums.differing,
                "findings": [],
                "compared": sums.accounts,
                "differing": sums.differing,
                "totals": [_total(sums, each) for each in currencies],
            },
            card=(
                ("accounts", f"{sums.differing:,} of {sums.accounts:,} differ"),
                *(line for each in currencies for line in _lines(sums, each)),
            ),
        )


def accounts_diff(
    conninfo: str,
    connection: Connection,
    asked: tuple[Question, Question],
    tick: Tick,
) -> AccountsDiff:
    """Return what tells of all accounts at both moments.

    Raises:
        UsageError: One of them has not come.
    """
    head, _ = state(connection)
    moments = then(connection, head, asked[0]), then(connection, head, asked[1])
    return AccountsDiff(conninfo, connection, moments, tick)


def _record(
    account: str,
    currency: str,
    told: tuple[Standing, Standing],
    found: dict[tuple[Cause, str], int],
) -> Record:
    before, after = (each.total if each.currency == currency else 0 for each in told)
    was, is_now = told
    return {
        "account": account,
        "causes": {
            cause.value: minor for (cause, each), minor in found.items() if each == currency
        },
        "currency": currency or None,
        "before": before,
        "after": after,
        "change": after - before,
        "status_before": was.status,
        "status": is_now.status,
        "plan_before": was.plan,
        "plan": is_now.plan,
        "seats_before": was.seats,
        "seats": is_now.seats,
        "access_before": was.access,
        "access": is_now.access,
        "stage_before": was.stage,
        "stage": is_now.stage,
    }


def _added_up(sums: _Sums, currency: str) -> None:
    told = sum(minor for (_, each), minor in sums.causes.items() if each == currency)
    if told != sums.after[currency] - sums.before[currency]:
        raise SumError(f"causes of {told} {currency}, but the totals say otherwise")


def _total(sums: _Sums, currency: str) -> dict[str, object]:
    return {
        "currency": currency,
        "before": sums.before[currency],
        "causes": [
            {
                "cause": cause.value,
                "accounts": sums.touched[cause, currency],
                "change": sums.causes[cause, currency],
            }
            for cause in Cause
            if sums.touched[cause, currency]
        ],
        "after": sums.after[currency],
    }


def _lines(sums: _Sums, currency: str) -> Iterator[tuple[str, object]]:
    yield "", f"{currency.upper()} before {_plain(sums.before[currency], currency)}"
    for cause in Cause:
        if count := sums.touched[cause, currency]:
            changed = _plain(sums.causes[cause, currency], currency, signed=True)
            accounts = f"{count:,} account{'' if count == 1 else 's'}"
            yield cause.value, f"{changed:>14}  {accounts}"
    yield "", f"{currency.upper()} after {_plain(sums.after[currency], currency)} ✓"
