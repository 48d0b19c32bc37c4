"""Real PostgreSQL servers, 15 and 18, and databases on them."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ledger.embedded import EmbeddedServer
from ledger.migrate import migrate

# A shell that runs us in the background has us ignore Ctrl-C, and whatever we start
# would inherit that: the processes that tests interrupt must not.
signal.signal(signal.SIGINT, signal.default_int_handler)

MAJORS = ["15", "18"]
DEBIAN_15 = "/usr/lib/postgresql/15/bin"
OWNER_SCRIPT = Path(__file__).with_name("embedded_owner.py")


def _skip_unless_required(reason: str) -> None:
    if os.environ.get("CI") == "true" or os.environ.get("LEDGER_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def _bin_dir(major: str) -> Path | None:
    if major == "18":
        return None
    bin_dir = Path(os.environ.get("LEDGER_PG15_BIN", DEBIAN_15))
    if not (bin_dir / "postgres").exists():
        _skip_unless_required(
            f"no PostgreSQL 15 in {bin_dir}: install postgresql-15, or set LEDGER_PG15_BIN"
        )
    return bin_dir


@contextmanager
def _open_directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ledger-test-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def _fresh_database(server: EmbeddedServer, template: str = "template1") -> Iterator[str]:
    """Yield the conninfo of a new copy of *template*, and drop it afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        names = sql.Identifier(name), sql.Identifier(template)
        connection.execute(create.format(*names))
    yield make_conninfo(server.conninfo, dbname=name)
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
        connection.execute(drop.format(sql.Identifier(name)))


class Owner:
    """Another process that starts a server, or shares one, until it is ended."""

    def __init__(self, command: list[str | Path]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def answer(self) -> dict[str, Any]:
        """Wait until the start succeeded or failed, and return how it went."""
        assert self.process.stdout is not None
        told: dict[str, Any] = json.loads(self.process.stdout.readline())
        return told

    def end(self) -> None:
        """Let it stop its server and exit."""
        self.process.communicate("")

    def kill(self) -> None:
        """Give it no chance to stop anything; return when it is gone."""
        self.process.kill()
        self.process.wait()


@pytest.fixture
def start_owner() -> Iterator[Callable[..., Owner]]:
    """Start processes that own or share a server; all are gone after the test."""
    with ExitStack() as until_the_end:

        def start_owner(data_dir: Path, bin_dir: Path | None = None) -> Owner:
            arguments = [data_dir, *([bin_dir] if bin_dir else [])]
            owner = Owner([sys.executable, OWNER_SCRIPT, *arguments])
            until_the_end.enter_context(owner.process)
            until_the_end.callback(owner.kill)
            return owner

        yield start_owner


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every user of this machine can enter, unlike tmp_path."""
    with _open_directory() as directory:
        yield directory


@pytest.fixture(scope="session")
def skip_unless_required() -> Callable[[str], None]:
    """Skip for a reason, but fail where everything has to run (CI, LEDGER_REQUIRE_ALL)."""
    return _skip_unless_required


@pytest.fixture(scope="session")
def find_bin_dir() -> Callable[[str], Path | None]:
    """Return where the binaries of a major version are; None is the wheel, which is 18."""
    return _bin_dir


@pytest.fixture(scope="session")
def server_of() -> Iterator[Callable[[str], EmbeddedServer]]:
    """Return the one server of a major version, started when first asked for."""
    servers: dict[str, EmbeddedServer] = {}
    with ExitStack() as until_the_end:

        def server_of(major: str) -> EmbeddedServer:
            if major not in servers:
                bin_dir = _bin_dir(major)
                data_dir = until_the_end.enter_context(_open_directory()) / "data"
                server = EmbeddedServer(data_dir, bin_dir=bin_dir)
                servers[major] = until_the_end.enter_context(server)
            return servers[major]

        yield server_of


@pytest.fixture(scope="session", params=MAJORS)
def postgres_server(
    request: pytest.FixtureRequest, server_of: Callable[[str], EmbeddedServer]
) -> EmbeddedServer:
    return server_of(request.param)


@pytest.fixture
def database(postgres_server: EmbeddedServer) -> Iterator[str]:
    """An empty database, on 15 and on 18."""
    with _fresh_database(postgres_server) as conninfo:
        yield conninfo


@pytest.fixture
def database18(server_of: Callable[[str], EmbeddedServer]) -> Iterator[str]:
    """An empty database on 18 only, where the version cannot matter."""
    with _fresh_database(server_of("18")) as conninfo:
        yield conninfo


@pytest.fixture(scope="session")
def template_of(
    server_of: Callable[[str], EmbeddedServer],
) -> Callable[[str], tuple[EmbeddedServer, str]]:
    """Return the server of a major version and a migrated database to copy on it."""
    templates: dict[str, tuple[EmbeddedServer, str]] = {}

    def template_of(major: str) -> tuple[EmbeddedServer, str]:
        if major not in templates:
            server = server_of(major)
            with psycopg.connect(server.conninfo, autocommit=True) as connection:
                connection.execute("CREATE DATABASE migrated")
            migrate(make_conninfo(server.conninfo, dbname="migrated"))
            templates[major] = server, "migrated"
        return templates[major]

    return template_of


@pytest.fixture
def found_ledger(
    template_of: Callable[[str], tuple[EmbeddedServer, str]],
) -> Iterator[Callable[[str], str]]:
    """Make a migrated, empty ledger on a major version; all are gone after the test."""
    with ExitStack() as until_the_end:

        def found_ledger(major: str) -> str:
            return until_the_end.enter_context(_fresh_database(*template_of(major)))

        yield found_ledger


@pytest.fixture(params=MAJORS)
def ledger_database(
    request: pytest.FixtureRequest, found_ledger: Callable[[str], str]
) -> str:
    """A migrated, empty ledger, on 15 and on 18."""
    return found_ledger(request.param)


@pytest.fixture
def ledger_database18(found_ledger: Callable[[str], str]) -> str:
    """A migrated, empty ledger on 18 only, where the version cannot matter."""
    return found_ledger("18")


@pytest.fixture(scope="module")
def module_ledger18(
    template_of: Callable[[str], tuple[EmbeddedServer, str]],
) -> Iterator[str]:
    """A migrated ledger on 18 that the tests of one module share."""
    with _fresh_database(*template_of("18")) as conninfo:
        yield conninfo
