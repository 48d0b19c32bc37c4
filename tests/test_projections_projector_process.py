"""The projector as a process: started, killed, stopped, and the same on any machine."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import aiohttp
import psycopg
import pytest

from ledger.database import Role, connect
from ledger.events import Command, Event, SeatAssigned, StripeEvent
from ledger.postgres import PostgresLog
from ledger.tokens import mint
from ledger.twin import MemoryLog
from projections.models.registry import PROJECTIONS
from projections.projector import folding, process
from projections.projector.runner import Runner
from projections.projector.twin import MemoryRows
from projections.translation.translate import translation

KEY: Final = "0123456789abcdef0123456789abcdef"
NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


def events(count: int, seed: int = 1) -> list[Event]:
    chance = random.Random(seed)
    found: list[Event] = []
    for number in range(count):
        account = f"cus_{chance.randrange(40)}"
        body = {"data": {"object": {"status": chance.choice(["active", "past_due"])}}}
        found.append(
            StripeEvent(
                event_id=f"evt_{seed}_{number}",
                body=json.dumps(body).encode(),
                account=account,
                object_id=f"sub_{account}",
                occurred_at=NOON + timedelta(seconds=chance.randrange(count)),
                stripe_type="customer.subscription.updated",
            )
            if number % 3
            else SeatAssigned(
                account=account,
                command=Command(id=f"cmd:{seed}:{number}", fingerprint=""),
                user=f"u_{number % 50}",
            )
        )
    return found


@asynccontextmanager
async def projector(
    conninfo: str, tmp_path: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {
        **os.environ,
        "DATABASE_URL": conninfo,
        "LEDGER_TOKEN_KEY": KEY,
        "LEDGER_PORT": "0",
        "LEDGER_MODE": "test",
        "LEDGER_DATA_DIR": str(tmp_path),
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "projections",
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


async def port_of(child: asyncio.subprocess.Process) -> int:
    assert child.stderr is not None
    while line := await child.stderr.readline():
        told = json.loads(line)
        if told.get("event") == "listening":
            return int(told["port"])
    raise AssertionError("it never listened")


async def cut_every_connection_but_the_appenders(conninfo: str) -> None:
    async with await psycopg.AsyncConnection.connect(conninfo) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() "
            "AND application_name SIMILAR TO '%(projector|reader)%'"
        )


async def digest(conninfo: str) -> str:
    found = hashlib.sha256()
    async with await connect(conninfo, Role.READER) as connection:
        for each in PROJECTIONS:
            cursor = await connection.execute(
                f"SELECT account, object, state FROM read_models.{each.name} "
                "ORDER BY account, object"
            )
            found.update(repr(await cursor.fetchall()).encode())
    return found.hexdigest()


async def test_it_projects_serves_and_stops_when_told(
    ledger_database18: str, tmp_path: Path
) -> None:
    token = mint(
        key=KEY.encode(),
        scopes=["read"],
        account=None,
        expires_at=None,
        now=datetime.now(UTC),
    )
    async with (
        PostgresLog.open(ledger_database18, role=Role.APPENDER) as log,
        projector(ledger_database18, tmp_path) as child,
    ):
        port = await asyncio.wait_for(port_of(child), 20)
        for number, event in enumerate(events(30), start=1):
            await log.append([event])
            if number == 15:
                await cut_every_connection_but_the_appenders(ledger_database18)
            url = f"http://127.0.0.1:{port}/v1/accounts/{event.account}/billing"
            async with (
                aiohttp.ClientSession(
                    headers={"Authorization": f"Bearer {token}", "Prefer": "wait=10"}
                ) as session,
                session.get(url, params={"at_least": number}) as answer,
            ):
                assert answer.status == 200
                assert (await answer.json())["meta"]["position"] >= number
        child.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(child.wait(), 10) == 0


@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.slow)])
async def test_P04_killed_at_random_it_ends_where_a_replay_from_zero_does(
    ledger_database18: str, tmp_path: Path, kills: int
) -> None:
    chance = random.Random(5)
    async with PostgresLog.open(ledger_database18, role=Role.APPENDER) as log:
        for round_ in range(kills):
            async with projector(ledger_database18, tmp_path) as child:
                await log.append(events(60, seed=round_))
                await asyncio.sleep(0.4 + chance.random() * 0.8)
                child.kill()
        await process.catch_up(ledger_database18, log)
        async with await connect(ledger_database18, Role.READER) as connection:
            for each in PROJECTIONS:
                rows = MemoryRows(each.version)
                await Runner(each, log, rows).catch_up()
                cursor = await connection.execute(
                    f"SELECT account, object, state FROM read_models.{each.name}"
                )
                kept = {
                    (a, bytes(o).decode()): bytes(s) for a, o, s in await cursor.fetchall()
                }
                assert kept == {key: row.state for key, row in rows.rows.items()}


TOLD: Final = """
import asyncio, sys
from ledger.postgres import PostgresLog
from ledger.database import Role
from projections.projector import process
from projections.models.registry import PROJECTIONS

async def main():
    async with PostgresLog.open(sys.argv[1], role=Role.PROJECTOR) as log:
        for projection in PROJECTIONS:
            await process.rebuild(sys.argv[1], log, projection, afresh=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/St_Johns"])
async def test_P07_neither_hash_seed_nor_zone_nor_locale_changes_a_byte(
    ledger_database18: str, zone: str
) -> None:
    async with PostgresLog.open(ledger_database18, role=Role.APPENDER) as log:
        await log.append(events(400))
        await process.catch_up(ledger_database18, log)
    before = await digest(ledger_database18)

    for seed in ("0", "7"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C"}
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", TOLD, ledger_database18, env=environment
        )
        assert await child.wait() == 0
        assert await digest(ledger_database18) == before


async def test_P08_no_fold_reads_a_clock_a_socket_or_chance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = MemoryLog(clock=lambda: NOON)
    await log.append(events(60))
    pages = [page async for page in log.read()]

    def poisoned(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("a fold reached for the world outside")

    for name in ("time.time", "random.random", "socket.socket", "os.getenv", "os.urandom"):
        monkeypatch.setattr(name, poisoned)

    for each in PROJECTIONS:
        table = translation(each.handlers)
        reading = folding.read(table, (one for page in pages for one in page))
        assert reading.failures == {}
        assert bool(folding.fold(each, reading.facts)) == bool(
            folding.keys(each, reading.facts)
        )


async def test_a_wrong_setting_is_one_line_and_exit_5(tmp_path: Path) -> None:
    environment = {**os.environ, "LEDGER_PORT": "many", "LEDGER_DATA_DIR": str(tmp_path)}
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "projections",
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await child.communicate()

    assert child.returncode == 5
    assert told.decode().startswith("projections: LEDGER_PORT")
    assert told.count(b"\n") == 1
