"""Who may use an embedded PostgreSQL; whoever may not is told, and nothing is loosened."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import ledger
from ledger import embedded_account
from ledger.embedded import EmbeddedServer
from ledger.embedded_account import server_account
from ledger.embedded_directory import DataDirectory, DataDirectoryError

OWNER = Path(__file__).with_name("embedded_owner.py")
# Has a name everywhere, and is neither the server's user nor whoever runs the tests.
ORDINARY = "daemon"
NAMELESS_UID = 54_321

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as others")


class Ordinary:
    """An OS user without any rights, and a Python that it can run."""

    def __init__(self) -> None:
        found = pwd.getpwnam(ORDINARY)
        self.ids = (found.pw_uid, found.pw_gid)
        self.python = sys.executable

    def run(self, *arguments: str | Path, uid: int | None = None) -> subprocess.Popen[str]:
        paths = [str(Path(ledger.__file__).parents[1]), *filter(None, sys.path)]
        return subprocess.Popen(
            [self.python, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            user=uid or self.ids[0],
            group=self.ids[1],
            extra_groups=[],
            cwd="/",
            env={"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"},
        )

    def can_run(self, python: str) -> bool:
        """Try *python*, and keep it if it is good."""
        self.python = python
        try:
            with self.run("-c", "import ledger.embedded") as trial:
                return trial.wait() == 0
        except OSError:
            return False


@pytest.fixture(scope="module")
def ordinary(skip_unless_required: Callable[[str], None]) -> Ordinary:
    user = Ordinary()
    of_the_system = f"/usr/bin/python3.{sys.version_info.minor}"
    if not any(user.can_run(python) for python in (sys.executable, of_the_system)):
        skip_unless_required(
            f"{ORDINARY} can run neither {sys.executable} nor {of_the_system}, or cannot "
            f"read the project"
        )
    return user


@pytest.fixture
def closed(open_directory: Path) -> Iterator[Path]:
    """A directory of root's that nobody else can enter."""
    path = open_directory / "closed"
    path.mkdir(mode=0o700)
    yield path
    assert (path.stat().st_uid, path.stat().st_mode & 0o7777) == (0, 0o700)


@pytest.fixture
def own_directory(open_directory: Path, ordinary: Ordinary) -> Path:
    """What does not exist yet, where only the ordinary user can make it."""
    home = open_directory / "home"
    home.mkdir()
    os.chown(home, *ordinary.ids)
    return home / "data"


def answer(owner: subprocess.Popen[str]) -> dict[str, Any]:
    assert owner.stdout is not None
    told: dict[str, Any] = json.loads(owner.stdout.readline())
    return told


def connect(conninfo: str) -> psycopg.Connection[Any]:
    return psycopg.connect(conninfo, autocommit=True)


@as_root
def test_directory_that_root_made_0700_is_named_and_left_alone(closed: Path) -> None:
    with pytest.raises(DataDirectoryError, match=rf"{closed} \(mode 0700, uid 0\)"):
        EmbeddedServer(closed).start()

    assert list(closed.iterdir()) == []


@as_root
def test_directory_that_only_root_can_write_is_named(open_directory: Path) -> None:
    with pytest.raises(DataDirectoryError, match=rf"chown -R \S+ {open_directory}"):
        EmbeddedServer(open_directory).start()


@as_root
def test_closed_directory_on_the_way_is_named(closed: Path) -> None:
    with pytest.raises(DataDirectoryError, match=rf"{closed}/data .* {closed} \(mode 0700"):
        EmbeddedServer(closed / "data").start()


@as_root
def test_cluster_of_another_user_is_named(open_directory: Path) -> None:
    with EmbeddedServer(open_directory / "data") as server:
        cluster = server.data_dir / "pg18"
    os.chown(cluster, 0, 0)

    with pytest.raises(DataDirectoryError, match=rf"{cluster} \(mode 0700, uid 0\)"):
        server.start()


@as_root
def test_directory_made_under_a_strict_umask_can_be_reached(open_directory: Path) -> None:
    before = os.umask(0o077)
    try:
        with EmbeddedServer(open_directory / "made" / "too" / "data") as server:
            assert server.owns_server
    finally:
        os.umask(before)


def test_file_in_place_of_the_directory_is_named(open_directory: Path) -> None:
    (open_directory / "data").write_text("")

    with pytest.raises(
        DataDirectoryError, match=rf"{open_directory}/data .*Not a directory"
    ):
        EmbeddedServer(open_directory / "data").start()


@as_root
def test_root_without_a_user_postgres_has_nobody_run_the_server(
    open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_account, "PLACES_OF_ROOT", ("no-such-user", "nobody"))

    with EmbeddedServer(open_directory / "data") as server, connect(server.conninfo):
        assert (server.data_dir / "pg18").owner() == "nobody"


@as_root
def test_user_without_a_name_is_told_what_is_missing(
    open_directory: Path, ordinary: Ordinary
) -> None:
    with ordinary.run(OWNER, open_directory / "data", uid=NAMELESS_UID) as owner:
        told = answer(owner)

    assert told["error"] == "ServerAccountError"
    assert str(NAMELESS_UID) in told["text"]


@as_root
def test_ordinary_user_has_a_server_of_its_own_that_dies_with_it(
    own_directory: Path, ordinary: Ordinary
) -> None:
    directory = DataDirectory(path=own_directory, major=18)
    with ordinary.run(OWNER, own_directory) as owner:
        told = answer(owner)
        with connect(told["conninfo"]) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS figure")
        served = directory.is_served()
        owner.kill()
    deadline = time.monotonic() + 10
    while directory.is_served() and time.monotonic() < deadline:
        time.sleep(0.02)
    served_after = directory.is_served()
    with ordinary.run(OWNER, own_directory) as owner:
        with connect(answer(owner)["conninfo"]) as connection:
            kept = connection.execute("SELECT figure FROM kept").fetchone()
        owner.communicate("")

    assert told["owns"]
    assert (served, served_after) == (True, False)
    assert kept == (42,)
    assert "not properly shut down" not in directory.log.read_text()
    found = own_directory.stat()
    assert (found.st_uid, found.st_mode & 0o7777) == (ordinary.ids[0], 0o700)


@as_root
def test_root_uses_the_running_server_of_an_ordinary_user(
    own_directory: Path, ordinary: Ordinary
) -> None:
    with ordinary.run(OWNER, own_directory) as owner:
        answer(owner)
        with (
            EmbeddedServer(own_directory) as server,
            connect(server.conninfo) as connection,
        ):
            owns, user = server.owns_server, connection.info.user
        owner.communicate("")

    assert not owns
    assert user == "ledger"


@as_root
def test_root_does_not_start_what_an_ordinary_user_made(
    own_directory: Path, ordinary: Ordinary
) -> None:
    with ordinary.run(OWNER, own_directory) as owner:
        answer(owner)
        owner.communicate("")

    with pytest.raises(DataDirectoryError, match=rf"mode 0700, uid {ordinary.ids[0]}"):
        EmbeddedServer(own_directory).start()


@as_root
def test_other_user_is_told_whose_running_server_it_is(
    open_directory: Path, ordinary: Ordinary
) -> None:
    with (
        EmbeddedServer(open_directory / "data") as server,
        ordinary.run(OWNER, server.data_dir) as owner,
    ):
        told = answer(owner)

    assert told["error"] == "DataDirectoryError"
    for part in (str(server.data_dir), ORDINARY, f"it is {server_account().name}'s"):
        assert part in told["text"]


@as_root
def test_other_user_cannot_enter_through_the_socket(
    open_directory: Path, ordinary: Ordinary
) -> None:
    with EmbeddedServer(open_directory / "data") as server:
        script = f"import psycopg; psycopg.connect({server.conninfo!r})"
        with ordinary.run("-c", script) as intruder:
            said = intruder.communicate()[1]

    assert intruder.returncode != 0
    assert "Permission denied" in said
