"""Fetch what no webhook brought, from Stripe's own list of the last 30 days.

    bl catch-up
    bl catch-up --since 2026-11-01
    bl catch-up -O json

bl serve does this by itself, at its start and every hour, when STRIPE_API_KEY is set. Each
run goes on from the last one; --since looks further back. An event that a webhook brings
later is a duplicate. After more than 30 days without a run, what Stripe did before is not
told any more: bl reconcile --fix then finds what has changed.
"""

from __future__ import annotations

import asyncio

from ledger.clock import utc_now
from ledger.settings import Settings
from replay.arguments.moments import earlier
from replay.arguments.options import Reporting
from replay.ledgers import connected
from replay.outside import outside, prepared, projected
from replay.report.output import write
from replay.report.progress import progress
from replay.report.report import Report
from replay.report.stamping import stamp_of
from webhooks.catching_up import CaughtUp, catch_up
from webhooks.healing import heal


def run(*, since: str | None = None, options: Reporting | None = None) -> int:
    """Append every event of Stripe's that the log lacks.

    Args:
        since: A time, a date or 3d ago; Stripe tells of 30 days.
    """
    options = options or Reporting()
    with prepared() as (settings, conninfo):
        caught_up, healed = asyncio.run(_catch_up(settings, conninfo, since, options))
        with connected(conninfo) as connection:
            report = Report(
                facts=_facts(caught_up, healed),
                card=tuple(_card(caught_up, healed)),
                stamp=stamp_of(connection),
            )
            write(report, options)
    return 0


async def _catch_up(
    settings: Settings, conninfo: str, since: str | None, options: Reporting
) -> tuple[CaughtUp, int]:
    async with outside(settings, conninfo) as ready:
        with progress("catch-up", options.progress) as tick:
            caught_up = await catch_up(
                ready.client,
                ready.log,
                livemode=ready.livemode,
                clock=utc_now,
                since=None if since is None else earlier(since, utc_now()),
                tick=lambda done: tick(done, 0, note=f"{done:,} events"),
            )
        await projected(conninfo, options.progress)
        healed = await heal(ready.client, ready.log, conninfo)
        if healed:
            await projected(conninfo, options.progress)
    return caught_up, healed


def _findings(caught_up: CaughtUp) -> list[dict[str, object]]:
    if caught_up.lost_from is None:
        return []
    message = (
        f"Stripe tells no more of what it did from {caught_up.lost_from:%Y-%m-%d %H:%M} to "
        f"{caught_up.since:%Y-%m-%d %H:%M} UTC; bl reconcile --fix finds what has changed"
    )
    return [{"code": "events_lost", "severity": "warning", "message": message}]


def _facts(caught_up: CaughtUp, healed: int) -> dict[str, object]:
    findings = _findings(caught_up)
    return {
        "ok": not findings,
        "findings": findings,
        "since": caught_up.since,
        "events": caught_up.looked_at,
        "appended": caught_up.appended,
        "healed": healed,
    }


def _card(caught_up: CaughtUp, healed: int) -> list[tuple[str, object]]:
    return [
        ("since", caught_up.since),
        ("events", caught_up.looked_at),
        ("appended", caught_up.appended),
        ("healed", healed),
        *(("warning", each["message"]) for each in _findings(caught_up)),
    ]
