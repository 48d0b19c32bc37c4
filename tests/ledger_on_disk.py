"""A small ledger to ask: five companies over two months, and some rows that mean harm."""

from __future__ import annotations

from datetime import UTC, datetime

from ledger.database import Role
from ledger.envelope import stripe_event
from ledger.events import Command, Event, SeatAssigned, SeatReleased, StripeEvent
from ledger.postgres import PostgresLog
from projections.projector.process import catch_up
from replay.simulator.occurrences import Occurrence, SeatOccurrence, StripeOccurrence
from replay.simulator.simulation import simulate

START = datetime(2026, 9, 1, tzinfo=UTC)
HOSTILE = "=2+5\x1b[31mred\u202egnp.exe"


async def fill(conninfo: str) -> list[Occurrence]:
    """Append a simulation and bring the read models up; return what was simulated."""
    told = list(simulate(seed=1, accounts=5, months=2, start=START))
    async with PostgresLog.open(conninfo, Role.APPENDER) as log:
        await log.append([as_event(one) for one in told])
        await log.append(
            [
                StripeEvent(
                    event_id="evt_hostile",
                    body=b'{"id":"evt_hostile"}',
                    account=HOSTILE,
                    object_id="@SUM(A1)",
                    occurred_at=START,
                )
            ]
        )
    async with PostgresLog.open(conninfo, Role.PROJECTOR) as log:
        await catch_up(conninfo, log)
    return told


def as_event(told: Occurrence) -> Event:
    """Return what the log takes of *told*."""
    if isinstance(told, StripeOccurrence):
        return stripe_event(told.body, ledger_livemode=False)
    assert isinstance(told, SeatOccurrence)
    kind = SeatAssigned if told.active else SeatReleased
    return kind(
        account=told.account,
        command=Command.identify(
            account=told.account, route="seats", key=told.key, fingerprint="f"
        ),
        user=told.user,
        actor=told.actor,
        effective_at=told.effective_at,
    )
