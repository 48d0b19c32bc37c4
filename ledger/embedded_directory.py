"""The data directory of the embedded PostgreSQL, as seen from outside the server.

<data directory>/           0700, the server's user
    pg18/                   the cluster; a later major version stands beside it
    run/                    the socket, or a link to where its address is short enough
    postgres.log            what the server said; postgres.log.1 before that
    server.lock             held by every process of a live server
"""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs

from ledger.embedded_account import ServerAccount, user_name
from ledger.embedded_child import LOCK_NAME, LOG_NAME
from ledger.errors import NotConfiguredError, UnavailableError

POLL_S: Final = 0.01
LOG_LINES: Final = 10
LOG_BYTES: Final = 10_000
POSTMASTER_LINES: Final = 8


class DataDirectoryError(NotConfiguredError):
    """The data directory cannot be used; name another, or hand it to the server's user."""


class ClusterVersionError(NotConfiguredError):
    """The data directory holds a cluster of another major version of PostgreSQL."""


@attrs.frozen(kw_only=True)
class Postmaster:
    """What a running server says of itself in its postmaster.pid."""

    pid: int
    sockets: str
    status: str


@attrs.frozen(kw_only=True)
class DataDirectory:
    """A data directory and the cluster in it that belongs to one major version."""

    path: Path
    major: int

    @property
    def cluster(self) -> Path:
        """Return where the cluster is or will be."""
        return self.path / f"pg{self.major}"

    @property
    def log(self) -> Path:
        """Return where the server logs."""
        return self.path / LOG_NAME

    def has_cluster(self) -> bool:
        """Tell whether the cluster exists.

        Raises:
            ClusterVersionError: It does not, but one of another major version does.
        """
        if (self.cluster / "PG_VERSION").exists():
            return True
        others = sorted(path.parent for path in self.path.glob("pg[0-9]*/PG_VERSION"))
        if others:
            raise ClusterVersionError(
                f"{others[-1]} was made by another PostgreSQL than the {self.major} at "
                f"hand: use that version's binaries, upgrade it to {self.cluster} with "
                f"pg_upgrade, or set LEDGER_DATA_DIR to a new directory"
            )
        return False

    @contextmanager
    def locked(self, wait_s: float) -> Iterator[None]:
        """Be the only process that starts a server here; wait for *wait_s* at most.

        Raises:
            UnavailableError: Another process is still at it.
        """
        entry = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            deadline = time.monotonic() + wait_s
            while not _flock(entry, fcntl.LOCK_EX):
                if time.monotonic() > deadline:
                    raise UnavailableError(
                        f"another process has been starting the server of {self.path} for "
                        f"{wait_s:.0f} s: see {self.log}, end that process, and start again"
                    )
                time.sleep(POLL_S)
            yield
        finally:
            os.close(entry)

    def is_served(self) -> bool:
        """Tell whether any process of a server is alive, even one that is going down."""
        try:
            lock = os.open(self.path / LOCK_NAME, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return False
        try:
            return not _flock(lock, fcntl.LOCK_SH)
        finally:
            os.close(lock)

    def owner(self) -> str:
        """Return the name of the OS user whose cluster it is."""
        return user_name(self.cluster.stat().st_uid)

    def postmaster(self) -> Postmaster | None:
        """Read postmaster.pid; None while there is none or it is being written."""
        try:
            lines = (self.cluster / "postmaster.pid").read_text("utf-8").splitlines()
        except FileNotFoundError:
            return None
        if len(lines) < POSTMASTER_LINES or not lines[0].isdigit():
            return None
        return Postmaster(pid=int(lines[0]), sockets=lines[4], status=lines[7].strip())

    def log_tail(self) -> str:
        """Return the last lines of the server's log."""
        try:
            entry = os.open(self.log, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return "(no log)"
        with os.fdopen(entry, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-LOG_LINES:])


def open_data_directory(path: Path, account: ServerAccount, major: int) -> DataDirectory:
    """Make *path* for *account* if there is nothing, and look into it.

    What exists is left as it is: no owner and no permission is changed.

    Raises:
        DataDirectoryError: It cannot be made, or it is closed to this process.
    """
    path = path.absolute()
    directory = DataDirectory(path=path, major=major)
    try:
        if not path.exists():
            _create(path, account)
        os.close(os.open(path, os.O_RDONLY | os.O_DIRECTORY))
        for used in (path, directory.cluster, path / LOCK_NAME):
            if used.exists() and not os.access(used, os.R_OK | os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise DataDirectoryError(
            f"the data directory {path} cannot be used by {user_name(os.geteuid())} "
            f"({error.strerror}{_whose(path)}): run as the user it belongs to, or set "
            f"LEDGER_DATA_DIR to a directory of your own"
        ) from error
    return directory


def _whose(path: Path) -> str:
    try:
        return f"; it is {user_name(path.stat().st_uid)}'s"
    except OSError:
        return ""


def _create(path: Path, account: ServerAccount) -> None:
    """Make *path* in one step as the private directory of *account*.

    Two processes may do so at once: the directory appears with its owner, and of two empty
    ones it does not matter which stays.
    """
    for parent in reversed([parent for parent in path.parents if not parent.exists()]):
        try:
            parent.mkdir(mode=0o700)
        except FileExistsError:  # another process was quicker, and it is not ours to open
            continue
        if account.change_to is not None:
            parent.chmod(0o755)  # the server's user must get through
    fresh = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        if account.change_to is not None:
            os.chown(fresh, *account.change_to, follow_symlinks=False)
        fresh.rename(path)
    except OSError:
        fresh.rmdir()
        if not path.is_dir():
            raise
    entry = os.open(path.parent, os.O_RDONLY)
    os.fsync(entry)
    os.close(entry)


def _flock(entry: int, kind: int) -> bool:
    try:
        fcntl.flock(entry, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
