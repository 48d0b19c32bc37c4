"""Read models in PostgreSQL: the same rows as in memory, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
import psycopg
import pytest

from ledger.database import Role, connect
from ledger.errors import NotFoundError, UnavailableError
from ledger.events import Command, Event, SeatAssigned, StripeEvent
from ledger.postgres import PostgresLog
from projections.facts import SubscriptionObserved
from projections.models.declaration import Projection, on, table
from projections.models.registry import PROJECTIONS
from projections.models.seats import SEATS
from projections.models.subscriptions import SUBSCRIPTIONS, History, observed
from projections.projector import generations, parking, process
from projections.projector.folding import Key
from projections.projector.postgres import PostgresRows
from projections.projector.rows import Bookmark, Row
from projections.projector.runner import Runner
from projections.projector.twin import MemoryRows

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


def shown(
    name: str, account: str, second: int, status: str = "active", quantity: int = 1
) -> StripeEvent:
    body = {
        "data": {
            "object": {
                "status": status,
                "items": {"data": [{"id": "si_1", "quantity": quantity}]},
            }
        }
    }
    return StripeEvent(
        event_id=f"evt_{name}",
        body=json.dumps(body).encode(),
        account=account,
        object_id=f"sub_{account}",
        occurred_at=NOON + timedelta(seconds=second),
        stripe_type="customer.subscription.updated",
    )


def seat(account: str, user: str) -> SeatAssigned:
    command = Command(id=f"cmd:{account}:{user}", fingerprint="")
    return SeatAssigned(account=account, command=command, user=user)


def story() -> list[Event]:
    """Ten accounts whose events come late, early and within one second."""
    events: list[Event] = []
    for number in range(300):
        account = f"cus_{number % 10}"
        second = (number * 37) % 100
        quantity = number % 5
        events.append(shown(str(number), account, second, quantity=quantity))
        if number % 7 == 0:
            events.append(seat(account, f"u_{number}"))
        if number % 11 == 0:
            events.append(
                StripeEvent(
                    event_id=f"evt_p{number}", body=b"", stripe_type="account.updated"
                )
            )
    return events


@attrs.frozen
class Ledger:
    conninfo: str
    log: PostgresLog

    def rows(
        self, projection: Projection[Any], generation: int | None = None
    ) -> PostgresRows:
        return PostgresRows(self.conninfo, projection.name, generation)


@pytest.fixture
async def ledger(ledger_database: str) -> AsyncIterator[Ledger]:
    async with PostgresLog.open(ledger_database, role=Role.APPENDER) as log:
        yield Ledger(ledger_database, log)


async def rows_of(ledger: Ledger, name: str) -> dict[Key, Row]:
    query = f"SELECT account, object, state, refers FROM read_models.{name}"
    async with await connect(ledger.conninfo, Role.READER) as connection:
        cursor = await connection.execute(query)
        return {
            (row[0], bytes(row[1]).decode()): Row(state=bytes(row[2]), refers=row[3])
            for row in await cursor.fetchall()
        }


async def bookmark(ledger: Ledger, projection: Projection[Any]) -> Bookmark:
    rows = ledger.rows(projection)
    try:
        return await rows.bookmark()
    finally:
        await rows.close()


async def in_memory(ledger: Ledger, projection: Projection[Any]) -> dict[Key, Row]:
    rows = MemoryRows(projection.version)
    await Runner(projection, ledger.log, rows).catch_up()
    return rows.rows


async def follow(ledger: Ledger, projection: Projection[Any], batch: int = 4096) -> None:
    rows = ledger.rows(projection)
    try:
        await Runner(projection, ledger.log, rows, batch=batch).catch_up()
    finally:
        await rows.close()


async def test_rows_and_bookmark_are_those_of_the_twin_at_every_step(
    ledger: Ledger,
) -> None:
    events = story()
    for start in range(0, len(events), 60):
        await ledger.log.append(events[start : start + 60])
        await process.catch_up(ledger.conninfo, ledger.log)
        for projection in PROJECTIONS:
            kept = await rows_of(ledger, projection.name)
            assert kept == await in_memory(ledger, projection)


async def test_what_is_not_translated_is_counted_once(ledger: Ledger) -> None:
    await ledger.log.append(story())

    await process.catch_up(ledger.conninfo, ledger.log)
    await process.catch_up(ledger.conninfo, ledger.log)

    async with await connect(ledger.conninfo, Role.READER) as connection:
        cursor = await connection.execute(
            "SELECT DISTINCT stripe_type, events FROM read_models.untranslated"
        )
        assert await cursor.fetchall() == [("account.updated", 28)]


async def test_two_runners_at_once_apply_every_event_once(ledger: Ledger) -> None:
    await process.prepare(ledger.conninfo, ledger.log, SEATS)
    await ledger.log.append([seat("cus_1", f"u_{n}") for n in range(200)])

    await asyncio.gather(*(follow(ledger, SEATS, batch=3) for _ in range(3)))

    assert await rows_of(ledger, "seats") == await in_memory(ledger, SEATS)
    assert (await bookmark(ledger, SEATS)).position == 200


async def test_a_rebuild_swaps_in_whole_while_appends_and_readers_go_on(
    ledger: Ledger,
) -> None:
    await ledger.log.append(story())
    await process.catch_up(ledger.conninfo, ledger.log)
    done = asyncio.Event()
    sizes: set[int] = set()

    async def append() -> None:
        for number in range(40):
            await ledger.log.append([shown(f"late{number}", "cus_1", 200 + number)])
            await follow(ledger, SUBSCRIPTIONS)

    async def watch() -> None:
        while not done.is_set():
            sizes.add(len(await rows_of(ledger, "subscriptions")))

    watching = asyncio.create_task(watch())
    await asyncio.gather(
        append(),
        process.rebuild(ledger.conninfo, ledger.log, SUBSCRIPTIONS),
    )
    done.set()
    await watching
    await follow(ledger, SUBSCRIPTIONS)

    assert sizes == {10}
    kept = await rows_of(ledger, "subscriptions")
    assert kept == await in_memory(ledger, SUBSCRIPTIONS)
    assert (await bookmark(ledger, SUBSCRIPTIONS)).generation == 2
    async with await connect(ledger.conninfo, Role.PROJECTOR) as connection:
        assert await generations.drop_unused(connection, "subscriptions") == []


async def test_a_runner_goes_on_in_the_rows_that_took_the_place_of_its_own(
    ledger: Ledger,
) -> None:
    await ledger.log.append(story())
    await process.catch_up(ledger.conninfo, ledger.log)
    rows = ledger.rows(SUBSCRIPTIONS, None)
    runner = Runner(SUBSCRIPTIONS, ledger.log, rows)
    await runner.catch_up()
    await process.rebuild(ledger.conninfo, ledger.log, SUBSCRIPTIONS)
    await ledger.log.append([shown("late", "cus_1", 900)])

    await runner.catch_up()
    await rows.close()

    assert (await bookmark(ledger, SUBSCRIPTIONS)).generation == 2
    kept = await rows_of(ledger, "subscriptions")
    assert kept == await in_memory(ledger, SUBSCRIPTIONS)


async def test_an_interrupted_rebuild_goes_on_where_it_was(ledger: Ledger) -> None:
    await ledger.log.append(story())
    await process.catch_up(ledger.conninfo, ledger.log)
    async with await connect(ledger.conninfo, Role.PROJECTOR) as connection:
        begun = await generations.begin(connection, SUBSCRIPTIONS)
        rows = ledger.rows(SUBSCRIPTIONS, begun.number)
        await Runner(SUBSCRIPTIONS, ledger.log, rows, batch=50).catch_up(until=150)
        await rows.close()
        again = await generations.begin(connection, SUBSCRIPTIONS)
        assert (again.number, again.position) == (begun.number, 150)

    await process.rebuild(ledger.conninfo, ledger.log, SUBSCRIPTIONS)

    kept = await rows_of(ledger, "subscriptions")
    assert kept == await in_memory(ledger, SUBSCRIPTIONS)
    assert (await bookmark(ledger, SUBSCRIPTIONS)).generation == begun.number


async def test_a_newer_version_is_rebuilt_at_start_and_an_older_program_stops(
    ledger: Ledger,
) -> None:
    await ledger.log.append(story())
    await process.catch_up(ledger.conninfo, ledger.log)
    newer = attrs.evolve(SUBSCRIPTIONS, version=SUBSCRIPTIONS.version + 1)

    await process.catch_up(ledger.conninfo, ledger.log, [newer])

    assert (await bookmark(ledger, newer)).version == newer.version
    with pytest.raises(UnavailableError, match=f"version {newer.version}"):
        await follow(ledger, SUBSCRIPTIONS)


def failing_at(quantity: int) -> Projection[History]:
    def handler(history: History, fact: SubscriptionObserved) -> History | None:
        if fact.subscription.items[0].quantity == quantity:
            raise ZeroDivisionError("cannot divide")
        return observed(history, fact)

    return attrs.evolve(SUBSCRIPTIONS, handlers=table(on(SubscriptionObserved, handler)))


async def test_P01_a_failing_event_parks_its_account_alone(ledger: Ledger) -> None:
    await process.prepare(ledger.conninfo, ledger.log, SUBSCRIPTIONS)
    poison = [
        shown("1", "cus_1", 1),
        shown("2", "cus_2", 2),
        shown("3", "cus_1", 3, quantity=66),
        shown("4", "cus_1", 4, quantity=3),
        shown("5", "cus_2", 5, quantity=4),
    ]
    await ledger.log.append(poison)

    for batch in (1, 1000):
        async with await connect(ledger.conninfo, Role.PROJECTOR) as connection:
            await connection.execute("TRUNCATE read_models.parked")
            await connection.execute("UPDATE read_models.bookmarks SET position = 0")
            await connection.execute("TRUNCATE read_models.subscriptions_g1")
        await follow(ledger, failing_at(66), batch=batch)
        async with await connect(ledger.conninfo, Role.READER) as connection:
            parked = await parking.parked(connection)
        kept = await rows_of(ledger, "subscriptions")

        assert [(one.account, one.position, one.error) for one in parked] == [
            ("cus_1", 3, "ZeroDivisionError")
        ]
        assert kept[("cus_1", "sub_cus_1")] == await alone(ledger, "cus_1", until=2)
        assert kept[("cus_2", "sub_cus_2")] == await alone(ledger, "cus_2", until=5)


async def alone(ledger: Ledger, account: str, until: int) -> Row:
    rows = MemoryRows(SUBSCRIPTIONS.version)
    await Runner(SUBSCRIPTIONS, ledger.log, rows).catch_up(until)
    return rows.rows[account, f"sub_{account}"]


async def test_P01_a_late_event_that_fails_parks_at_the_same_place_in_any_batch(
    ledger: Ledger,
) -> None:
    await process.prepare(ledger.conninfo, ledger.log, SUBSCRIPTIONS)
    await ledger.log.append([shown(str(n), "cus_1", 10 * n) for n in range(1, 20)])
    await ledger.log.append([shown("late", "cus_1", 1), shown("early", "cus_1", 2)])
    await ledger.log.append([shown("bad", "cus_1", 3, quantity=66)])
    found = []
    for batch in (1, 4, 1000):
        rows = MemoryRows(SUBSCRIPTIONS.version)
        await Runner(failing_at(66), ledger.log, rows, batch=batch).catch_up()
        found.append((rows.rows, rows.failures))

    assert found[0] == found[1] == found[2]
    assert found[0][1]["cus_1"].position == 22


async def test_P03_a_released_account_catches_up_from_its_stream(ledger: Ledger) -> None:
    await process.prepare(ledger.conninfo, ledger.log, SUBSCRIPTIONS)
    await ledger.log.append([shown("1", "cus_1", 1), shown("2", "cus_1", 2, quantity=66)])
    runner_rows = ledger.rows(SUBSCRIPTIONS)
    runner = Runner(failing_at(66), ledger.log, runner_rows)
    await runner.catch_up()
    await ledger.log.append([shown("3", "cus_1", 3, quantity=5), shown("4", "cus_2", 4)])
    await runner.catch_up()

    still = await parking.release(ledger.conninfo, ledger.log, failing_at(66), "cus_1")
    freed = await parking.release(ledger.conninfo, ledger.log, SUBSCRIPTIONS, "cus_1")
    await ledger.log.append([shown("5", "cus_1", 5, quantity=8)])
    await runner.catch_up()
    await runner_rows.close()

    assert still is not None
    assert freed is None
    kept = await rows_of(ledger, "subscriptions")
    assert kept == await in_memory(ledger, SUBSCRIPTIONS)
    with pytest.raises(NotFoundError):
        await parking.release(ledger.conninfo, ledger.log, SUBSCRIPTIONS, "cus_1")


DEADLY: Final = """
import asyncio, os, sys, time, attrs
from ledger.postgres import PostgresLog
from ledger.database import Role
from projections.models.declaration import on, table
from projections.facts import SeatChanged
from projections.projector.postgres import PostgresRows
from projections.projector.runner import Runner
from projections.models.seats import SEATS, changed

def deadly(register, fact):
    if fact.user == "poison":
        {death}
    return changed(register, fact)

async def main():
    deadly_seats = attrs.evolve(SEATS, handlers=table(on(SeatChanged, deadly)))
    async with PostgresLog.open(sys.argv[1], role=Role.PROJECTOR) as log:
        await Runner(deadly_seats, log, PostgresRows(sys.argv[1], "seats")).catch_up()

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("death", "patience_s"), [("os._exit(9)", 20), ("time.sleep(3600)", 1.5)]
)
async def test_P02_an_event_that_kills_the_process_parks_its_account(
    ledger_database18: str, death: str, patience_s: float
) -> None:
    async with PostgresLog.open(ledger_database18, role=Role.APPENDER) as log:
        ledger = Ledger(ledger_database18, log)
        await process.prepare(ledger.conninfo, log, SEATS)
        await log.append([seat("cus_1", "a"), seat("cus_2", "b")])
        await log.append([seat("cus_1", "poison"), seat("cus_1", "c"), seat("cus_2", "d")])
        script = DEADLY.format(death=death)
        starts = 0
        while (await bookmark(ledger, SEATS)).position < 5:
            starts += 1
            assert starts <= 60  # a slow machine may not come to it in each
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-c", script, ledger.conninfo
            )
            try:
                # a busy machine is given longer each time
                await asyncio.wait_for(child.wait(), patience_s + starts / 4)
            except TimeoutError:
                child.kill()
                await child.wait()

        async with await connect(ledger.conninfo, Role.READER) as connection:
            parked = await parking.parked(connection)
        assert [(one.account, one.position) for one in parked] == [("cus_1", 3)]
        kept = await rows_of(ledger, "seats")
        assert sorted(kept) == [
            ("cus_1", "user:a"),
            ("cus_2", "user:b"),
            ("cus_2", "user:d"),
        ]
        assert (await bookmark(ledger, SEATS)).starts == 0


async def test_readers_may_not_write_and_the_projector_may_not_touch_the_log(
    ledger: Ledger,
) -> None:
    await ledger.log.append(story())
    await process.catch_up(ledger.conninfo, ledger.log)
    forbidden = [
        (Role.READER, "DELETE FROM read_models.subscriptions"),
        (Role.READER, "UPDATE read_models.bookmarks SET position = 0"),
        (Role.READER, "INSERT INTO read_models.parked SELECT 'a', 1, 'b', 1, 'c', 'd'"),
        (Role.PROJECTOR, "UPDATE ledger.log SET account = 'x'"),
        (Role.PROJECTOR, "DELETE FROM ledger.log"),
        (Role.PROJECTOR, "UPDATE ledger.head SET position = 1"),
    ]
    for role, statement in forbidden:
        async with await connect(ledger.conninfo, role) as connection:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute(statement)
