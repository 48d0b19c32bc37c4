"""Show what a period costs, line by line, and what is charged next.

    bl total cus_JT01                        the period it is in
    bl total cus_JT01 --period 2026-11-14    the one that has that day
    bl total cus_JT01 --period next          the next one, as far as is known
    bl total cus_JT01 --known-at '#48213'    as it was known at that position

Each line says where it comes from: a finalized invoice, a draft, an invoice item that
waits for one, or an estimate from price, quantity and coupon. Discounts are negative; the
lines add up to the total.
"""

from __future__ import annotations

from typing import Any

from ledger.errors import NotFoundError
from projections.amounts import amount
from projections.totals import rendering as total_rendering
from replay.arguments.options import Asking
from replay.arguments.periods import total_of
from replay.asking import need, question
from replay.ledgers import connected, database
from replay.report.output import write
from replay.report.report import Column, Record, Report
from replay.report.stamping import stamp_of

LINES = (
    Column("kind", "kind", fixed=True),
    Column("description", "what"),
    Column("quantity", "quantity", fixed=True, spare=3),
    Column(
        "amount",
        "amount",
        fixed=True,
        words=lambda row: amount(row["amount"], row["currency"]),
    ),
    Column("currency", ""),
    Column("unit_amount_decimal", ""),
    Column("source", "source", fixed=True),
    Column("position", "#", fixed=True, spare=1),
)


def run(subject: str, /, *, period: str = "current", options: Asking | None = None) -> int:
    """Show the total of a period.

    Args:
        subject: cus_…, or the product's own id.
        period: A day in it, current or next.
    """
    options = options or Asking()
    with database() as conninfo, connected(conninfo) as connection:
        asked = need(conninfo, subject, question(options))
        billing = asked.view.answer()
        total = total_of(billing, period)
        if total is None:
            raise NotFoundError(f"{subject} has no such period; see bl show {subject}")
        charge = billing.next_charge
        body = total_rendering.period_total(total)
        next_charge = None if charge is None else total_rendering.next_charge(charge)
        card: list[tuple[str, object]] = [
            ("", f"total of {total.subscription}"),
            *asked.clocks,
            ("from", total.period.start),
            ("to", total.period.end),
            ("total", amount(total.total, total.currency)),
        ]
        if total.estimate:
            card.append(("", "an estimate until it is invoiced"))
        if total.credited:
            card.append(("credited", amount(total.credited, total.currency)))
        if charge is not None:
            card.append(("next charge", amount(charge.amount, total.currency)))
            card.append(("charged", charge.at))
        card += [("finding", each.message) for each in total.findings]
        write(
            Report(
                columns=LINES,
                records=[_record(each, total.currency) for each in body.pop("lines")],
                records_name="lines",
                facts={**body, "next_charge": next_charge, "meta": asked.meta},
                card=tuple(card),
                stamp=stamp_of(connection, {f"{total.currency} total": total.total}),
            ),
            options,
        )
    return 0


def _record(line: dict[str, Any], currency: str) -> Record:
    return {
        **line,
        "currency": currency,
        "position": next(iter(line["evidence"]), None),
    }
