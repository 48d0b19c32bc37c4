"""What surrounds the ledger: encodings, an environment, a server that stands still."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from command_line import bl, on
from ledger import postgres
from ledger.database import Role, connect
from ledger.errors import NotConfiguredError, UnavailableError
from ledger.events import StripeEvent
from ledger.migrate import migrate
from ledger.postgres import PostgresLog
from projections import reading
from projections.projector import process
from projections.reading import Reader

AT: Final = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
EVENT: Final = StripeEvent(
    event_id="evt_1",
    body=b'{"data":{"object":{"id":"sub_1","status":"active"}}}',
    account="cus_1",
    object_id="sub_1",
    occurred_at=AT,
    stripe_type="customer.subscription.created",
)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_is_not_utf_8_is_refused_in_one_line(
    database: str, encoding: str
) -> None:
    name = f"{psycopg.conninfo.conninfo_to_dict(database)['dbname']}_other"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"
        )
        conninfo = make_conninfo(database, dbname=name)
        try:
            with pytest.raises(NotConfiguredError, match=f"encoded in {encoding}"):
                migrate(conninfo)
            said = bl("migrate", env=on(conninfo))
            assert (said.code, len(said.err.splitlines())) == (5, 1)
            with psycopg.connect(conninfo) as other:
                found = other.execute("SELECT to_regnamespace('ledger')").fetchone()
            assert found == (None,)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def kept_by(conninfo: str) -> Any:  # noqa: ANN401 - rows as they are read
    async with PostgresLog.open(conninfo, Role.APPENDER) as log:
        await log.append([EVENT])
        recorded = [one async for page in log.read() for one in page]
        await process.catch_up(conninfo, log)
    async with await connect(conninfo, Role.READER) as connection:
        cursor = await connection.execute(
            "SELECT account, object, state, now()::text FROM read_models.subscriptions"
        )
        rows = await cursor.fetchall()
        cursor = await connection.execute("SELECT occurred_at FROM ledger.log")
        times = [row[0] for row in await cursor.fetchall()]
    event = recorded[0].event
    assert isinstance(event, StripeEvent)
    zones = {at.tzname() for at in (event.occurred_at, *times) if at}
    return zones, [row[:3] for row in rows], {row[3][-3:] for row in rows}


AMBIENT: Final = {
    "PGTZ": "Asia/Kathmandu",
    "PGDATESTYLE": "SQL, DMY",
    "PGGEQO": "off",
    "PGCLIENTENCODING": "LATIN1",
    "PGOPTIONS": "-c timezone=America/St_Johns -c bytea_output=escape -c jit=on",
    "PGAPPNAME": "somebody",
}


async def test_what_the_environment_says_to_libpq_changes_nothing(
    found_ledger: Any,  # noqa: ANN401 - a fixture that makes ledgers
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = await kept_by(found_ledger("18"))
    for name, value in AMBIENT.items():
        monkeypatch.setenv(name, value)

    assert await kept_by(found_ledger("18")) == plain
    assert plain[0] == {"UTC"}
    assert plain[2] == {"+00"}


def backends(conninfo: str, name: str) -> list[int]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        found = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = %s "
            "AND datname = current_database()",
            (f"billing-ledger {name}",),
        ).fetchall()
    return [row[0] for row in found]


async def test_a_server_that_stands_still_costs_a_reader_its_deadline_and_no_more(
    ledger_database18: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its backends are stopped: they take a question and answer nothing, for ever."""
    monkeypatch.setattr(reading, "ANSWER_S", 0.3)
    monkeypatch.setitem(postgres.READ_S, Role.READER, 0.3)
    async with PostgresLog.open(ledger_database18, Role.APPENDER) as log:
        await process.catch_up(ledger_database18, log)
    reader = Reader(ledger_database18, size=1)
    await reader.open()
    async with PostgresLog.open(ledger_database18, readers=1) as log:
        await log.head()
        await reader.position()
        stopped = backends(ledger_database18, "reader")
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            for ask in (log.head, reader.position):
                started = asyncio.get_running_loop().time()
                with pytest.raises(UnavailableError):
                    await ask()
                assert asyncio.get_running_loop().time() - started < 5
            assert (await log.head()).position == 0
            assert await reader.position() == 0
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
            await reader.close()
