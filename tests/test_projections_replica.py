"""The read API on a streaming replica: the same answers, and how far behind they are."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from aiohttp.test_utils import TestClient, TestServer
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.database import Role
from ledger.embedded_account import server_account
from ledger.embedded_binaries import find_binaries
from ledger.postgres import PostgresLog
from ledger.tokens import mint
from projections.api.app import application
from projections.api.serving import opened
from projections.projector import process
from test_projections_api_app import HISTORY, KEY, NOW, shown

PATH: Final = "/v1/accounts/cus_1/billing"


@pytest.fixture
def standby(ledger_database18: str, open_directory: Path) -> Iterator[str]:
    """A standby of the embedded server, streaming from it; as conninfo."""
    account = server_account()
    binaries = find_binaries(None).initdb
    folder = Path(binaries).parent
    primary = conninfo_to_dict(ledger_database18)
    data, socket = open_directory / "standby", open_directory / "socket"
    for made in (data, socket):
        made.mkdir(mode=0o700)
        os.chown(made, account.uid, account.gid)
    who: dict[str, Any] = {}
    if account.change_to is not None:
        who = {"user": account.uid, "group": account.gid, "extra_groups": []}
    link = make_conninfo(host=primary["host"], port=primary["port"], user=primary["user"])
    subprocess.run(
        [
            folder / "pg_basebackup",
            "-d",
            link,
            "-D",
            data,
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
        ],
        check=True,
        cwd="/",
        **who,
    )
    running = subprocess.Popen(
        [
            folder / "postgres",
            "-D",
            data,
            "-k",
            socket,
            "-c",
            "listen_addresses=",
            "-c",
            "max_standby_streaming_delay=1s",
        ],
        cwd="/",
        stderr=subprocess.DEVNULL,
        **who,
    )
    asked = make_conninfo(ledger_database18, host=str(socket))
    try:
        _await(asked)
        yield asked
    finally:
        running.send_signal(2)
        running.wait(20)


def _await(conninfo: str) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(conninfo).close()
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


async def test_a_replica_answers_as_the_primary_and_says_how_far_behind_it_is(
    ledger_database18: str, standby: str
) -> None:
    token = mint(key=KEY, scopes=["read", "audit"], account=None, expires_at=None, now=NOW)
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        PostgresLog.open(ledger_database18, role=Role.APPENDER) as log,
        opened(standby) as replica,
        TestClient(TestServer(application(replica, [KEY])), headers=headers) as client,
    ):
        await log.append(HISTORY)
        await process.catch_up(ledger_database18, log)
        body = await (await client.get(f"{PATH}?at_least={len(HISTORY)}")).json()
        assert (body["status"], body["meta"]["replica_lag_ms"]) == ("past_due", 0)

        # It goes on to answer while it is told nothing new, and says how old that is.
        with psycopg.connect(standby, autocommit=True) as connection:
            connection.execute("SELECT pg_wal_replay_pause()")
            await log.append([shown("evt_5", 0, "active")])
            await process.catch_up(ledger_database18, log)
            await asyncio.sleep(0.05)
            stale = await (await client.get(PATH)).json()
            late = await client.get(f"{PATH}?at_least=9", headers={"Prefer": "wait=0"})
            status = await (await client.get("/v1/status")).json()
            connection.execute("SELECT pg_wal_replay_resume()")
        assert (stale["status"], late.status) == ("past_due", 503)
        assert 50 <= stale["meta"]["replica_lag_ms"] <= status["replica_lag_ms"] < 60_000
        again = await (await client.get(f"{PATH}?at_least=9")).json()
        assert (again["status"], again["meta"]["replica_lag_ms"]) == ("active", 0)

        # What notifies nobody is asked again and again: a listener hears all the same.
        stream = await client.get("/v1/events", headers={"Accept": "text/event-stream"})
        await log.append([shown("evt_6", 0, "unpaid")])
        async with asyncio.timeout(5):
            while b"evt_6" not in await stream.content.readline():
                pass
        stream.close()
