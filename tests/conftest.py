"""Real PostgreSQL servers, 15 and 18, and databases on them."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ledger.embedded import EmbeddedServer

MAJORS = ["15", "18"]
DEBIAN_15 = "/usr/lib/postgresql/15/bin"


def skip_unless_required(reason: str) -> None:
    """Skip, but fail where everything has to run."""
    if os.environ.get("CI") == "true" or os.environ.get("LEDGER_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def find_bin_dir(major: str) -> Path | None:
    """Return where the binaries of *major* are; None is the wheel, which is 18."""
    if major == "18":
        return None
    bin_dir = Path(os.environ.get("LEDGER_PG15_BIN", DEBIAN_15))
    if not (bin_dir / "postgres").exists():
        skip_unless_required(
            f"no PostgreSQL 15 in {bin_dir}: install postgresql-15, or set LEDGER_PG15_BIN"
        )
    return bin_dir


@contextmanager
def open_directory() -> Iterator[Path]:
    """Make a directory that every user of this machine can enter, for a data directory."""
    with tempfile.TemporaryDirectory(prefix="ledger-test-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def fresh_database(server: EmbeddedServer) -> Iterator[str]:
    """Yield the conninfo of an empty database, and drop it afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield make_conninfo(server.conninfo, dbname=name)
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
        connection.execute(drop.format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def server_of() -> Iterator[Callable[[str], EmbeddedServer]]:
    """Return the one server of a major version, started when first asked for."""
    servers: dict[str, EmbeddedServer] = {}
    with ExitStack() as until_the_end:

        def server_of(major: str) -> EmbeddedServer:
            if major not in servers:
                bin_dir = find_bin_dir(major)
                data_dir = until_the_end.enter_context(open_directory()) / "data"
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
    with fresh_database(postgres_server) as conninfo:
        yield conninfo


@pytest.fixture
def database18(server_of: Callable[[str], EmbeddedServer]) -> Iterator[str]:
    """An empty database on 18 only, where the version cannot matter."""
    with fresh_database(server_of("18")) as conninfo:
        yield conninfo
