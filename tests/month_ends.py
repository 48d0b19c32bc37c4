"""A ledger with half a year of everything that may happen, to close months of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from ledger.database import Role
from ledger.envelope import stripe_event
from ledger.postgres import PostgresLog
from projections.projector.process import catch_up
from replay.simulator.habits import Breadth
from replay.simulator.occurrences import StripeOccurrence
from replay.simulator.simulation import Simulation

START: Final = datetime(2025, 1, 1, tzinfo=UTC)


def deliveries(accounts: int = 16, months: int = 6) -> list[bytes]:
    """Return what Stripe said, in the order in which it happened."""
    simulation = Simulation(
        seed=11, accounts=accounts, months=months, start=START, breadth=Breadth.WHOLE
    )
    return [o.body for o in simulation.occurrences() if isinstance(o, StripeOccurrence)]


async def take(conninfo: str, bodies: list[bytes]) -> None:
    """Append *bodies* and bring the read models up."""
    async with PostgresLog.open(conninfo, Role.APPENDER) as log:
        await log.append([stripe_event(each, ledger_livemode=False) for each in bodies])
    async with PostgresLog.open(conninfo, Role.PROJECTOR) as log:
        await catch_up(conninfo, log)
