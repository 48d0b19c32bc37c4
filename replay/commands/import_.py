"""Take over an existing Stripe account: every object as it is now.

    export STRIPE_API_KEY=rk_live_…
    bl import
    bl import -O json

Reads customers, what they subscribed to, what was billed and paid, and what is sold, and
then the events of Stripe's last 30 days. Nothing is written to Stripe: a restricted key
that may read is enough, and one that lacks a permission is told which. The ledger may be
empty or running.

Ctrl-C, or a kill at any point, loses nothing: given again, the import goes on where it
was. What is in the log as it is now is never taken twice. At the end all is compared with
what Stripe has, as `bl reconcile` does, and there stands what was found, and what only the
product or the webhooks to come can tell.
"""

from __future__ import annotations

import asyncio

from ledger.clock import utc_now
from ledger.settings import Settings
from replay.arguments.options import Reporting
from replay.ledgers import connected
from replay.outside import comparison, outside, prepared, projected
from replay.report.output import write
from replay.report.progress import progress
from replay.report.report import Column, Record, Report
from replay.report.stamping import stamp_of
from webhooks.import_progress import ProgressFile
from webhooks.importing import Import, Imported
from webhooks.reconciling import Reconciled
from webhooks.stripe_errors import StripeUnavailableError

COLUMNS = (
    Column("resource", "resource", fixed=True),
    Column("found", "found", fixed=True),
)


def run(*, options: Reporting | None = None) -> int:
    """Import the account that STRIPE_API_KEY is of."""
    options = options or Reporting()
    with prepared(create=True) as (settings, conninfo):
        imported, reconciled = asyncio.run(_import(settings, conninfo, options))
        with connected(conninfo) as connection:
            report = Report(
                columns=COLUMNS,
                records=_records(imported),
                records_name="resources",
                facts=_facts(imported, reconciled),
                card=tuple(_card(imported, reconciled)),
                stamp=stamp_of(connection),
            )
            write(report, options)
    return 0


async def _import(
    settings: Settings, conninfo: str, options: Reporting
) -> tuple[Imported, Reconciled | None]:
    async with outside(settings, conninfo) as ready:
        work = Import(
            ready.client,
            ready.log,
            ProgressFile(settings.data_dir),
            ledger_id=ready.log.ledger_id,
            livemode=ready.livemode,
            clock=utc_now,
        )
        with progress("import", options.progress) as tick:

            def watch(done: int, total: int, resource: str) -> None:
                tick(done, total, note=f"{done:,} of about {total:,}, {resource}")

            imported = await work.run(watch)
        await projected(conninfo, options.progress)
        # What an earlier comparison met, of a ledger that had nothing yet, is so no more.
        try:
            reconciled = await comparison(ready).run()
        except StripeUnavailableError:
            return imported, None  # all of it is in; to compare can be done at any time
        await projected(conninfo, options.progress)
    return imported, reconciled


def unknown(imported: Imported) -> list[str]:
    """Return, in sentences, what the import cannot tell."""
    told = []
    if imported.counts.get("subscriptions"):
        told.append(
            "who holds a seat: until the product names its users, Stripe's quantity counts"
        )
    told += [f"{name}: this account has no such resource" for name in imported.missing]
    if imported.unreadable:
        told.append(f"{imported.unreadable:,} objects without an id, left out")
    if imported.cut_invoices:
        told.append(f"{imported.cut_invoices:,} invoices have lines that could not be had")
    if imported.caught_up is None:
        told.append("the events of the last 30 days: the key may not read them")
    else:
        told.append(
            f"what happened before {imported.caught_up.since:%Y-%m-%d}, step by step: "
            "dates that objects keep are known, other changes are not"
        )
    return told


def _records(imported: Imported) -> list[Record]:
    return [{"resource": name, "found": found} for name, found in imported.counts.items()]


def _facts(imported: Imported, reconciled: Reconciled | None) -> dict[str, object]:
    caught_up = imported.caught_up
    return {
        "ok": True,
        "findings": [],
        "account": imported.account.id,
        "begun_at": imported.begun_at,
        "resumed": imported.resumed,
        "objects": sum(imported.counts.values()),
        "appended": imported.appended,
        "events": 0 if caught_up is None else caught_up.appended,
        "differing": None if reconciled is None else len(reconciled.left),
        "unknown": unknown(imported),
    }


def _card(imported: Imported, reconciled: Reconciled | None) -> list[tuple[str, object]]:
    facts = _facts(imported, reconciled)
    card = [
        ("account", facts["account"] or "not told by this key"),
        ("objects", facts["objects"]),
        ("appended", facts["appended"]),
        ("events", facts["events"]),
        ("differing", _differing(reconciled)),
    ]
    return card + [("unknown", each) for each in unknown(imported)]


def _differing(reconciled: Reconciled | None) -> object:
    if reconciled is None:
        return "not compared, Stripe did not answer; bl reconcile does it"
    number = len(reconciled.left)
    return f"{number:,}; bl reconcile says in what" if number else 0
