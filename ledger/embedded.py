"""An embedded PostgreSQL, from the first start in an empty directory to its stop.

    with EmbeddedServer(Path("/var/lib/billing-ledger")) as server:
        psycopg.connect(server.conninfo)

The server is a child in the foreground: it stops with the process that started it, in
whatever way that one ends. A second process on the same directory uses the running server
and leaves it running. Nothing listens on TCP; who may connect through the private socket is
told apart by the kernel (peer): root, the server's user, and whoever made the cluster.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psycopg
from psycopg.conninfo import make_conninfo

from ledger.embedded_account import ServerAccount, server_account, user_name
from ledger.embedded_binaries import Binaries, find_binaries, reachable_copy
from ledger.embedded_cluster import DOORS, SUPERUSER, create_cluster
from ledger.embedded_directory import POLL_S, DataDirectory, open_data_directory
from ledger.embedded_process import (
    ClosedBinariesError,
    ServerProcess,
    ServerStartError,
    refusal,
    task_for,
)
from ledger.errors import UnavailableError

DATABASE: Final = "ledger"
START_S: Final = 30
# A server that says "starting" is replaying its log after a crash; that ends by itself.
RECOVERY_S: Final = 600
CONNECT_S: Final = 5


class ServerUnreachableError(UnavailableError):
    """A server of another process works on the data directory, but cannot be used."""


class EmbeddedServer:
    """The PostgreSQL of one data directory, started here or by another process.

    Attributes:
        data_dir: Made for the server's user if it does not exist.
        owns_server: Whether this object started the server, and so stops it.
    """

    def __init__(self, data_dir: Path, *, bin_dir: Path | None = None) -> None:
        self.data_dir = data_dir
        self._bin_dir = bin_dir
        self._process: ServerProcess | None = None
        self._conninfo: str | None = None

    @property
    def owns_server(self) -> bool:
        """Tell whether the server was started here and has not ended."""
        return self._process is not None and self._process.exit_code is None

    @property
    def conninfo(self) -> str:
        """Return how libpq connects to the database ``ledger`` as this OS user.

        Raises:
            ServerStartError: The server was not started, or it was stopped.
        """
        if self._conninfo is None:
            raise ServerStartError("the embedded PostgreSQL is not running: start it first")
        return self._conninfo

    def start(self) -> None:
        """Serve the directory, or use the server that does; return once it answers.

        To be called again when the server of another process has gone away with it. Takes
        at most 30 s, longer only while a crash is being recovered from.

        Raises:
            NotConfiguredError: A directory, an OS user or the binaries forbid it.
            UnavailableError: The server does not come up, or it is not ours to use.
        """
        if self.owns_server:
            return
        account = server_account()
        binaries = find_binaries(self._bin_dir)
        directory = open_data_directory(self.data_dir, account, binaries.major)
        with directory.locked(RECOVERY_S):
            directory.has_cluster()
            if not self._adopt(directory):
                self._launch(directory, account, binaries)

    def stop(self) -> None:
        """Stop the server if it was started here; without effect if it has ended."""
        process, self._process, self._conninfo = self._process, None, None
        if process is not None:
            process.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _adopt(self, directory: DataDirectory) -> bool:
        """Use the server of another process; False once none of its processes is left."""
        deadline = time.monotonic() + START_S
        while directory.is_served():
            try:
                if self._reach(directory):
                    return True
                reason = "it is going down, or its postmaster is dead"
            except psycopg.OperationalError as error:
                reason = str(error).strip()
            if time.monotonic() > deadline:
                raise ServerUnreachableError(
                    f"another process's server works on {directory.path}, and "
                    f"{user_name(os.geteuid())} cannot use it ({reason}): stop that "
                    f"process, or end what holds {directory.path}/server.lock (fuser -v)"
                )
            time.sleep(POLL_S)
        return False

    def _launch(
        self, directory: DataDirectory, account: ServerAccount, binaries: Binaries
    ) -> None:
        try:
            self._serve(directory, account, binaries)
        except ClosedBinariesError:
            if account.change_to is None:
                raise
            self._serve(directory, account, reachable_copy(binaries))

    def _serve(
        self, directory: DataDirectory, account: ServerAccount, binaries: Binaries
    ) -> None:
        if not directory.has_cluster():
            create_cluster(directory, account, binaries)
        doors = [option for setting in DOORS for option in ("-c", setting)]
        task = task_for(directory, account, [binaries.postgres, *doors])
        process = ServerProcess(task)
        said = process.complaint()
        if said and process.exit_code is not None:
            raise refusal(process.exit_code, said, directory, account)
        try:
            self._await(directory, process)
        except BaseException:
            process.stop()
            raise
        self._process = process

    def _await(self, directory: DataDirectory, process: ServerProcess) -> None:
        """Return once *process* answers."""
        begun = time.monotonic()
        reason = "it does not say that it is ready"
        while process.exit_code is None:
            try:
                if self._reach(directory, process.pid):
                    return
            except psycopg.OperationalError as error:
                reason = str(error).strip()
            said = directory.postmaster()
            recovering = said is not None and said.status == "starting"
            if time.monotonic() - begun > (RECOVERY_S if recovering else START_S):
                break
            time.sleep(POLL_S)
        else:
            reason = f"it ended with status {process.exit_code}"
        raise ServerStartError(
            f"PostgreSQL did not come up in {directory.path}: {reason}. The end of "
            f"{directory.log}:\n{directory.log_tail()}"
        )

    def _reach(self, directory: DataDirectory, pid: int | None = None) -> bool:
        """Connect to the server, of that *pid* if any, and see that the database exists."""
        postmaster = directory.postmaster()
        if postmaster is None or postmaster.status != "ready":
            return False
        if pid not in (None, postmaster.pid):
            return False
        conninfo = make_conninfo(
            host=postmaster.sockets,
            port=5432,
            user=SUPERUSER,
            # Whoever else could make a socket of that name is not believed.
            requirepeer=directory.owner(),
        )
        with psycopg.connect(
            conninfo, dbname="postgres", connect_timeout=CONNECT_S, autocommit=True
        ) as connection:
            known = connection.execute(
                "SELECT FROM pg_database WHERE datname = %s", [DATABASE]
            ).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")
        self._conninfo = make_conninfo(conninfo, dbname=DATABASE)
        return True
