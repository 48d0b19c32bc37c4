"""Compare the ledger with what Stripe has now, field by field.

    bl reconcile
    bl reconcile --fix        append what differs, as Stripe shows it
    bl reconcile -O json

Every customer, subscription, seat quantity, open invoice and coupon is looked at. What
differs is classed: missing, extra, amount, status, currency, quantity; what Stripe has
changed in the last minutes and has not told yet is in_flight, and no difference. --fix
appends each object as Stripe shows it now, so that figures follow it and the log says where
they come from; of what Stripe has no more, that it is gone. Where Stripe has nothing at all
of what is here, nothing is taken for gone: that speaks for another account. The outcome is
kept, and every answer says when the ledger was last reconciled.

Exit 0 if nothing differs, or all of it was fixed; 1 if something does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from ledger.settings import Settings
from replay.arguments.options import Reporting
from replay.ledgers import connected
from replay.outside import comparison, outside, prepared, projected
from replay.report.output import write
from replay.report.progress import progress
from replay.report.report import Column, Record, Report
from replay.report.stamping import stamp_of
from webhooks.comparing import Difference, Differing, json_value
from webhooks.reconciling import Reconciled

COLUMNS = (
    Column("code", "difference", fixed=True),
    Column("object", "object", fixed=True),
    Column("account", "account"),
    Column("field", "field"),
    Column("ours", "ledger"),
    Column("stripe", "Stripe"),
    Column("fixed", "fixed", fixed=True),
)


def run(
    *,
    fix: Annotated[bool, Parameter(negative="")] = False,
    options: Reporting | None = None,
) -> int:
    """Compare with Stripe.

    Args:
        fix: Append what differs, as Stripe shows it.
    """
    options = options or Reporting()
    with prepared() as (settings, conninfo):
        reconciled = asyncio.run(_reconcile(settings, conninfo, options, fix=fix))
        with connected(conninfo) as connection:
            report = Report(
                columns=COLUMNS,
                records=_findings(reconciled),
                records_name="findings",
                facts=_facts(reconciled),
                card=tuple(_card(reconciled)),
                stamp=stamp_of(connection),
            )
            write(report, options)
    return 0 if reconciled.ok else 1


async def _reconcile(
    settings: Settings, conninfo: str, options: Reporting, *, fix: bool
) -> Reconciled:
    async with outside(settings, conninfo) as ready:
        await projected(conninfo, options.progress)
        work = comparison(ready)
        with progress("reconcile", options.progress) as tick:
            reconciled = await work.run(
                fix=fix, tick=lambda done, path: tick(done, 0, note=f"{done:,}, {path}")
            )
        await projected(conninfo, options.progress)
    return reconciled


def _findings(reconciled: Reconciled) -> list[Record]:
    return [_finding(each, reconciled.fixed) for each in reconciled.found]


def _finding(each: Differing, fixed: frozenset[tuple[str, str]]) -> Record:
    in_flight = each.what is Difference.IN_FLIGHT
    return {
        "code": each.what,
        "severity": "info" if in_flight else "warning",
        "message": _message(each),
        "kind": each.kind,
        "object": each.id,
        "account": each.account,
        "field": each.field,
        "ours": json_value(each.ours),
        "stripe": json_value(each.stripes),
        "fixed": each.key in fixed,
    }


def _message(each: Differing) -> str:
    kind = each.kind
    if each.what is Difference.MISSING:
        return f"{kind} {each.id}: Stripe has it, the ledger does not"
    if each.what is Difference.EXTRA:
        return f"{kind} {each.id}: the ledger has it, Stripe does not"
    here, there = json_value(each.ours), json_value(each.stripes)
    return f"{kind} {each.id}: {each.field or 'it'} is {here} here, {there} at Stripe"


def _facts(reconciled: Reconciled) -> dict[str, object]:
    return {
        "ok": reconciled.ok,
        "begun_at": reconciled.begun_at,
        "ended_at": reconciled.ended_at,
        "looked_at": reconciled.looked_at,
        "differing": len(reconciled.left),
        "fixed": len(reconciled.fixed),
        "in_flight": _in_flight(reconciled.found),
        "missing": list(reconciled.missing),
    }


def _in_flight(found: Sequence[Differing]) -> int:
    return sum(each.what is Difference.IN_FLIGHT for each in found)


def _card(reconciled: Reconciled) -> list[tuple[str, object]]:
    facts = _facts(reconciled)
    names = ("looked_at", "differing", "fixed", "in_flight", "ended_at")
    labels = {"looked_at": "looked at", "in_flight": "in flight", "ended_at": "at"}
    card = [(labels.get(name, name), facts[name]) for name in names]
    return card + [
        ("not compared", f"{name}: this account has no such resource")
        for name in reconciled.missing
    ]
