"""What a new cluster is made of, and the doors that every start of it keeps shut."""

from __future__ import annotations

import os
from typing import Final

from ledger.embedded_account import ServerAccount, user_name
from ledger.embedded_binaries import Binaries
from ledger.embedded_directory import DataDirectory
from ledger.embedded_process import run_child, task_for

SUPERUSER: Final = "ledger"
# Replaces what initdb writes. Durability stands here and not on the command line, so that
# ALTER SYSTEM shows what it would do to the ledger: the start-up gate refuses to be ready.
SETTINGS: Final = """\
fsync = on
full_page_writes = on
synchronous_commit = on
wal_level = replica
max_connections = 100
shared_buffers = 128MB
jit = off
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_line_prefix = '%m [%p] '
log_checkpoints = off
# Neither a statement nor a value of a row belongs in a log file.
log_error_verbosity = terse
log_min_error_statement = panic
"""
ACCESS: Final = """\
local all ledger peer map=ledger
local replication ledger peer map=ledger
"""
# On the command line, where no file can change it: the private socket is the only door.
DOORS: Final = (
    "listen_addresses=",
    "port=5432",
    "unix_socket_permissions=0700",
    "logging_collector=off",
    "log_destination=stderr",
)


def create_cluster(
    directory: DataDirectory, account: ServerAccount, binaries: Binaries
) -> None:
    """Make the cluster of *directory*, with checksums.

    Raises:
        LedgerError: The server's user cannot, or initdb failed; the text says why.
    """
    program = [
        binaries.initdb,
        f"--username={SUPERUSER}",
        "--auth=peer",
        "--encoding=UTF8",
        "--locale=C",
        "--data-checksums",
    ]
    files = {
        "postgresql.conf": SETTINGS,
        "pg_hba.conf": ACCESS,
        "pg_ident.conf": _identities("root", account.name, user_name(os.geteuid())),
    }
    run_child(task_for(directory, account, program, files), directory, account)


def _identities(*names: str) -> str:
    quoted = (name.replace('"', '""') for name in dict.fromkeys(names))
    return "".join(f'ledger "{name}" {SUPERUSER}\n' for name in quoted)
