"""Children of this process that make and serve a cluster, and why one refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import IO, Final

from ledger import embedded_child
from ledger.embedded_account import ServerAccount, ServerAccountError
from ledger.embedded_binaries import BinariesError
from ledger.embedded_child import Task
from ledger.embedded_directory import (
    LOG_LINES,
    DataDirectory,
    DataDirectoryError,
)
from ledger.errors import LedgerError, UnavailableError

CHILD: Final = Path(__file__).with_name("embedded_child.py")
# Nothing of the operator's: PGPORT, PGDATA and their kind change what the programs do.
ENVIRONMENT: Final = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
# But some Pythons do not start without it.
KEPT: Final = "LD_LIBRARY_PATH"
FAST: Final = signal.SIGINT
IMMEDIATE: Final = signal.SIGQUIT
# Between the last words of a child and its end.
GIVING_UP_S: Final = 2
FAST_S: Final = 15
IMMEDIATE_S: Final = 10


class ServerStartError(UnavailableError):
    """The embedded PostgreSQL did not come up; its log says why."""


class ClosedBinariesError(BinariesError):
    """The server's user cannot execute the binaries; a copy elsewhere would help."""


# What the child's exit code means: the error, and what the operator does about it.
REFUSALS: Final[Mapping[int, tuple[type[LedgerError], str]]] = {
    embedded_child.UNREACHABLE: (
        DataDirectoryError,
        (
            "the data directory {path} is out of reach for the OS user {user}, who runs "
            "PostgreSQL: {said} is closed to it. Let {user} through, or set "
            "LEDGER_DATA_DIR to a place that {user} can reach"
        ),
    ),
    embedded_child.UNUSABLE: (
        DataDirectoryError,
        (
            "the data directory {path} cannot be used by the OS user {user}, who runs "
            "PostgreSQL: {said} is not for it to read and write. Hand it over (chown -R "
            "{user} {path}), or set LEDGER_DATA_DIR to what does not exist yet"
        ),
    ),
    embedded_child.NOT_EXECUTABLE: (
        ClosedBinariesError,
        (
            "the OS user {user} cannot execute {said}: install billing-ledger where {user} "
            "can reach it, or set DATABASE_URL"
        ),
    ),
    embedded_child.NO_CHANGE_OF_USER: (
        ServerAccountError,
        (
            "PostgreSQL does not run as root, and changing to the OS user {user} was "
            "refused ({said}): run as an ordinary user, or set DATABASE_URL"
        ),
    ),
}
OTHER_REFUSAL: Final = (ServerStartError, "PostgreSQL was not started in {path}: {said}")


class ServerProcess:
    """A ``postgres`` that lives no longer than this process.

    It is started by a thread that does nothing else and ends with it, because the kernel
    takes the end of the starting *thread* for the death of the parent.
    """

    def __init__(self, task: Task) -> None:
        self._spawned: Future[subprocess.Popen[bytes]] = Future()
        self._thread = threading.Thread(
            target=self._live, args=(task,), name="embedded-postgres", daemon=True
        )
        self._thread.start()
        self._child = self._spawned.result()
        self._parent = os.getpid()

    @property
    def pid(self) -> int:
        """Return the id of the process, before and after it turned into the server."""
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """Return how it ended; None while it lives."""
        return self._child.returncode

    def complaint(self) -> str:
        """Wait until it turned into the server or refused to, and return what it said."""
        with _pipe(self._child) as stderr:
            complaint = stderr.read()
        if complaint:
            self._thread.join(GIVING_UP_S)
        return os.fsdecode(complaint)

    def stop(self) -> None:
        """Shut the server down, fast but in order; at once if that takes too long."""
        if os.getpid() != self._parent:  # a fork does not own what its parent started
            return
        for how, wait_s in (
            (FAST, FAST_S),
            (IMMEDIATE, IMMEDIATE_S),
            (signal.SIGKILL, None),
        ):
            self._child.send_signal(how)
            self._thread.join(wait_s)
            if not self._thread.is_alive():
                return

    def _live(self, task: Task) -> None:
        try:
            child = _spawn(task)
        except OSError as error:
            self._spawned.set_exception(error)
            return
        self._spawned.set_result(child)
        child.wait()


def task_for(
    directory: DataDirectory,
    account: ServerAccount,
    program: list[str],
    files: dict[str, str] | None = None,
) -> Task:
    """Describe what a child has to do for *directory* as *account*."""
    return Task(
        parent=os.getpid(),
        user=account.change_to,
        data_dir=str(directory.path),
        cluster=str(directory.cluster),
        program=program,
        files=files,
    )


def run_child(task: Task, directory: DataDirectory, account: ServerAccount) -> None:
    """Have a child do *task* and wait for its end.

    Raises:
        LedgerError: The child refused, or its program failed; the text says why.
    """
    child = _spawn(task)
    said = os.fsdecode(child.communicate()[1])
    if child.returncode != 0:
        raise refusal(child.returncode, said, directory, account)


def refusal(
    code: int, said: str, directory: DataDirectory, account: ServerAccount
) -> LedgerError:
    """Return the error for a child that ended with *code*, and what to do about it."""
    kind, text = REFUSALS.get(code, OTHER_REFUSAL)
    said = "\n".join(said.strip().splitlines()[-LOG_LINES:])
    return kind(text.format(path=directory.path, user=account.name, said=said))


def _spawn(task: Task) -> subprocess.Popen[bytes]:
    kept = {KEPT: os.environ[KEPT]} if KEPT in os.environ else {}
    return subprocess.Popen(  # noqa: S603 our own script
        [sys.executable, "-I", "-S", "-B", str(CHILD), json.dumps(task)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd="/",
        env=ENVIRONMENT | kept,
        start_new_session=True,  # Ctrl-C on the terminal is for us to act on, not for it
    )


def _pipe(child: subprocess.Popen[bytes]) -> IO[bytes]:
    if child.stderr is None:
        raise ServerStartError("the child was started without a pipe")
    return child.stderr
