"""The embedded PostgreSQL starts, is shared, survives violence and keeps what it has."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.embedded import EmbeddedServer
from ledger.embedded_account import server_account
from ledger.embedded_directory import ClusterVersionError, DataDirectory
from ledger.embedded_process import ServerStartError


@pytest.fixture(params=["15", "18"])
def bin_dir(request: pytest.FixtureRequest, find_bin_dir: Callable[[str], Path]) -> Path:
    return find_bin_dir(request.param)


@pytest.fixture
def server(open_directory: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(open_directory / "data") as server:
        yield server


def query(conninfo: str, statement: str) -> tuple[Any, ...]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return (cursor.description and cursor.fetchone()) or ()


def show(conninfo: str, setting: str) -> str:
    return str(query(conninfo, f"SHOW {setting}")[0])


def postmaster_pid(conninfo: str) -> int:
    data_directory = show(conninfo, "data_directory")
    return int(Path(data_directory, "postmaster.pid").read_text().split("\n", 1)[0])


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until_gone(pid: int, wait_s: float) -> bool:
    deadline = time.monotonic() + wait_s
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(pid)


def log_of(data_dir: Path) -> str:
    return (data_dir / "postgres.log").read_text()


def test_starts_in_nothing_stops_and_starts_again_with_what_it_had(
    open_directory: Path, bin_dir: Path
) -> None:
    server = EmbeddedServer(open_directory / "not" / "yet", bin_dir=bin_dir)

    server.start()
    query(server.conninfo, "CREATE TABLE kept AS SELECT 42 AS figure")
    pid = postmaster_pid(server.conninfo)
    server.stop()
    server.stop()
    stopped = not is_alive(pid)
    server.start()

    with server:
        assert stopped
        assert query(server.conninfo, "SELECT figure FROM kept") == (42,)
    assert "not properly shut down" not in log_of(server.data_dir)


def test_settings_are_those_a_ledger_needs(postgres_server: EmbeddedServer) -> None:
    for setting, expected in [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("wal_level", "replica"),
        ("listen_addresses", ""),
        ("unix_socket_permissions", "0700"),
        ("password_encryption", "scram-sha-256"),
        ("server_encoding", "UTF8"),
        ("jit", "off"),
        ("timezone", "UTC"),
    ]:
        assert show(postgres_server.conninfo, setting) == expected, setting
    assert query(
        postgres_server.conninfo,
        "SELECT datcollate, current_user FROM pg_database"
        " WHERE datname = current_database() AND datname = 'ledger'",
    ) == ("C", "ledger")


def test_nothing_listens_on_tcp(postgres_server: EmbeddedServer) -> None:
    pid = postmaster_pid(postgres_server.conninfo)
    sockets = {
        str(entry.readlink())
        for entry in Path(f"/proc/{pid}/fd").iterdir()
        if entry.is_symlink()
    }

    tcp = {
        f"socket:[{line.split()[9]}]"
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    }

    assert any(name.startswith("socket:") for name in sockets)
    assert not sockets & tcp


def test_directories_are_private_to_the_user_of_the_server(
    postgres_server: EmbeddedServer,
) -> None:
    data_dir = postgres_server.data_dir

    for path in (data_dir, *(path for path in data_dir.iterdir() if path.is_dir())):
        found = path.stat()
        assert (found.st_uid, found.st_mode & 0o7777) == (server_account().uid, 0o700), path


def test_ctrl_c_on_the_terminal_does_not_reach_the_server(
    postgres_server: EmbeddedServer,
) -> None:
    assert os.getsid(postmaster_pid(postgres_server.conninfo)) != os.getsid(0)


def test_server_sees_nothing_of_the_operators_environment(
    open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRETS", "whsec_of_the_operator")
    monkeypatch.setenv("PGPORT", "6000")

    with (
        EmbeddedServer(open_directory / "data") as server,
        psycopg.connect(server.conninfo) as connection,
    ):
        connection.execute("CREATE TEMPORARY TABLE environment (line text)")
        connection.execute("COPY environment FROM PROGRAM 'env'")
        lines = {line for (line,) in connection.execute("SELECT line FROM environment")}

    assert "TZ=UTC" in lines
    assert not lines & {"STRIPE_WEBHOOK_SECRETS=whsec_of_the_operator", "PGPORT=6000"}


def test_server_outlives_the_thread_that_started_it(open_directory: Path) -> None:
    server = EmbeddedServer(open_directory / "data")
    starter = threading.Thread(target=server.start)
    starter.start()
    starter.join()

    with server:
        assert not wait_until_gone(postmaster_pid(server.conninfo), 0.5)


def test_stop_does_not_wait_for_open_transactions(server: EmbeddedServer) -> None:
    with psycopg.connect(server.conninfo) as connection:
        connection.execute("SELECT 1")
        begun = time.monotonic()

        server.stop()

        assert time.monotonic() - begun < 5
        connection.close()


def test_second_process_uses_the_running_server_and_leaves_it_running(
    server: EmbeddedServer, start_owner: Callable[..., Any]
) -> None:
    query(server.conninfo, "CREATE TABLE seen AS SELECT 7 AS figure")

    second = start_owner(server.data_dir)
    told = second.answer()
    figure = query(told["conninfo"], "SELECT figure FROM seen")
    second.end()

    assert told["owns"] is False
    assert figure == (7,)
    assert query(server.conninfo, "SELECT figure FROM seen") == (7,)


def test_second_process_takes_over_after_the_first(
    open_directory: Path, start_owner: Callable[..., Any]
) -> None:
    first = start_owner(open_directory / "data")
    first.answer()
    second = EmbeddedServer(open_directory / "data")
    second.start()
    shared = second.owns_server
    first.end()

    with second:
        assert not shared
        assert second.owns_server
        assert query(second.conninfo, "SELECT 1") == (1,)


def test_four_first_starts_at_once_make_one_cluster(
    open_directory: Path, start_owner: Callable[..., Any]
) -> None:
    owners = [start_owner(open_directory / "data") for _ in range(4)]

    told = [owner.answer() for owner in owners]

    assert sorted(each["owns"] for each in told) == [False, False, False, True]
    identifier = "SELECT system_identifier FROM pg_control_system()"
    assert len({query(each["conninfo"], identifier) for each in told}) == 1
    made = {path.name for path in (open_directory / "data").iterdir()}
    assert made == {"pg18", "run", "postgres.log", "server.lock"}
    assert [path.name for path in open_directory.iterdir()] == ["data"]


def test_long_path_has_its_socket_in_a_private_directory_elsewhere(
    open_directory: Path, start_owner: Callable[..., Any]
) -> None:
    data_dir = open_directory / ("Geschäftsbücher" * 8)
    server = EmbeddedServer(data_dir)
    with server:
        elsewhere = Path(show(server.conninfo, "unix_socket_directories"))
        found = elsewhere.stat()
        second = start_owner(data_dir).answer()
    with server:
        again = Path(show(server.conninfo, "unix_socket_directories"))
    elsewhere.rmdir()

    assert elsewhere.parent == Path("/tmp")
    assert (found.st_uid, found.st_mode & 0o7777) == (server_account().uid, 0o700)
    assert second["owns"] is False
    assert again == elsewhere


def test_failed_start_shows_the_end_of_the_log(server: EmbeddedServer) -> None:
    server.stop()
    with (server.data_dir / "pg18" / "postgresql.conf").open("a") as settings:
        settings.write("shared_buffers = plenty\n")

    with pytest.raises(ServerStartError, match=r'invalid value .*shared_buffers.*"plenty"'):
        server.start()


def test_cluster_of_another_major_version_is_left_alone(open_directory: Path) -> None:
    with EmbeddedServer(open_directory / "data") as server:
        older = server.data_dir / "pg15"
    (server.data_dir / "pg18").rename(older)

    with pytest.raises(ClusterVersionError, match=str(older)):
        server.start()

    assert not DataDirectory(path=server.data_dir, major=18).cluster.exists()
