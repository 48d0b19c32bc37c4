"""Which database a command works on: the one that is set, else the embedded one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from ledger.database import Role, conninfo_as, refusal
from ledger.embedded import EmbeddedServer
from ledger.errors import LedgerError, NotConfiguredError
from ledger.log import Head
from ledger.settings import Settings, load

Connection = psycopg.Connection[tuple[Any, ...]]

NO_LEDGER: Final = "there is no ledger in this database; run bl migrate first"
OLDER: Final = "the schema is of another release: run bl migrate"
STATE: Final = """
SELECT ledger_id, mode, position, hash, recorded_at
  FROM ledger.identity, ledger.head
"""


@contextmanager
def database(settings: Settings | None = None, *, create: bool = False) -> Iterator[str]:
    """Yield how to connect; an embedded server runs at least as long as the block.

    Args:
        settings: None reads them.
        create: Whether an embedded database may be made where there is none.

    Raises:
        NotConfiguredError: There is none, or it may not be used.
        UnavailableError: It does not come up.
    """
    known = load() if settings is None else settings
    if known.database_url is not None:
        yield known.database_url.reveal()
        return
    if not create and not known.data_dir.exists():
        raise NotConfiguredError(
            f"there is no ledger in {known.data_dir}; run bl migrate or bl serve to make "
            "one, set LEDGER_DATA_DIR or DATABASE_URL to use another, or try bl demo"
        )
    with EmbeddedServer(known.data_dir) as server:
        yield server.conninfo


@contextmanager
def connected(
    conninfo: str, role: Role = Role.READER, **options: object
) -> Iterator[Connection]:
    """Yield a connection that acts as *role*; say in our words what goes wrong on it.

    Raises:
        NotConfiguredError: The ledger is not there, or may not be read.
        UnavailableError: The database cannot be reached, or went away.
    """
    try:
        with psycopg.connect(
            conninfo_as(conninfo, role, **options), autocommit=True
        ) as connection:
            yield connection
    except psycopg.Error as error:
        said = in_our_words(error)
        if said is None:
            raise
        raise said from error


def in_our_words(error: psycopg.Error) -> LedgerError | None:
    """Return what *error* means to who gave the command; None if it is a defect of ours."""
    match error:
        case psycopg.errors.InvalidSchemaName():
            return NotConfiguredError(NO_LEDGER)
        case psycopg.errors.UndefinedTable() | psycopg.errors.UndefinedColumn():
            said = error.diag.message_primary or ""
            own = "ledger." in said
            return NotConfiguredError(NO_LEDGER if own else f"{said}; {OLDER}")
        case psycopg.errors.InsufficientPrivilege():
            return NotConfiguredError(
                f"the database user may not do that ({error.diag.message_primary}); "
                "grant it the ledger's roles, or run bl doctor"
            )
        case psycopg.OperationalError():
            return refusal(error)
        case _:
            return None


@contextmanager
def reading(settings: Settings | None = None) -> Iterator[Connection]:
    """Yield a connection that reads the ledger the settings name."""
    with database(settings) as conninfo, connected(conninfo) as connection:
        yield connection


def state(connection: Connection) -> tuple[Head, str]:
    """Return the end of the log and the ledger's mode."""
    row = connection.execute(STATE).fetchone()
    if row is None:
        raise NotConfiguredError(NO_LEDGER)
    ledger_id, mode, position, digest, recorded_at = row
    head = Head(
        ledger_id=ledger_id, position=position, hash=digest, recorded_at=recorded_at
    )
    return head, mode
