"""A simulated company, delivered as badly as Stripe may, against how it really ended."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from ledger.envelope import stripe_event
from ledger.events import Command, Event, SeatAssigned, SeatReleased
from ledger.twin import MemoryLog
from projections.answer import answer
from projections.assembly import assembled
from projections.models.links import resolve
from projections.models.registry import PROJECTIONS
from projections.projector.rows import Codec
from projections.projector.runner import Runner
from projections.projector.twin import MemoryRows
from replay.simulator.occurrences import Occurrence, SeatOccurrence, StripeOccurrence
from replay.simulator.simulation import Simulation

START = datetime(2025, 1, 1, tzinfo=UTC)
# Of a Stripe that ends what is not paid by its own rules, not by the policy.
EXPECTED = {
    "seats_baseline_missing",
    "dunning_deviation",
    "cancel_not_executed",
}
AFTER = datetime(2030, 1, 1, tzinfo=UTC)


def event(occurrence: Occurrence) -> Event:
    if isinstance(occurrence, StripeOccurrence):
        return stripe_event(occurrence.body, ledger_livemode=False)
    assert isinstance(occurrence, SeatOccurrence)
    kind = SeatAssigned if occurrence.active else SeatReleased
    return kind(
        account=occurrence.account,
        command=Command(id=f"cmd:{occurrence.account}:{occurrence.key}", fingerprint=""),
        user=occurrence.user,
        effective_at=occurrence.effective_at,
    )


def late_and_doubled(events: Sequence[Event], seed: int) -> list[Event]:
    """Give each event a delay, a few of days, and every tenth a second delivery."""
    chance = random.Random(seed)
    placed = [
        (number + chance.choice([0, 0, 0, 3, 20, 400]), number)
        for number in range(len(events))
        for _ in range(1 + (chance.random() < 0.1))
    ]
    return [events[number] for _, number in sorted(placed)]


@pytest.mark.parametrize("seed", [3, 4])
async def test_every_account_ends_as_its_company_did(seed: int) -> None:
    run = Simulation(seed=seed, accounts=40, months=8, start=START)
    events = [event(occurrence) for occurrence in run.occurrences()]
    log = MemoryLog()
    await log.append(late_and_doubled(events, seed))
    kept: dict[str, dict[tuple[str, str], Any]] = {}
    for each in PROJECTIONS:
        rows = MemoryRows(each.version)
        await Runner(each, log, rows, batch=500).catch_up()
        assert rows.failures == {}
        codec = Codec(each)
        kept[each.name] = {k: codec.decode(row.state) for k, row in rows.rows.items()}

    expectations = run.expectations()
    for account, expected in expectations.items():
        told = answer(assembled(resolve(account, {}), kept), AFTER)
        primary = told.primary
        assert told.status == (expected.status or "none"), account
        if primary is None:
            continue
        assert primary.id == expected.subscription
        shown = primary.subscription
        assert (shown.period_start, shown.period_end) == (
            expected.period_start,
            expected.period_end,
        )
        assert expected.quantity in {item.quantity for item in shown.items}
        assert told.seats is not None
        assert told.seats.users == expected.active_users
        codes = {finding.code for finding in told.findings}
        assert codes <= EXPECTED, (account, told.findings)
    assert len(expectations) == 40
