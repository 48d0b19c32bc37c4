"""Bill each finalized invoice anew, and show where that differs from what Stripe did.

    bl shadow                        every invoice of every account
    bl shadow cus_JT01               those of one account
    bl shadow --period 2026-11       those made in that month
    bl shadow -O json                the differences, for a program

A difference has a reason: rounding, proration, coupon, tax, quantity or unknown. What
cannot be computed, since the log does not hold the price, the coupon or the tax rate, is
counted as unchecked. Exit 1 where any difference remains.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from ledger.clock import utc_now
from ledger.moments import rfc3339
from projections.amounts import amount
from projections.answer import Account, answer
from projections.shadow.account_shadows import shadows
from projections.shadow.compared import Compared
from projections.shadow.shadow_invoice import Shadow
from replay.accounts import accounts
from replay.arguments.options import Asking, UsageError
from replay.asking import need, question
from replay.ledgers import Connection, connected, database, state
from replay.report.output import write
from replay.report.report import Column, Record, Report
from replay.report.stamping import stamp_of

_MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])", re.ASCII)
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
    if period is not None and not _MONTH.fullmatch(period):
        raise UsageError(f"{period!r} is no month; write one such as 2026-11")
    asked = question(options)
    if subject is None and (asked.as_of is not None or asked.known_at is not None):
        raise UsageError("--as-of and --known-at ask about one account; name it")
    with database() as conninfo, connected(conninfo) as connection:
        state(connection)
        found = [
            (account, each)
            for account, each in _shadows(conninfo, connection, subject, options)
            if period is None or f"{each.made:%Y-%m}" == period
        ]
        rows = [
            _record(account, each, one)
            for account, each in found
            for one in each.differences
        ]
        unchecked = sum(1 for _, each in found if each.unchecked)
        card = [
            ("invoices", f"{len(found):,}"),
            ("differences", f"{len(rows):,}"),
            ("unchecked", f"{unchecked:,}"),
        ]
        write(
            Report(
                columns=COLUMNS,
                records=rows,
                records_name="findings",
                facts={
                    "ok": not rows,
                    "invoices": len(found),
                    "unchecked": unchecked,
                    "period": period,
                },
                card=tuple(card),
                stamp=stamp_of(connection),
            ),
            options,
        )
    return DIFFERENCES if rows else 0


def _shadows(
    conninfo: str, connection: Connection, subject: str | None, options: Asking
) -> Iterator[tuple[str, Shadow]]:
    if subject is not None:
        view = need(conninfo, subject, question(options)).view
        yield from (
            (view.linked.account, each) for each in shadows(view.account, view.answer())
        )
        return
    now = utc_now()
    everybody: Iterable[Account] = accounts(connection)
    for account in everybody:
        for each in shadows(account, answer(account, now)):
            yield account.linked.account, each


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
