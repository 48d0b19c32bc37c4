"""Try another dunning policy on what really happened.

    bl what-if --policy gentle.json         {"pause_day": 14, "cancel_day": 60}
    bl what-if --policy gentle.toml -O csv  for a sheet
    bl what-if --policy gentle.json --as-of 2026-11-01

Every failed invoice of every customer is gone through twice, once under the policies that
were in force and once under the one in the file: how many would have been paused or
canceled, and how much money that is: what was due when it failed. Failures and payments
stay as they were; nothing is written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from replay.arguments.options import Asking
from replay.everyone_asked import UNPAID, asked_of_all, clocks, moment_asked
from replay.ledgers import connected, database
from replay.report.amount_columns import amounts
from replay.report.output import write
from replay.report.report import Column, Report
from replay.report.stamping import stamp_of
from replay.what_if import Compared, policy_in

COLUMNS: Final = (
    Column("measure", "what", fixed=True),
    Column("invoices", "invoices", fixed=True),
    Column("invoices_then", "would be", fixed=True),
    Column("invoices_difference", "change", fixed=True, spare=2),
    Column("currency", "in", fixed=True),
    amounts("amount", spare=1),
    amounts("amount_then", "would be", spare=1),
    amounts("amount_difference", "change"),
)


def run(*, policy: Path, options: Asking | None = None) -> int:
    """Compare a policy with those that were in force.

    Args:
        policy: A file with retry_days, pause_day and cancel_day, JSON or TOML.
    """
    options = options or Asking()
    given = policy_in(policy)
    compared = Compared()
    with database() as conninfo, connected(conninfo) as connection:
        moment = moment_asked(connection, options, UNPAID.of)
        for told in asked_of_all(conninfo, moment, options, UNPAID, "what-if"):
            compared.take(*told, given, moment.now)
        tried = ", ".join(map(str, given.retry_days))
        said = f"tries on days {tried}; pause on day {given.pause_day}"
        report = Report(
            columns=COLUMNS,
            records=compared.records(),
            records_name="measures",
            facts={
                "policy": {
                    "retry_days": list(given.retry_days),
                    "pause_day": given.pause_day,
                    "cancel_day": given.cancel_day,
                },
                "as_of": moment.now,
                "customers": compared.accounts,
                "customers_affected": compared.others,
                "examples": compared.examples,
            },
            card=(
                ("", f"{said}; cancel on day {given.cancel_day}"),
                *clocks(moment, options),
                ("customers", compared.accounts),
                ("would fare otherwise", compared.others),
                ("such as", ", ".join(compared.examples[:5])),
            ),
            stamp=stamp_of(connection),
        )
        write(report, options)
    return 0
