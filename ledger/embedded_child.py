"""What becomes the server: gives up its rights, looks around, turns into PostgreSQL.

Runs as ``python -I -S -B embedded_child.py TASK``, the standard library alone. It starts
with its parent's rights and first of all changes to the server's user; whatever it then
reads, makes or writes, it does as that user, so root never touches a path that the
server's user could have bent. It ends with one of these, and a word on stderr:

    81  a directory on the way is closed           that directory, its mode and owner
    82  the data directory cannot be used          what cannot, its mode and owner
    83  the binary cannot be executed              its path
    84  the change of user was refused             the system's error
    85  the parent is gone
    86  a process of an earlier server lives
    87  a system call failed                       its error
    88  initdb failed                              what initdb said
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import shutil
import signal
import stat
import sys
from pathlib import Path
from typing import Final, NoReturn, TypedDict

UNREACHABLE: Final = 81
UNUSABLE: Final = 82
NOT_EXECUTABLE: Final = 83
NO_CHANGE_OF_USER: Final = 84
ORPHANED: Final = 85
OCCUPIED: Final = 86
FAILED: Final = 87
INITDB_FAILED: Final = 88

LOCK_NAME: Final = "server.lock"
LOG_NAME: Final = "postgres.log"
LOG_BYTES_MAX: Final = 1_000_000
SOCKET_NAME: Final = ".s.PGSQL.5432"
SOCKET_PATH_BYTES_MAX: Final = 100
PR_SET_PDEATHSIG: Final = 1


class Task(TypedDict):
    """What the parent asks for, as JSON in the one argument.

    ``user`` is uid and gid to change to, or null to stay. With ``files`` (name → text) the
    cluster is made by ``program``, initdb; without, ``program`` is served.
    """

    parent: int
    user: tuple[int, int] | None
    data_dir: str
    cluster: str
    program: list[str]
    files: dict[str, str] | None


def leave(code: int, word: str) -> NoReturn:
    """End with *code*, and *word* on stderr."""
    os.write(2, os.fsencode(word))
    raise SystemExit(code)


def become(user: tuple[int, int]) -> None:
    """Change to *user* for good, in no other group."""
    uid, gid = user
    try:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    except PermissionError as error:
        leave(NO_CHANGE_OF_USER, str(error))


def describe(path: Path) -> str:
    """Return *path* with its mode and owner: ``/root (mode 0700, uid 0)``."""
    found = path.stat()
    return f"{path} (mode {stat.S_IMODE(found.st_mode):04o}, uid {found.st_uid})"


def look_around(data_dir: Path, cluster: Path, binary: Path) -> None:
    """Leave unless this user can use the directory, the cluster and the binary."""
    for parent in reversed(data_dir.parents):
        if not os.access(parent, os.X_OK):
            leave(UNREACHABLE, describe(parent))
    if not os.access(data_dir, os.R_OK | os.W_OK | os.X_OK):
        leave(UNUSABLE, describe(data_dir))
    if cluster.exists() and cluster.stat().st_uid != os.geteuid():
        leave(UNUSABLE, describe(cluster))
    if not os.access(binary, os.X_OK):
        leave(NOT_EXECUTABLE, str(binary))


def hold(lock: Path) -> None:
    """Lock *lock* for as long as this process or any child of it lives.

    The descriptor is inherited by the postmaster and all its backends, so the kernel says
    when the last of them is gone, in whatever container and whatever their ids.
    """
    held = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        leave(OCCUPIED, f"{lock} is held by a process of an earlier server")
    fcntl.fcntl(held, fcntl.F_SETFD, 0)  # inherited by what is executed


def create(cluster: Path, program: list[str], files: dict[str, str]) -> None:
    """Make *cluster* by initdb and *files*, so that it exists whole or not at all."""
    fresh = cluster.with_name(cluster.name + ".new")
    if fresh.exists():
        shutil.rmtree(fresh)
    child = os.posix_spawn(program[0], [*program, "-D", str(fresh)], os.environ)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
        raise SystemExit(INITDB_FAILED)
    for name, text in files.items():
        with (fresh / name).open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    fresh.rename(cluster)
    for changed in (cluster, cluster.parent):
        entry = os.open(changed, os.O_RDONLY)
        os.fsync(entry)
        os.close(entry)


def forget_reused_id(cluster: Path) -> None:
    """Remove a postmaster.pid whose process id now belongs to a stranger.

    PostgreSQL would take any live process of its own user for a postmaster, and containers
    hand out the same few ids again and again. The lock has shown that no server of ours
    lives; one that was started by hand works in the cluster and is left to PostgreSQL.
    """
    lock_file = cluster / "postmaster.pid"
    try:
        pid = int(lock_file.read_text(encoding="utf-8").split("\n", 1)[0])
        at_work = Path(f"/proc/{pid}/cwd").samefile(cluster)
    except (OSError, ValueError):
        return
    if not at_work:
        lock_file.unlink()


def private(directory: Path) -> bool:
    """Tell whether *directory* is one that only this user can enter."""
    try:
        found = directory.lstat()
    except FileNotFoundError:
        return False
    mine = found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == stat.S_IRWXU
    return stat.S_ISDIR(found.st_mode) and mine


def socket_directory(data_dir: Path) -> Path:
    """Find or make the private directory of the socket.

    It is ``run`` in *data_dir*; where that is too long for a socket's address, ``run`` is a
    link to a directory in /tmp with a name that nobody can guess.
    """
    run = data_dir / "run"
    if len(os.fsencode(run / SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX:
        run.mkdir(mode=0o700, exist_ok=True)
        return run
    if run.is_symlink() and private(run.readlink()):
        return run.readlink()
    elsewhere = Path(f"/tmp/billing-ledger-{os.urandom(8).hex()}")  # noqa: S108 private
    elsewhere.mkdir(mode=0o700)
    run.unlink(missing_ok=True)
    run.symlink_to(elsewhere)
    return elsewhere


def open_log(log: Path) -> int:
    """Open *log* for appending; a long one becomes ``.1`` first."""
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        log.replace(log.with_suffix(".log.1"))
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)


def tie_to(parent: int, libc: ctypes.CDLL) -> None:
    """Have the kernel stop the server, fast but in order, when its parent dies.

    The kernel forgets the wish at a change of user, so this comes after it; a parent that
    died before the wish was made is noticed by its id.
    """
    if sys.platform == "linux":
        libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
    if os.getppid() != parent:
        leave(ORPHANED, "the parent is gone")


def serve(task: Task, libc: ctypes.CDLL) -> None:
    """Turn into the server of the cluster; returns only by an error."""
    data_dir, cluster = Path(task["data_dir"]), Path(task["cluster"])
    forget_reused_id(cluster)
    sockets = socket_directory(data_dir)
    log = open_log(data_dir / LOG_NAME)
    tie_to(task["parent"], libc)
    complaints = os.dup(2)  # closed by execv, which tells the parent that all went well
    os.dup2(log, 1)
    os.dup2(log, 2)
    program = task["program"]
    try:
        os.execv(program[0], [*program, "-D", str(cluster), "-k", str(sockets)])  # noqa: S606 no shell is meant
    except OSError:
        os.dup2(complaints, 2)
        raise


def main() -> None:
    """Do the task of the one argument."""
    task: Task = json.loads(sys.argv[1])
    # Loaded in the parent's rights: later even Python's own files may be out of reach.
    libc = ctypes.CDLL(None)
    os.umask(0o077)
    if task["user"] is not None:
        become(task["user"])
    data_dir, cluster = Path(task["data_dir"]), Path(task["cluster"])
    try:
        look_around(data_dir, cluster, Path(task["program"][0]))
        hold(data_dir / LOCK_NAME)
        if task["files"] is not None:
            create(cluster, task["program"], task["files"])
        else:
            serve(task, libc)
    except OSError as error:
        leave(FAILED, str(error))


if __name__ == "__main__":
    main()
