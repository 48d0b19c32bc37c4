"""Bill each finalized invoice anew, and show where that differs from what Stripe did.

    bl shadow                        every invoice of every account
    bl shadow cus_JT01               those of one account
    bl shadow --period 2026-11       those made in that month
    bl shadow --known-at '#48213'    as it was known then
    bl shadow -O json                the differences, for a program

A difference has a reason: rounding, proration, coupon, tax, quantity or unknown. What
cannot be computed, since the log does not hold the price, the coupon or the tax rate, is
counted as unchecked. Months begin in LEDGER_BOOK_ZONE. Exit 1 where any difference remains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

import attrs

from ledger.moments import rfc3339
from projections.amounts import amount
from projections.answer import Account, answer
from projections.shadow.account_shadows import shadows
from projections.shadow.compared import Compared
from projections.shadow.shadow_invoice import Shadow
from replay.arguments.book_spans import month_of
from replay.arguments.options import Asking
from replay.asking import need, question
from replay.everyone import Asking as Everyone
from replay.everyone_asked import asked_of_all, moment_asked
from replay.ledgers import Connection, connected, database, state
from replay.report.output import write
from replay.report.report import Column, Record, Report
from replay.report.stamp import Stamp
from replay.report.stamping import stamp_of

DIFFERENCES: Final = 1
COLUMNS: Final = (
    Column("account", "account", spare=1),
    Column("invoice", "invoice", fixed=True),
    Column("what", "what", fixed=True),
    Column("description", "of", spare=2),
    Column(
        "theirs",
        "Stripe",
        fixed=True,
        words=lambda row: amount(row["theirs"], row["currency"]),
    ),
    Column(
        "ours", "ours", fixed=True, words=lambda row: amount(row["ours"], row["currency"])
    ),
    Column("currency", ""),
    Column("reason", "reason", fixed=True),
    Column("position", "#", fixed=True),
)


def run(
    subject: str | None = None,
    /,
    *,
    period: str | None = None,
    options: Asking | None = None,
) -> int:
    """Compare Stripe's invoices with our own computation.

    Args:
        subject: cus_…, or the product's own id; without one all accounts.
        period: A month, such as 2026-11, in which the invoices were made.
    """
    options = options or Asking()
    span = None if period is None else month_of(period)
    rows: list[Record] = []
    counted: Counter[str] = Counter()
    example = ""
    with database() as conninfo, connected(conninfo) as connection:
        state(connection)
        for account, each in _shadows(conninfo, connection, subject, options):
            if span is None or span[0] <= each.made < span[1]:
                counted["invoices"] += 1
                counted["unchecked"] += bool(each.unchecked)
                example = example or unchecked(each)
                rows += (_record(account, each, one) for one in each.differences)
        report = _report(rows, counted, period, stamp_of(connection))
        if example:
            report = attrs.evolve(report, card=(*report.card, ("such as", example)))
        write(report, options)
    return DIFFERENCES if rows else 0


def unchecked(shadow: Shadow) -> str:
    """Return what of an invoice could not be computed, and why; empty if all could."""
    if not shadow.unchecked:
        return ""
    first = shadow.unchecked[0]
    what = first.description or first.what
    return f"{shadow.number or shadow.invoice}: {what}, {first.missing or 'not known'}"


def _report(
    rows: Sequence[Record],
    counted: Counter[str],
    period: str | None,
    stamp: Callable[[int], Stamp],
) -> Report:
    return Report(
        columns=COLUMNS,
        records=rows,
        records_name="findings",
        facts={
            "ok": not rows,
            "invoices": counted["invoices"],
            "unchecked": counted["unchecked"],
            "period": period,
        },
        card=(
            ("invoices", f"{counted['invoices']:,}"),
            ("differences", f"{len(rows):,}"),
            ("unchecked", f"{counted['unchecked']:,}"),
        ),
        stamp=stamp,
    )


def _shadows(
    conninfo: str, connection: Connection, subject: str | None, options: Asking
) -> Iterator[tuple[str, Shadow]]:
    if subject is not None:
        view = need(conninfo, subject, question(options)).view
        yield from _shadows_of(view.account, view.now)
        return
    moment = moment_asked(connection, options, _EVERYTHING.of)
    yield from asked_of_all(conninfo, moment, options, _EVERYTHING, "shadow")


def _shadows_of(account: Account, now: datetime) -> Sequence[tuple[str, Shadow]]:
    name = account.linked.account
    return [(name, each) for each in shadows(account, answer(account, now))]


_EVERYTHING: Final = Everyone(ask=_shadows_of)


def _record(account: str, shadow: Shadow, one: Compared) -> Record:
    return {
        "account": account,
        "invoice": shadow.invoice,
        "made": rfc3339(shadow.made),
        "what": one.what,
        "description": one.description,
        "theirs": one.theirs,
        "ours": one.ours,
        "currency": shadow.currency,
        "reason": one.reason,
        "position": shadow.position,
    }
