"""How a process reaches the database: as which role, and whether commits hold.

Every connection acts as one of three roles, whatever the login user may do; what a role
may not do is refused by PostgreSQL, not by us.
"""

from __future__ import annotations

import asyncio
import enum
import os
from typing import Any, Final

import psycopg
from psycopg_pool import AsyncConnectionPool

from ledger.errors import NotConfiguredError, UnavailableError

PROOF_COMMITS: Final = 200
PROOF_TRIES: Final = 8  # a sync by another session serves ours, and is counted late

# Statements of ours are planned once while a table may still be empty: without these a
# sequential plan made then would be kept (0.3 ms become 19 ms at 19,000 rows), and a
# raised cost would switch compilation on.
PLANNER: Final = (
    "-c default_transaction_isolation=read\\ committed "
    "-c jit=off -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
)

# libpq hands these to the server after the options of a connection, and they would win.
_AMBIENT: Final = ("PGTZ", "PGDATESTYLE", "PGGEQO")


class Role(enum.StrEnum):
    """What a connection may do: append, project or read."""

    APPENDER = "ledger_appender"
    PROJECTOR = "ledger_projector"
    READER = "ledger_reader"


def conninfo_as(conninfo: str, role: Role, **options: object) -> str:
    """Return *conninfo* for a connection that acts as *role*.

    Args:
        options: Server settings of the session, such as ``statement_timeout``. Those
            that the environment would give are taken out of it.
    """
    for name in _AMBIENT:
        os.environ.pop(name, None)
    settings = "".join(f" -c {name}={value}" for name, value in options.items())
    given: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(conninfo)
    asked: dict[str, Any] = {
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
        "target_session_attrs": "any" if role is Role.READER else "read-write",
        "application_name": f"billing-ledger {role.removeprefix('ledger_')}",
        **given,
        "client_encoding": "utf8",  # what the chain is taken over
        "options": f"{given.get('options') or ''} -c role={role} -c timezone=UTC "
        f"{PLANNER}{settings}",
    }
    return psycopg.conninfo.make_conninfo(**asked)


async def connect(
    conninfo: str, role: Role, **options: object
) -> psycopg.AsyncConnection[tuple[Any, ...]]:
    """Open a connection that acts as *role*, in autocommit mode.

    Raises:
        NotConfiguredError: The roles are missing, or may not be used by this user.
        UnavailableError: The database cannot be reached now.
    """
    try:
        return await psycopg.AsyncConnection.connect(
            conninfo_as(conninfo, role, **options), autocommit=True
        )
    except psycopg.Error as error:
        raise refusal(error) from error


def pool(
    conninfo: str, role: Role, *, size: int, **options: object
) -> AsyncConnectionPool[psycopg.AsyncConnection[tuple[Any, ...]]]:
    """Return a pool of such connections, not yet open."""
    return AsyncConnectionPool(
        conninfo_as(conninfo, role, **options),
        min_size=1,
        max_size=size,
        open=False,
        kwargs={"autocommit": True},
        timeout=3,
    )


def refusal(error: psycopg.Error) -> NotConfiguredError | UnavailableError:
    """Tell what must be set right from what may pass by itself."""
    if isinstance(error, psycopg.ProgrammingError) and error.sqlstate is None:
        # Its text may hold a part of the password.
        return NotConfiguredError(
            "DATABASE_URL is no connection string; write it as "
            "postgresql://user:password@host:5432/database"
        )
    text = " ".join(str(error).split())
    for symptom, remedy in _SYMPTOMS.items():
        if symptom in text:
            return NotConfiguredError(f"{text}; {remedy}")
    return UnavailableError(f"the database cannot be reached: {text}")


_SYMPTOMS: Final = {
    "permission denied to set role": "grant the ledger's roles to the database user",
    'role "ledger_': "run bl migrate once with a user who may create roles",
    "password authentication failed": "correct the user or password in DATABASE_URL",
    "does not exist": "correct DATABASE_URL or create the database",
    "invalid connection option": "correct DATABASE_URL",
    "no pg_hba.conf entry": "let this host in in pg_hba.conf",
}


async def prove_durable(conninfo: str) -> None:
    """Prove that a commit reaches the disk before it is answered.

    Commits 200 small messages into the write-ahead log and asks the server how often it
    synced: settings may lie (a role's ``synchronous_commit``, ``fsync``), syncs do not.

    Raises:
        NotConfiguredError: Fewer syncs than commits.
    """
    async with await connect(conninfo, Role.APPENDER) as connection:
        for _ in range(PROOF_TRIES):
            synced = await _syncs_of_commits(connection)
            if not PROOF_COMMITS // 2 < synced < PROOF_COMMITS:
                break
    if synced < PROOF_COMMITS:
        raise NotConfiguredError(
            f"{PROOF_COMMITS} commits reached the disk in {synced} syncs: an answer would "
            "not mean stored. Set fsync=on and synchronous_commit=on for this server, "
            "database and user"
        )


async def _syncs_of_commits(
    connection: psycopg.AsyncConnection[tuple[Any, ...]],
) -> int:
    before = await _wal_syncs(connection)
    for _ in range(PROOF_COMMITS):
        await connection.execute(
            "SELECT pg_logical_emit_message(true, 'billing-ledger', 'proof')"
        )
    return await _wal_syncs(connection) - before


async def _wal_syncs(connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> int:
    await connection.execute("SELECT pg_stat_force_next_flush()")
    await connection.execute("SELECT 1")  # statistics are sent when a command ends
    query = (
        "SELECT coalesce(sum(fsyncs), 0)::bigint FROM pg_stat_io WHERE object = 'wal'"
        if connection.info.server_version >= 180_000  # noqa: PLR2004, PostgreSQL 18
        else "SELECT wal_sync FROM pg_stat_wal"
    )
    await asyncio.sleep(0)
    row = await (await connection.execute(query)).fetchone()
    return 0 if row is None else int(row[0])
