"""Rows D09, D10, D12 and D14 of the trials: processes of their own on one database."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path

import psycopg
import pytest
from aiohttp import ClientSession

from doors import (
    SECRET,
    TOKEN_KEY,
    Process,
    deliver,
    event,
    exchange,
    post,
    process,
    reply,
    signed,
    start_process,
)

NO_TABLE = "postgresql://nobody@127.0.0.1:1/none"


def rows(database: str) -> list[tuple[int, str]]:
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "SELECT position, originator_id FROM ledger.log ORDER BY position"
        )
        return [(int(position), str(name)) for position, name in found]


async def send_all(port: int, bodies: Iterable[bytes]) -> Counter[tuple[int, bool]]:
    """Deliver *bodies* in a row on one connection; count what was answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered: Counter[tuple[int, bool]] = Counter()
    for body in bodies:
        writer.write(post(body))
        answer = await reply(reader)
        answered[answer.status, bool(answer.json.get("duplicate"))] += 1
    writer.close()
    await writer.wait_closed()
    return answered


async def test_D09_fifty_deliveries_of_one_event_to_four_processes_are_one_row(
    ledger_database18: str,
) -> None:
    body = event()
    async with AsyncExitStack() as stack:
        doors = [
            await stack.enter_async_context(process(ledger_database18)) for _ in range(4)
        ]
        answers = await asyncio.gather(
            *(deliver(doors[number % 4].port, body) for number in range(50))
        )

    assert {answer.status for answer in answers} == {200}
    assert {answer.json["position"] for answer in answers} == {1}
    assert [answer.json["duplicate"] for answer in answers].count(False) == 1
    assert rows(ledger_database18) == [(1, "evt_1")]


async def test_D09_control_looking_before_writing_lets_two_in(database18: str) -> None:
    with psycopg.connect(database18, autocommit=True) as connection:
        connection.execute("CREATE TABLE log (id text)")

    async def mutant() -> None:
        async with await psycopg.AsyncConnection.connect(
            database18, autocommit=True
        ) as connection:
            found = await connection.execute("SELECT 1 FROM log WHERE id = 'evt_1'")
            if await found.fetchone() is None:
                await asyncio.sleep(0.01)
                await connection.execute("INSERT INTO log VALUES ('evt_1')")

    await asyncio.gather(*(mutant() for _ in range(10)))

    with psycopg.connect(database18) as connection:
        assert len(connection.execute("SELECT id FROM log").fetchall()) > 1


async def test_D10_ten_thousand_deliveries_of_four_hundred_events_leave_no_gap(
    ledger_database18: str,
) -> None:
    bodies = [event(f"evt_{number}") for number in range(400)]
    async with process(ledger_database18) as door:
        counts = await asyncio.gather(
            *(send_all(door.port, bodies[start:] + bodies[:start]) for start in range(25))
        )

    answered = sum(counts, Counter[tuple[int, bool]]())
    assert answered == {(200, False): 400, (200, True): 9600}
    stored = rows(ledger_database18)
    assert [position for position, _ in stored] == list(range(1, 401))
    assert len({name for _, name in stored}) == 400


def test_D10_control_a_sequence_burns_a_number_on_each_duplicate(database18: str) -> None:
    with psycopg.connect(database18, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE log (position bigint GENERATED ALWAYS AS IDENTITY, "
            "id text PRIMARY KEY)"
        )
        for number in range(1000):
            connection.execute(
                "INSERT INTO log (id) VALUES (%s) ON CONFLICT DO NOTHING", (number % 40,)
            )
        connection.execute("INSERT INTO log (id) VALUES ('last')")
        found = connection.execute("SELECT count(*), max(position) FROM log").fetchone()

    assert found == (41, 1001)


async def load_until_closed(door: Process, worker: int) -> tuple[list[int], list[str]]:
    """Deliver one after the other until the door closes; return statuses and ids."""
    statuses, acknowledged = [], []
    for number in range(100_000):
        name = f"evt_{worker}_{number}"
        try:
            answer = await exchange(door.port, post(event(name)))
        except (ConnectionError, asyncio.IncompleteReadError):
            break
        statuses.append(answer.status)
        if answer.status == 200:
            acknowledged.append(name)
    return statuses, acknowledged


async def test_D12_a_stop_under_load_cuts_no_request_that_was_read(
    ledger_database18: str,
) -> None:
    async with process(ledger_database18, LEDGER_GRACE_S="5") as door:
        loading = [asyncio.create_task(load_until_closed(door, n)) for n in range(8)]
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(post(event("evt_slow"))[:-5])
        await asyncio.sleep(0.7)
        started = time.monotonic()
        door.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.3)
        writer.write(post(event("evt_slow"))[-5:])
        slow = await reply(reader)
        writer.close()
        code = await asyncio.wait_for(door.process.wait(), 10)
        took_s = time.monotonic() - started
        results = await asyncio.gather(*loading)

    statuses = Counter(status for given, _ in results for status in given)
    acknowledged = {name for _, names in results for name in names} | {"evt_slow"}
    assert (code, slow.status) == (0, 200)
    assert took_s < 6
    assert set(statuses) == {200}
    assert acknowledged <= {name for _, name in rows(ledger_database18)}


async def test_D12_a_second_signal_ends_the_process_at_once(ledger_database18: str) -> None:
    async with process(ledger_database18, LEDGER_GRACE_S="60") as door:
        _, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(post(event())[:-5])
        await asyncio.sleep(0.2)
        door.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.3)
        assert door.process.returncode is None
        door.process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(door.process.wait(), 1)
        writer.close()

    assert code == 128 + signal.SIGTERM


async def run_to_its_end(*arguments: str, **environment: str) -> tuple[int, str]:
    running, errors = await start_process(*arguments, **environment)
    said = await asyncio.wait_for(errors.read(), 30)
    return await running.wait(), said.decode()


BASE = {
    "LEDGER_PORT": "0",
    "STRIPE_WEBHOOK_SECRETS": SECRET,
    "LEDGER_TOKEN_KEY": TOKEN_KEY.decode(),
}


@pytest.mark.parametrize(
    ("changes", "arguments", "reason"),
    [
        ({"STRIPE_WEBHOOK_SECRETS": "hunter2"}, [], "STRIPE_WEBHOOK_SECRETS holds"),
        ({"STRIPE_WEBHOOK_SECRETS": None}, [], "STRIPE_WEBHOOK_SECRETS is missing"),
        ({"LEDGER_TOKEN_KEY": None}, [], "LEDGER_TOKEN_KEY is missing"),
        ({"LEDGER_TOLERANCE_S": "0"}, [], "LEDGER_TOLERANCE_S is not"),
        ({"LEDGER_HOST": "203.0.113.1"}, [], "LEDGER_PORT 0 cannot be listened on"),
        ({"DATABASE_URL": NO_TABLE}, [], "DATABASE_URL cannot be used"),
        ({"DATABASE_URL": "no such thing"}, [], "DATABASE_URL is no connection string"),
        ({}, ["--secret", SECRET], "argument 2 holds a secret"),
    ],
)
async def test_D14_a_wrong_setting_is_exit_5_and_one_line(
    changes: dict[str, str | None], arguments: list[str], reason: str
) -> None:
    environment = {"DATABASE_URL": NO_TABLE, **BASE, **changes}

    code, said = await run_to_its_end(
        *arguments, **{name: value for name, value in environment.items() if value}
    )

    (line,) = [line for line in said.splitlines() if not line.startswith("{")]
    assert code == 5
    assert reason in line
    for secret in (SECRET, TOKEN_KEY.decode(), "hunter2"):
        assert secret not in said
    assert '"ready"' not in said
    assert "Traceback" not in said


async def test_D14_a_schema_that_was_not_migrated_is_exit_5(database18: str) -> None:
    code, said = await run_to_its_end(DATABASE_URL=database18, **BASE)

    assert code == 5
    assert "bl migrate" in said.splitlines()[-1]
    assert '"ready"' not in said


async def test_D14_a_ledger_of_the_other_mode_is_exit_5(ledger_database18: str) -> None:
    code, said = await run_to_its_end(
        DATABASE_URL=ledger_database18, LEDGER_MODE="live", **BASE
    )

    assert code == 5
    assert "LEDGER_MODE is live" in said.splitlines()[-1]


async def test_readyz_follows_the_database_and_metrics_have_a_port_of_their_own(
    ledger_database18: str,
) -> None:
    async with process(ledger_database18) as door, ClientSession() as session:
        address = f"http://127.0.0.1:{door.port}"
        await deliver(door.port, event())
        await deliver(door.port, event(), signatures=["t=1,v1=0"])
        async with session.get(f"{address}/healthz") as alive:
            assert alive.status == 200
        async with session.get(f"{address}/readyz") as ready:
            assert ready.status == 200
        async with session.get(f"{address}/metrics") as here:
            assert here.status == 404
        async with session.get(f"http://127.0.0.1:{door.metrics_port}/metrics") as metrics:
            text = await metrics.text()

    assert 'ledger_deliveries_total{outcome="accepted"} 1.0' in text
    assert 'ledger_deliveries_total{outcome="unsigned"} 1.0' in text
    assert 'ledger_acknowledged_seconds_bucket{le="+Inf"} 1.0' in text
    assert "ledger_ready 1.0" in text


async def test_R09_secrets_are_read_again_on_hangup(
    ledger_database18: str, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.toml"
    path.write_text(f'stripe_webhook_secrets = "{SECRET}"')
    added, body = "whsec_added_later", event()
    async with process(
        ledger_database18, LEDGER_SETTINGS=str(path), STRIPE_WEBHOOK_SECRETS=""
    ) as door:
        early = await deliver(door.port, body, signatures=[signed(body, secret=added)])
        path.write_text(f'stripe_webhook_secrets = "{SECRET},{added}"')
        os.kill(door.process.pid, signal.SIGHUP)
        await asyncio.sleep(0.5)
        late = await deliver(door.port, body, signatures=[signed(body, secret=added)])
        path.write_text('stripe_webhook_secrets = "broken"')
        os.kill(door.process.pid, signal.SIGHUP)
        await asyncio.sleep(0.5)
        kept = await deliver(door.port, body, signatures=[signed(body, secret=added)])

    assert [early.status, late.status, kept.status] == [400, 200, 200]
