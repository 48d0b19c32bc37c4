"""Whatever dies, the embedded PostgreSQL comes up again with all that was committed."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.embedded import EmbeddedServer
from ledger.embedded_account import server_account


@pytest.fixture(params=["15", "18"])
def bin_dir(request: pytest.FixtureRequest, find_bin_dir: Callable[[str], Path]) -> Path:
    return find_bin_dir(request.param)


def query(conninfo: str, statement: str) -> tuple[Any, ...]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return (cursor.description and cursor.fetchone()) or ()


def postmaster_pid(conninfo: str) -> int:
    data_directory = query(conninfo, "SHOW data_directory")[0]
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


def test_server_goes_with_a_killed_parent_and_the_next_start_is_clean(
    open_directory: Path, bin_dir: Path, start_owner: Callable[..., Any]
) -> None:
    data_dir = open_directory / "data"
    first = start_owner(data_dir, bin_dir)
    conninfo = first.answer()["conninfo"]
    query(conninfo, "CREATE TABLE kept AS SELECT 42 AS figure")
    pid = postmaster_pid(conninfo)

    first.kill()

    assert wait_until_gone(pid, 10)
    with EmbeddedServer(data_dir, bin_dir=bin_dir) as server:
        assert server.owns_server
        assert query(server.conninfo, "SELECT figure FROM kept") == (42,)
    assert "not properly shut down" not in log_of(data_dir)


def test_dying_server_is_waited_out(
    open_directory: Path, start_owner: Callable[..., Any]
) -> None:
    data_dir = open_directory / "data"
    first = start_owner(data_dir)
    pid = postmaster_pid(first.answer()["conninfo"])
    os.kill(pid, signal.SIGSTOP)
    first.kill()
    waking = threading.Timer(1, os.kill, (pid, signal.SIGCONT))
    waking.start()
    begun = time.monotonic()

    with EmbeddedServer(data_dir) as server:
        assert time.monotonic() - begun >= 1
        assert server.owns_server
        assert postmaster_pid(server.conninfo) != pid


def test_backends_of_a_killed_postmaster_are_waited_out(
    open_directory: Path, bin_dir: Path
) -> None:
    server = EmbeddedServer(open_directory / "data", bin_dir=bin_dir)
    server.start()
    query(server.conninfo, "CREATE TABLE kept AS SELECT 42 AS figure")
    busy = psycopg.connect(server.conninfo, autocommit=True)
    backend = busy.info.backend_pid
    # Computes without ever looking whether its postmaster lives.
    loop = "DO $$ BEGIN WHILE clock_timestamp() < '%s' LOOP END LOOP; END $$"
    until = query(server.conninfo, "SELECT clock_timestamp() + '2 s'")[0]
    worker = threading.Thread(target=busy.execute, args=[loop % until])
    worker.start()
    time.sleep(0.3)

    os.kill(postmaster_pid(server.conninfo), signal.SIGKILL)
    time.sleep(0.3)
    orphaned = is_alive(backend)
    server.start()

    with server:
        worker.join()
        busy.close()
        assert orphaned
        assert not is_alive(backend)
        assert query(server.conninfo, "SELECT figure FROM kept") == (42,)
    assert "not properly shut down" in log_of(server.data_dir)


def test_process_id_in_a_stale_file_may_belong_to_a_stranger(
    open_directory: Path,
) -> None:
    data_dir, account = open_directory / "data", server_account()
    with EmbeddedServer(data_dir) as server:
        stale = (data_dir / "pg18" / "postmaster.pid").read_text().split("\n", 1)[1]
    as_server = account.change_to is not None
    stranger = subprocess.Popen(
        ["sleep", "60"],
        user=account.uid if as_server else None,
        group=account.gid if as_server else None,
        extra_groups=[] if as_server else None,
        cwd="/",
    )
    try:
        lock_file = data_dir / "pg18" / "postmaster.pid"
        lock_file.write_text(f"{stranger.pid}\n{stale}")
        os.chown(lock_file, account.uid, account.gid)

        with server:
            assert server.owns_server
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
