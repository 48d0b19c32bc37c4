"""The schema comes up from nothing, once, as a whole; each role may do its part only."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger import migrate as migrations
from ledger.database import Role, conninfo_as, prove_durable
from ledger.embedded import EmbeddedServer
from ledger.errors import NotConfiguredError
from ledger.migrate import Migration, SchemaError, migrate, pending, shipped
from ledger.postgres import PostgresLog
from samples import stripe

NAMES: Final = [step.name for step in shipped()]


def rows(conninfo: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def state(conninfo: str) -> list[tuple[object, ...]]:
    query = (
        "SELECT ledger_id, mode, i.genesis_hash, position, hash, recorded_at, "
        "(SELECT count(*) FROM ledger.log), (SELECT count(*) FROM ledger.encodings) "
        "FROM ledger.identity i, ledger.head"
    )
    return rows(conninfo, query)


def extended(monkeypatch: pytest.MonkeyPatch, sql: str) -> None:
    """Ship one migration more."""
    added = Migration(name="9999_more.sql", sql=sql, digest="d")
    steps = [*shipped(), added]
    monkeypatch.setattr(migrations, "shipped", lambda: steps)


def test_an_empty_database_becomes_an_empty_ledger(database: str) -> None:
    assert pending(database) == NAMES

    assert migrate(database, mode="live") == NAMES

    ((ledger_id, mode, genesis, position, digest, recorded_at, events, dictionaries),) = (
        state(database)
    )
    assert str(ledger_id).startswith("led_")
    assert (mode, position, recorded_at, events, dictionaries) == ("live", 0, None, 0, 1)
    assert genesis == digest
    assert pending(database) == []


def test_migrating_again_changes_nothing(ledger_database: str) -> None:
    before = state(ledger_database)

    assert migrate(ledger_database) == []

    assert state(ledger_database) == before


def test_migrating_a_ledger_with_events_appends_none(
    ledger_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def append() -> None:
        async with PostgresLog.open(ledger_database, Role.APPENDER) as log:
            await log.append([stripe("a")])

    asyncio.run(append())
    before = state(ledger_database)
    extended(monkeypatch, "CREATE TABLE ledger.more ()")

    assert migrate(ledger_database) == ["9999_more.sql"]

    assert state(ledger_database) == before


def test_two_ledgers_have_ids_of_their_own(database: str, database18: str) -> None:
    migrate(database)
    migrate(database18)

    assert state(database)[0][0] != state(database18)[0][0]


def test_four_processes_migrate_at_once_and_one_does_it(database: str) -> None:
    program = "import sys; from ledger.migrate import migrate; print(*migrate(sys.argv[1]))"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, database], stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]

    told = [process.communicate(timeout=60)[0].split() for process in processes]

    assert [process.returncode for process in processes] == [0] * 4
    assert sorted(told, key=len) == [[], [], [], NAMES]


def test_a_migration_that_fails_leaves_nothing_of_itself(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    extended(monkeypatch, "CREATE TABLE ledger.half (); SELECT 1 / 0")

    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(database)

    assert rows(database, "SELECT to_regclass('ledger.half')") == [(None,)]
    assert pending(database) == ["9999_more.sql"]
    extended(monkeypatch, "CREATE TABLE ledger.half ()")
    assert migrate(database) == ["9999_more.sql"]
    assert state(database)[0][1:] == ("test", *state(database)[0][2:])


def test_a_ledger_is_founded_after_a_migration_was_interrupted(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as interrupted:
        extended(interrupted, "SELECT 1 / 0")
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate(database)
    assert state(database) == []

    assert migrate(database) == []

    assert len(state(database)) == 1


REFUSED: Final = {
    "another text": ("UPDATE ledger.migrations SET digest = 'x'", "another text"),
    "a later release": (
        "INSERT INTO ledger.migrations VALUES ('9998_later.sql', 'x')",
        "knows 9998_later.sql, of a later release",
    ),
}


@pytest.mark.parametrize(("statement", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_schema_of_another_release_is_refused(
    ledger_database: str, statement: str, reason: str
) -> None:
    rows(ledger_database, statement)

    with pytest.raises(SchemaError, match=reason):
        migrate(ledger_database)
    with pytest.raises(SchemaError, match=reason):
        pending(ledger_database)


def test_a_ledger_of_the_other_mode_is_refused(ledger_database: str) -> None:
    with pytest.raises(SchemaError, match="test mode; set LEDGER_MODE=test"):
        migrate(ledger_database, mode="live")


def test_another_dictionary_is_refused(ledger_database: str) -> None:
    rows(ledger_database, "UPDATE ledger.encodings SET dictionary = 'x'")

    with pytest.raises(SchemaError, match="encoding 1 is another dictionary"):
        migrate(ledger_database)


def test_a_schema_of_that_name_that_is_not_ours_is_left_alone(database: str) -> None:
    rows(database, "CREATE SCHEMA read_models")

    with pytest.raises(SchemaError, match="a database of its own"):
        migrate(database)

    assert pending(database) == NAMES[1:]


GONE: Final = [
    f"{statement} {table}"
    for table in ("ledger.log", "ledger.identity", "ledger.encodings", "ledger.migrations")
    for statement in ("DELETE FROM", "TRUNCATE", "DROP TABLE")
]
FORBIDDEN_TO_ALL: Final = [
    *GONE,
    "UPDATE ledger.log SET body = ''",
    "UPDATE ledger.log SET position = position",
    "UPDATE ledger.identity SET ledger_id = 'x'",
    "UPDATE ledger.encodings SET name = 'x'",
    "UPDATE ledger.migrations SET digest = 'x'",
    "SELECT FROM ledger.log FOR UPDATE",
    "INSERT INTO ledger.identity VALUES (true, 'x', 'test', sha256(''))",
    "INSERT INTO ledger.encodings VALUES (9, 'x', '')",
    "INSERT INTO ledger.migrations VALUES ('x', 'x')",
    "DELETE FROM ledger.head",
    "TRUNCATE ledger.head",
    "DROP TABLE ledger.head",
    "INSERT INTO ledger.head VALUES (true, 0, sha256(''))",
    "ALTER TABLE ledger.log DISABLE TRIGGER ALL",
    "ALTER TABLE ledger.log DROP CONSTRAINT log_position_is_unique",
    "ALTER TABLE ledger.log OWNER TO CURRENT_USER",
    "ALTER TABLE ledger.log ADD COLUMN x int",
    "CREATE TABLE ledger.mine ()",
    "CREATE TRIGGER mine BEFORE INSERT ON ledger.log EXECUTE FUNCTION now()",
    "CREATE RULE mine AS ON INSERT TO ledger.log DO INSTEAD NOTHING",
    "CREATE INDEX mine ON ledger.log (topic)",
    "DROP SCHEMA ledger CASCADE",
    # Granting what one does not have is a warning, and without effect.
    "GRANT UPDATE ON ledger.log TO CURRENT_USER; UPDATE ledger.log SET topic = ''",
    "LOCK ledger.log IN ACCESS EXCLUSIVE MODE",
    "SET session_replication_role = replica",
    "CREATE ROLE mine",
]
WRITES: Final = [
    "UPDATE ledger.head SET position = position",
    "SELECT FROM ledger.head FOR UPDATE",
    "INSERT INTO ledger.log SELECT * FROM ledger.log",
]
READ_MODELS: Final = [
    "CREATE TABLE read_models.mine ()",
    "UPDATE read_models.bookmarks SET position = 0",
    "DELETE FROM read_models.objects",
    "TRUNCATE read_models.objects",
    "DROP TABLE read_models.parked",
]
FORBIDDEN: Final = [
    *[(role, statement) for role in Role for statement in FORBIDDEN_TO_ALL],
    *[(role, each) for role in (Role.PROJECTOR, Role.READER) for each in WRITES],
    *[(role, each) for role in (Role.APPENDER, Role.READER) for each in READ_MODELS],
]
ALLOWED: Final = [
    *[
        (role, f"SELECT * FROM ledger.{table}")
        for role in Role
        for table in ("log", "head", "identity", "encodings", "migrations")
    ],
    *[(Role.APPENDER, statement) for statement in WRITES],
    *[(Role.PROJECTOR, statement) for statement in READ_MODELS],
    (Role.PROJECTOR, "SELECT * FROM read_models.objects"),
    (Role.READER, "SELECT * FROM read_models.objects"),
]


def attempt(
    conninfo: str, statements: list[tuple[Role, str]]
) -> dict[tuple[Role, str], str]:
    """Try each statement as its role; return how it was refused, "" if it was not."""
    told = {}
    for role in Role:
        with psycopg.connect(conninfo_as(conninfo, role)) as connection:
            for tried, statement in statements:
                if tried is not role:
                    continue
                try:
                    connection.execute(statement.encode())
                    told[role, statement] = ""
                except psycopg.errors.InsufficientPrivilege as error:
                    told[role, statement] = str(error)
                connection.rollback()
    return told


def test_L01_what_a_role_may_not_do_is_refused_by_postgresql(ledger_database: str) -> None:
    told = attempt(ledger_database, FORBIDDEN)

    assert {tried for tried, refusal in told.items() if not refusal} == set()
    assert len(told) == len(FORBIDDEN) > 100


def test_L01_K_the_same_statements_are_not_refused_to_whom_they_belong(
    ledger_database: str,
) -> None:
    told = attempt(ledger_database, ALLOWED)

    assert {tried for tried, refusal in told.items() if refusal} == set()


def test_tables_that_a_projector_makes_later_can_be_read(ledger_database: str) -> None:
    rows(conninfo_as(ledger_database, Role.PROJECTOR), "CREATE TABLE read_models.mine ()")

    assert rows(conninfo_as(ledger_database, Role.READER), "TABLE read_models.mine") == []


@pytest.fixture(params=["15", "18"])
def strict_server(
    request: pytest.FixtureRequest,
    open_directory: Path,
    find_bin_dir: Callable[[str], Path | None],
) -> Iterator[EmbeddedServer]:
    """A server of this test alone, on which users can log in who are no superusers."""
    server = EmbeddedServer(open_directory / "data", bin_dir=find_bin_dir(request.param))
    with server:
        database = conninfo_to_dict(server.conninfo)["dbname"]
        for statement in (
            "CREATE ROLE testers",
            "CREATE ROLE founder LOGIN CREATEROLE IN ROLE testers",
            f"GRANT CREATE ON DATABASE {database} TO founder",
            "CREATE ROLE nobody LOGIN IN ROLE testers",
            "CREATE ROLE runner LOGIN IN ROLE testers",
        ):
            rows(server.conninfo, statement)
        ((hba_file,),) = rows(server.conninfo, "SHOW hba_file")
        path = Path(str(hba_file))
        path.write_text(f"local all +testers trust\n{path.read_text()}")
        rows(server.conninfo, "SELECT pg_reload_conf()")
        await_login(make_conninfo(server.conninfo, user="nobody"))
        yield server


def await_login(conninfo: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            psycopg.connect(conninfo).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def test_users_need_only_the_rights_they_use(strict_server: EmbeddedServer) -> None:
    def acting(user: str) -> str:
        return make_conninfo(strict_server.conninfo, user=user)

    with pytest.raises(
        NotConfiguredError, match="run bl migrate once as a user with CREATE"
    ):
        migrate(acting("nobody"))
    assert migrate(acting("founder")) == NAMES
    assert migrate(acting("founder")) == []
    asyncio.run(prove_durable(acting("founder")))
    with pytest.raises(NotConfiguredError, match="grant it the roles"):
        pending(acting("nobody"))
    with pytest.raises(
        NotConfiguredError, match="grant the ledger's roles to the database"
    ):
        asyncio.run(prove_durable(acting("nobody")))

    for role in Role:
        rows(strict_server.conninfo, f"GRANT {role} TO runner")
    assert pending(acting("runner")) == []
    asyncio.run(prove_durable(acting("runner")))
    assert set(attempt(acting("runner"), FORBIDDEN).values()).isdisjoint({""})
    assert set(attempt(acting("runner"), ALLOWED).values()) == {""}
