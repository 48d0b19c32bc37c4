"""List invoices: of one account, or of all, as they are or were.

    bl invoices cus_JT01
    bl invoices --month 2026-10
    bl invoices --month 2026-10 --status open --status uncollectible
    bl invoices --month 2026-10 -O csv -o october.csv
    bl invoices --as-of 2026-11-01 --known-at '#48213'

By account, newest first. An invoice belongs to the month in which it was finalized, a
draft to the one in which it was made; months begin in LEDGER_BOOK_ZONE. Amounts are as
Stripe has them, in minor units beside their currency everywhere but in tables. The sums
at the end are of what is listed, by currency.
"""

from __future__ import annotations

import enum
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

from cyclopts import Parameter

from replay.arguments.book_spans import month_of
from replay.arguments.options import Asking
from replay.everyones_invoices import Books, Invoiced, books
from replay.ledgers import connected, database
from replay.report.money_columns import money, said
from replay.report.output import write
from replay.report.report import Closing, Column, Record, Report
from replay.report.stamping import stamp_of

COLUMNS: Final = (
    Column("account", "account", usual=22),
    Column("id", "invoice", usual=30, spare=3),
    Column("number", "number", spare=2),
    Column("date", "date", fixed=True),
    Column("due_date", "due", spare=4),
    Column("status", "status", fixed=True),
    Column("currency", ""),
    money("total", "total"),
    money("amount_paid", "paid", spare=5),
    money("amount_remaining", "remaining", spare=1),
    money("credited", "credited", spare=6),
    money("refunded", "refunded", spare=7),
    Column("subtotal", ""),
    Column("tax", ""),
    Column("amount_due", ""),
    Column("finalized_at", ""),
    Column("paid_at", ""),
    Column("subscription", ""),
)
SUMMED: Final = ("total", "amount_paid", "amount_remaining", "credited", "refunded")


class Status(enum.StrEnum):
    """What an invoice can be, in Stripe's words."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    UNCOLLECTIBLE = "uncollectible"
    VOID = "void"


def run(
    subject: str | None = None,
    /,
    *,
    month: str | None = None,
    status: Annotated[tuple[Status, ...], Parameter(negative="")] = (),
    options: Asking | None = None,
) -> int:
    """List invoices.

    Args:
        subject: cus_…, or the product's own id; all accounts if not said.
        month: Only those of this month, such as 2026-10.
        status: Only those of this status; may be given again.
    """
    options = options or Asking()
    span = None if month is None else month_of(month)
    with database() as conninfo, connected(conninfo) as connection:
        asked = books(conninfo, connection, options, subject)
        totals: dict[str, int] = {}
        listed = Listed(asked, span, status, totals)
        report = Report(
            columns=COLUMNS,
            records=listed.records(),
            records_name="invoices",
            facts={"as_of": asked.now, "month": month, "status": list(map(str, status))},
            card=(("as of", asked.now),),
            closing=listed.closing,
            stamp=stamp_of(connection, totals),
        )
        write(report, options)
    return 0


class Listed:
    """Invoices that are asked for, summed as they pass."""

    def __init__(
        self,
        asked: Books,
        span: tuple[Any, Any] | None,
        status: Sequence[str],
        totals: dict[str, int],
    ) -> None:
        self._asked = asked
        self._span = span
        self._status = status
        self._totals = totals
        self._sums: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def records(self) -> Iterator[Record]:
        """Yield a record for each of them."""
        for each in self._asked.invoices():
            if not self._wanted(each):
                continue
            record = _record(each)
            sums = self._sums[each.currency]
            sums["invoices"] += 1
            for name in SUMMED:
                value = record[name]
                sums[name] += value if isinstance(value, int) else 0
            yield record

    def closing(self) -> Closing:
        """Return the sums."""
        found = sorted(self._sums.items())
        for currency, sums in found:
            self._totals[f"{currency} total"] = sums["total"]
        return Closing(
            facts={
                "totals": [
                    {"currency": currency, "invoices": sums["invoices"]}
                    | {name: sums[name] for name in SUMMED}
                    for currency, sums in found
                ]
            },
            card=tuple((name.upper(), _sum(sums, name)) for name, sums in found),
        )

    def _wanted(self, each: Invoiced) -> bool:
        if self._status and each.billed.invoice.status not in self._status:
            return False
        return self._span is None or self._span[0] <= each.at < self._span[1]


def _sum(sums: Counter[str], currency: str) -> str:
    count = sums["invoices"]
    parts = [f"{count:,} invoice{'' if count == 1 else 's'}"]
    parts += [
        f"{name.removeprefix('amount_')} {said(sums[name], currency)}" for name in SUMMED
    ]
    return " · ".join(parts)


def _record(each: Invoiced) -> Record:
    shown, invoice = each.billed, each.billed.invoice
    return {
        "account": each.account,
        "id": each.id,
        "number": invoice.number,
        "date": shown.date,
        "due_date": invoice.due_date,
        "status": invoice.status,
        "currency": invoice.currency,
        "total": invoice.total,
        "amount_paid": invoice.amount_paid,
        "amount_remaining": each.remaining,
        "credited": shown.credited,
        "refunded": shown.refunded,
        "subtotal": invoice.subtotal,
        "tax": invoice.tax,
        "amount_due": invoice.amount_due,
        "finalized_at": invoice.finalized_at,
        "paid_at": invoice.paid_at,
        "subscription": invoice.subscription,
    }
