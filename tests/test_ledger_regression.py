"""A clock that goes back or jumps: what is kept, and where it shows."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
import pytest

from command_line import bl, on
from ledger import appender as group_commit
from ledger.database import Role
from ledger.events import Command, SeatAssigned, StripeEvent
from ledger.log import Recorded
from ledger.postgres import PostgresLog
from ledger.regression import ClockWatch
from ledger.twin import MemoryLog
from ledger.verify import verify
from projections.assembly import as_of
from projections.models.links import Linked
from projections.projector import process
from projections.seating.history import held

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
# As the clock shows it, commit by commit: back by an hour, on by a day, back again.
SHOWN: Final = [NOON, NOON - HOUR, NOON + 24 * HOUR, NOON + HOUR, NOON + 25 * HOUR]
KEPT: Final = [NOON, NOON, NOON + 24 * HOUR, NOON + 24 * HOUR, NOON + 25 * HOUR]


def seat(number: int) -> SeatAssigned:
    of = Command(id=f"cmd:{number}", fingerprint="")
    return SeatAssigned(account="cus_1", command=of, user=f"u_{number}")


def delivered(number: int, signed_at: datetime) -> StripeEvent:
    return StripeEvent(
        event_id=f"evt_{number}",
        body=b"{}",
        account="cus_1",
        stripe_type="customer.updated",
        occurred_at=signed_at,
        signed_at=signed_at,
    )


async def in_memory() -> tuple[list[Recorded], ClockWatch]:
    ticks = iter(SHOWN)
    log = MemoryLog(clock=lambda: next(ticks))
    for number in range(len(SHOWN)):
        await log.append([seat(number)])
    return [one async for page in log.read() for one in page], log.clock_watch


async def in_postgresql(
    conninfo: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[Recorded], ClockWatch]:
    async with PostgresLog.open(conninfo, Role.APPENDER) as log:
        for number, shown in enumerate(SHOWN):
            at = f"timestamptz '{shown.isoformat()}'"
            lock = group_commit.LOCK.replace("clock_timestamp()", at)
            with monkeypatch.context() as patched:
                patched.setattr(group_commit, "LOCK", lock)
                await log.append([seat(number)])
        return [one async for page in log.read() for one in page], log.clock_watch


def as_it_must_be(recorded: list[Recorded], watch: ClockWatch) -> None:
    assert [one.position for one in recorded] == [1, 2, 3, 4, 5]
    assert [one.recorded_at for one in recorded] == KEPT
    assert watch.counter.values == {"database": 2}
    account = as_of(Linked(customer="cus_1", product=None), recorded, None)
    for now in (NOON, *SHOWN):
        seats = held(account.registers, now).seats
        assert all(each.since <= now for each in seats)


async def test_L13_a_clock_that_goes_back_moves_nothing_back_in_the_twin(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        as_it_must_be(*await in_memory())

    noted: list[Any] = [one for one in caplog.records if one.message == "clock_regression"]
    assert [(one.position, one.behind_s) for one in noted] == [(2, 3600), (4, 82_800)]


async def test_L13_nor_in_postgresql(
    ledger_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded, watch = await in_postgresql(ledger_database, monkeypatch)

    as_it_must_be(recorded, watch)
    assert (await verify(ledger_database)).fault is None


async def test_L13_a_clock_that_runs_is_not_noted(ledger_database18: str) -> None:
    async with PostgresLog.open(ledger_database18, Role.APPENDER) as log:
        for number in range(20):
            await log.append([seat(number)])

        assert log.clock_watch.counter.values == {}
    assert (await verify(ledger_database18)).regressions == ()


def test_L13_doctor_and_verify_tell_of_a_clock_that_had_gone_back(
    ledger_database18: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = datetime.now(UTC).replace(microsecond=0) + 2 * HOUR

    async def fill() -> None:
        async with PostgresLog.open(ledger_database18, Role.APPENDER) as log:
            lock = group_commit.LOCK.replace(
                "clock_timestamp()", f"timestamptz '{ahead.isoformat()}'"
            )
            with monkeypatch.context() as patched:
                patched.setattr(group_commit, "LOCK", lock)
                await log.append([delivered(0, ahead)])
            await log.append([delivered(n, ahead - 2 * HOUR) for n in range(1, 600)])
            await log.append([delivered(n, ahead - 2 * HOUR) for n in range(600, 1200)])
        async with PostgresLog.open(ledger_database18, Role.PROJECTOR) as log:
            await process.catch_up(ledger_database18, log)

    asyncio.run(fill())
    verified = bl("verify", "-O", "json", env=on(ledger_database18))
    doctor = json.loads(bl("doctor", "-O", "json", env=on(ledger_database18)).out)

    said = json.loads(verified.out)
    assert (verified.code, said["ok"]) == (0, True)
    found = [(each["code"], each["position"]) for each in said["findings"]]
    assert found == [("clock_regression", 1), ("clock_regression", 2)]
    assert "1,200 rows share one time" in said["findings"][0]["message"]
    assert "2:00:00 away" in said["findings"][1]["message"]
    clock = next(each for each in doctor["checks"] if each["name"] == "clock")
    assert not clock["ok"]
    assert "clock_regression" in clock["detail"]


@pytest.mark.parametrize("column", ["signed_at", "stripe_account"])
def test_a_log_without_one_of_its_columns_is_exit_3_and_one_line(
    ledger_database18: str, column: str
) -> None:
    with psycopg.connect(ledger_database18, autocommit=True) as connection:
        connection.execute(f"ALTER TABLE ledger.log DROP COLUMN {column}")

    said = bl("verify", env=on(ledger_database18))

    assert said.code == 3
    assert column in said.err
    assert len(said.err.splitlines()) == 1
