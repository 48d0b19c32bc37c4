"""Which roles connections act as, what refusals say, and whether commits hold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.database import Role, connect, conninfo_as, pool, prove_durable, refusal
from ledger.embedded import EmbeddedServer
from ledger.errors import NotConfiguredError, UnavailableError
from ledger.migrate import migrate
from ledger.postgres import PostgresLog
from samples import stripe


@pytest.mark.parametrize("role", list(Role))
async def test_a_connection_acts_as_its_role_in_utc_and_utf_8(
    ledger_database: str, role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    async with await connect(ledger_database, role, statement_timeout="7s") as connection:
        row = await (
            await connection.execute(
                "SELECT current_user, current_setting('timezone'), "
                "current_setting('client_encoding'), current_setting('statement_timeout')"
            )
        ).fetchone()

    assert row == (role, "UTC", "UTF8", "7s")


async def test_a_pool_gives_such_connections(ledger_database: str) -> None:
    async with (
        pool(ledger_database, Role.READER, size=2) as connections,
        connections.connection() as connection,
    ):
        row = await (await connection.execute("SELECT current_user")).fetchone()

    assert row == ("ledger_reader",)


def test_what_the_user_set_stays_but_for_what_the_log_relies_on() -> None:
    given = (
        "host=h dbname=d connect_timeout=1 client_encoding=latin1 options='-c work_mem=9MB'"
    )

    made = conninfo_to_dict(conninfo_as(given, Role.APPENDER, lock_timeout="1s"))

    assert (made["host"], made["dbname"], made["connect_timeout"]) == ("h", "d", "1")
    assert made["client_encoding"] == "utf8"
    assert made["target_session_attrs"] == "read-write"
    options = str(made["options"])
    assert options.index("work_mem=9MB") < options.index("role=ledger_appender")
    assert "-c lock_timeout=1s" in options


def test_a_reader_may_read_from_a_standby() -> None:
    made = conninfo_to_dict(conninfo_as("host=h", Role.READER))

    assert made["target_session_attrs"] == "any"


async def test_a_database_that_is_not_there_is_a_wrong_setting(database18: str) -> None:
    absent = make_conninfo(database18, dbname="nowhere")

    with pytest.raises(
        NotConfiguredError, match='"nowhere" does not exist; correct DATABASE'
    ):
        await connect(absent, Role.READER)
    with pytest.raises(NotConfiguredError, match="does not exist"):
        await asyncio.to_thread(migrate, absent)


async def test_a_server_that_is_not_there_may_come(tmp_path: Path) -> None:
    absent = f"host={tmp_path} dbname=ledger"

    with pytest.raises(UnavailableError, match="cannot be reached"):
        await connect(absent, Role.READER)
    with pytest.raises(UnavailableError, match="cannot be reached"):
        await asyncio.to_thread(migrate, absent)


@pytest.mark.parametrize(
    "conninfo",
    [
        "postgresql://user:hunter2@host/db?colour=red",
        "hunter2 and so on",
        "postgresql://[hunter2",
    ],
)
async def test_what_is_no_connection_string_is_not_repeated(conninfo: str) -> None:
    with pytest.raises(NotConfiguredError, match="no connection string") as caught:
        await connect(conninfo, Role.READER)
    assert "hunter2" not in str(caught.value)
    with pytest.raises(NotConfiguredError, match="no connection string") as caught:
        await asyncio.to_thread(migrate, conninfo)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "kind", "remedy"),
    [
        (
            'connection failed: FATAL:  password authentication failed for user "bl"',
            NotConfiguredError,
            "correct the user or password",
        ),
        (
            'connection failed: FATAL:  role "ledger_appender" does not exist',
            NotConfiguredError,
            "run bl migrate once",
        ),
        (
            'connection failed: FATAL:  permission denied to set role "ledger_appender"',
            NotConfiguredError,
            "grant the ledger's roles",
        ),
        (
            'FATAL:  no pg_hba.conf entry for host "10.0.0.1"',
            NotConfiguredError,
            "let this host in",
        ),
        (
            "FATAL:  the database system is starting up",
            UnavailableError,
            "cannot be reached",
        ),
        ("FATAL:  sorry, too many clients already", UnavailableError, "cannot be reached"),
        ("session is read-only", UnavailableError, "cannot be reached"),
        ("connection timeout expired", UnavailableError, "cannot be reached"),
    ],
)
def test_a_refusal_tells_what_must_be_set_right_from_what_passes(
    text: str, kind: type[Exception], remedy: str
) -> None:
    told = refusal(psycopg.OperationalError(f"{text}\n\tand more"))

    assert type(told) is kind
    assert remedy in str(told)
    assert "\n" not in str(told)


async def test_a_database_without_roles_or_ledger_says_what_to_run(database18: str) -> None:
    with pytest.raises(NotConfiguredError, match="run bl migrate"):
        async with PostgresLog.open(database18):
            pass


async def test_D16_a_server_that_syncs_is_proven_durable(ledger_database: str) -> None:
    await prove_durable(ledger_database)


async def test_D16_a_busy_server_is_proven_durable_as_well(ledger_database: str) -> None:
    async with AsyncExitStack() as until_the_end:
        opened = [PostgresLog.open(ledger_database, Role.APPENDER) for _ in range(2)]
        logs = [await until_the_end.enter_async_context(each) for each in opened]

        async def write(name: int) -> None:
            for number in range(10**9):
                await logs[name % 2].append([stripe(f"{name}_{number}")])

        writers = [asyncio.create_task(write(name)) for name in range(4)]
        for _ in range(5):
            await prove_durable(ledger_database)
        for writer in writers:
            assert not writer.done()
            writer.cancel()
        await asyncio.wait(writers)


@pytest.mark.parametrize("whom", ["ROLE ledger", "DATABASE {}"])
async def test_D16_a_user_or_database_whose_commits_do_not_wait_is_refused(
    ledger_database: str, whom: str
) -> None:
    name = str(conninfo_to_dict(ledger_database)["dbname"])
    setting = f"ALTER {whom.format(name)} IN DATABASE {name}"
    if whom.startswith("DATABASE"):
        setting = f"ALTER DATABASE {name}"
    async with await psycopg.AsyncConnection.connect(
        ledger_database, autocommit=True
    ) as owner:
        await owner.execute(f"{setting} SET synchronous_commit = off".encode())

        with pytest.raises(
            NotConfiguredError, match="Set fsync=on and synchronous_commit=on"
        ):
            await prove_durable(ledger_database)

        await owner.execute(f"{setting} RESET synchronous_commit".encode())
    await prove_durable(ledger_database)


@pytest.fixture(params=["15", "18"])
def careless_server(
    request: pytest.FixtureRequest,
    open_directory: Path,
    find_bin_dir: Callable[[str], Path | None],
) -> Iterator[EmbeddedServer]:
    """A server that writes but never syncs."""
    server = EmbeddedServer(open_directory / "data", bin_dir=find_bin_dir(request.param))
    with server:
        with psycopg.connect(server.conninfo, autocommit=True) as owner:
            owner.execute("ALTER SYSTEM SET fsync = off")
            owner.execute("SELECT pg_reload_conf()")
        migrate(server.conninfo)
        yield server


async def test_D16_a_server_that_never_syncs_is_refused(
    careless_server: EmbeddedServer,
) -> None:
    with pytest.raises(NotConfiguredError, match="200 commits reached the disk in 0 syncs"):
        await prove_durable(careless_server.conninfo)
