"""The schema's history: numbered SQL files, applied forward only, each in a transaction.

A migration appends nothing to the log. What the files cannot hold, the ledger's identity
and the dictionaries of its encodings, is founded after them.
"""

from __future__ import annotations

import hashlib
import secrets
from importlib import resources
from typing import Final

import attrs
import psycopg

from ledger.database import refusal
from ledger.encoding import SHIPPED, shipped_dictionaries
from ledger.errors import NotConfiguredError, UnavailableError
from ledger.row import genesis_hash

LOCK: Final = 6_045_270_102  # any number, the same in every release

HISTORY: Final = """
CREATE SCHEMA IF NOT EXISTS ledger;
CREATE TABLE IF NOT EXISTS ledger.migrations (
    name       text        PRIMARY KEY,
    digest     text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
"""


@attrs.frozen(kw_only=True)
class Migration:
    """One numbered file.

    Attributes:
        digest: SHA-256 of the text; an applied file must never change.
    """

    name: str
    sql: str
    digest: str


class SchemaError(NotConfiguredError):
    """The schema is not the one this release works on; the text says what to run."""


def shipped() -> list[Migration]:
    """Return the migrations of this release, in order."""
    folder = resources.files("ledger") / "migrations"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".sql")),
        key=lambda file: file.name,
    )
    texts = [(file.name, file.read_text(encoding="utf-8")) for file in files]
    return [
        Migration(name=name, sql=sql, digest=hashlib.sha256(sql.encode()).hexdigest())
        for name, sql in texts
    ]


def migrate(conninfo: str, *, mode: str = "test") -> list[str]:
    """Bring the schema up to this release; return the names of what was applied.

    Safe to call from several processes at once, and again.

    Args:
        mode: ``live`` or ``test``; fixed when the ledger is founded.

    Raises:
        SchemaError: An applied file is not what this release ships, the database is of a
            later release, or the ledger is of the other mode.
        NotConfiguredError: The user may not create what the schema needs, or the database
            keeps text in another encoding than UTF-8.
        UnavailableError: The database cannot be reached now.
    """
    try:
        with _connected(conninfo) as connection:
            _require_utf8(connection)
            connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
            connection.execute(HISTORY)
            applied = [_apply(connection, step) for step in _missing(connection)]
            _found(connection, mode)
            return applied
    except (
        psycopg.errors.DuplicateSchema,
        psycopg.errors.DuplicateTable,
        psycopg.errors.DuplicateObject,
    ) as error:
        raise SchemaError(
            f"something of that name is there already ({error.diag.message_primary}); "
            "give the ledger a database of its own"
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise NotConfiguredError(
            f"the database user may not set up the ledger ({error.diag.message_primary}); "
            "run bl migrate once as a user with CREATEROLE and CREATE on the database"
        ) from error
    except psycopg.OperationalError as error:
        raise UnavailableError(f"cannot migrate: {str(error).strip()}") from error


def pending(conninfo: str) -> list[str]:
    """Return the names of the migrations that the database still lacks.

    Raises:
        SchemaError: As in `migrate`.
    """
    try:
        with _connected(conninfo) as connection:
            return [step.name for step in _missing(connection)]
    except psycopg.errors.InsufficientPrivilege as error:
        raise NotConfiguredError(
            "the database user may not read the ledger's schema; grant it the roles "
            "ledger_appender, ledger_projector and ledger_reader"
        ) from error
    except psycopg.OperationalError as error:
        raise UnavailableError(f"cannot reach the database: {error}".strip()) from error


def _connected(conninfo: str) -> psycopg.Connection:
    try:
        return psycopg.connect(conninfo, autocommit=True)
    except psycopg.Error as error:
        raise refusal(error) from error


def _require_utf8(connection: psycopg.Connection) -> None:
    """Other encodings lack characters, or check none: what is chained must be the text."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise NotConfiguredError(
            f"the database {connection.info.dbname} is encoded in {encoding}; give the "
            "ledger one of its own: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )


def _missing(connection: psycopg.Connection) -> list[Migration]:
    known = shipped()
    done = _history(connection)
    for name in done.keys() - {step.name for step in known}:
        raise SchemaError(f"the database knows {name}, of a later release; upgrade")
    for step in known:
        if done.get(step.name, step.digest) != step.digest:
            raise SchemaError(
                f"{step.name} was applied with another text; install the release "
                "that this database was migrated with, then upgrade from there"
            )
    return [step for step in known if step.name not in done]


def _history(connection: psycopg.Connection) -> dict[str, str]:
    exists = connection.execute("SELECT to_regclass('ledger.migrations')").fetchone()
    if exists is None or exists[0] is None:
        return {}
    rows = connection.execute("SELECT name, digest FROM ledger.migrations").fetchall()
    return dict(rows)


def _apply(connection: psycopg.Connection, step: Migration) -> str:
    with connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '10s'")
        connection.execute(step.sql)
        connection.execute(
            "INSERT INTO ledger.migrations (name, digest) VALUES (%s, %s)",
            (step.name, step.digest),
        )
    return step.name


def _found(connection: psycopg.Connection, mode: str) -> None:
    """Write the identity, the empty head and the dictionaries, where they are missing."""
    with connection.transaction():
        for number, dictionary in shipped_dictionaries().items():
            _keep_dictionary(connection, number, dictionary)
        founded = connection.execute("SELECT mode FROM ledger.identity").fetchone()
        if founded is not None:
            if founded[0] != mode:
                raise SchemaError(
                    f"this ledger is of {founded[0]} mode; set LEDGER_MODE={founded[0]} "
                    f"or give {mode} mode a database of its own"
                )
            return
        ledger_id = f"led_{secrets.token_hex(8)}"
        genesis = genesis_hash(ledger_id)
        connection.execute(
            "INSERT INTO ledger.identity (ledger_id, mode, genesis_hash) "
            "VALUES (%s, %s, %s)",
            (ledger_id, mode, genesis),
        )
        connection.execute(
            "INSERT INTO ledger.head (position, hash) VALUES (0, %s)", (genesis,)
        )


def _keep_dictionary(
    connection: psycopg.Connection, number: int, dictionary: bytes
) -> None:
    kept = connection.execute(
        "SELECT dictionary FROM ledger.encodings WHERE encoding_id = %s", (number,)
    ).fetchone()
    if kept is None:
        connection.execute(
            "INSERT INTO ledger.encodings VALUES (%s, %s, %s)",
            (number, SHIPPED[number], dictionary),
        )
    elif kept[0] != dictionary:
        raise SchemaError(
            f"encoding {number} is another dictionary in this database than in this "
            "release; install the release that founded it"
        )
