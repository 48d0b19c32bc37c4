"""Show what is owed: open invoices, or their age by account.

    bl receivables
    bl receivables --aging
    bl receivables --aging --as-of 2026-11-01
    bl receivables --aging -O csv -o aging.csv

Open invoices with something left to pay, at any moment of the past as well. The age is
counted in whole days past the due date, or past the moment of finalization where Stripe
charges automatically: current, 1-30, 31-60, 61-90, over 90. Draft, void and uncollectible
invoices are not owed; what credit notes took off is not, either. The sums by currency at
the end are those of the rows, added up once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

from cyclopts import Parameter

from replay.aging import BUCKETS, Aged, Owed, owed
from replay.arguments.options import Asking
from replay.everyones_invoices import Books, books
from replay.ledgers import connected, database
from replay.past.causes import SumError
from replay.report.money_columns import money, said
from replay.report.output import write
from replay.report.report import Closing, Column, Record, Report
from replay.report.stamping import stamp_of

ROWS: Final = (
    Column("account", "account", usual=22),
    Column("invoice", "invoice", usual=30, spare=2),
    Column("number", "number", spare=1),
    Column("due", "due", fixed=True),
    Column("days", "days", fixed=True),
    Column("bucket", "age", fixed=True, words=lambda row: _age(row["bucket"])),
    Column("currency", ""),
    money("remaining", "remaining"),
)
AGING: Final = (
    Column("account", "account", usual=22),
    Column("currency", ""),
    Column("invoices", "open", fixed=True, spare=1),
    # In a narrow terminal what is newest gives way first; the sums below tell it all.
    *(
        money(name, name.replace("days_", "").replace("_", "-"), spare=len(BUCKETS) - place)
        for place, name in enumerate(BUCKETS, start=-1)
    ),
    money("total", "total"),
)


def _age(bucket: object) -> str:
    """Return *bucket* as a table has it: 1-30, over-90."""
    return str(bucket).removeprefix("days_").replace("_", "-")


def run(
    subject: str | None = None,
    /,
    *,
    aging: Annotated[bool, Parameter(negative="")] = False,
    options: Asking | None = None,
) -> int:
    """Show what is owed.

    Args:
        subject: cus_…, or the product's own id; all accounts if not said.
        aging: By account and age, in place of each invoice.
    """
    options = options or Asking()
    with database() as conninfo, connected(conninfo) as connection:
        asked = books(conninfo, connection, options, subject)
        aged, totals = Aged(), dict[str, int]()

        def closing() -> Closing:
            return _closing(aged, totals)

        report = Report(
            columns=AGING if aging else ROWS,
            records=_aging(asked, aged) if aging else _rows(asked, aged),
            records_name="accounts" if aging else "invoices",
            facts={"as_of": asked.now},
            card=(("as of", asked.now),),
            closing=closing,
            stamp=stamp_of(connection, totals),
        )
        write(report, options)
    return 0


def _rows(asked: Books, aged: Aged) -> Iterator[Record]:
    for each in owed(asked.invoices(), asked.now):
        aged.add(each)
        yield _row(each)


def _row(each: Owed) -> Record:
    told = each.invoiced
    return {
        "account": told.account,
        "invoice": told.id,
        "number": told.billed.invoice.number,
        "due": each.due,
        "days": each.days,
        "bucket": each.bucket,
        "currency": told.currency,
        "remaining": told.remaining,
    }


def _aging(asked: Books, aged: Aged) -> Iterator[Record]:
    for each in owed(asked.invoices(), asked.now):
        aged.add(each)
    for (account, currency), sums in sorted(aged.by_account.items()):
        yield {
            "account": account,
            "currency": currency,
            "invoices": sums["invoices"],
            **{name: sums[name] for name in BUCKETS},
            "total": sums["total"],
        }


def _closing(aged: Aged, totals: dict[str, int]) -> Closing:
    found = sorted(aged.by_currency.items())
    for currency, sums in found:
        rows = [each for (_, name), each in aged.by_account.items() if name == currency]
        if sum(each["total"] for each in rows) != sum(sums[name] for name in BUCKETS):
            raise SumError(f"the ages of {currency} do not add up to what is owed")
        totals[f"{currency} owed"] = sums["total"]
    return Closing(
        facts={
            "totals": [
                {"currency": currency, "invoices": sums["invoices"]}
                | {name: sums[name] for name in (*BUCKETS, "total")}
                for currency, sums in found
            ]
        },
        card=tuple(
            (
                currency.upper(),
                " · ".join(
                    f"{name.replace('days_', '').replace('_', '-')} "
                    f"{said(sums[name], currency)}"
                    for name in (*BUCKETS, "total")
                ),
            )
            for currency, sums in found
        ),
    )
