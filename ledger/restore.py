"""A log made again from its rows, in a ledger that is still empty, all of it or none."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any, Final

import psycopg

from ledger.encoding import shipped_dictionaries
from ledger.errors import NotConfiguredError, UnavailableError
from ledger.row import COLUMNS, NAMES, genesis_hash
from ledger.transcript import Retold, Title, digests

STEP: Final = 2_000
ROWS: Final = f"COPY ledger.log ({NAMES}, hash) FROM STDIN (FORMAT binary)"
OTHERS: Final = """
SELECT count(*)
  FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid()
   AND backend_type = 'client backend'
"""
_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_FIELDS: Final = struct.pack(">h", len(COLUMNS) + 1)
_HASH_LENGTH: Final = struct.pack(">i", 32)
_END: Final = b"\xff\xff"

Connection = psycopg.Connection[tuple[Any, ...]]


def restore(
    conninfo: str,
    title: Title,
    rows: Iterator[Retold],
    progress: Callable[[int, int], None],
) -> int:
    """Write *rows* into the empty ledger at *conninfo*, which takes the id of *title*.

    All of it is one transaction: what is interrupted leaves the ledger as it was.

    Args:
        rows: In order; an error of theirs ends the work.
        progress: Told (rows written, rows in all) every 2,000 rows.

    Returns:
        How many rows were written.

    Raises:
        NotConfiguredError: The ledger is not empty, in use, of another mode, or not the
            user's own.
        UnavailableError: The database went away.
    """
    _check_dictionaries(title)
    try:
        with (
            psycopg.connect(conninfo, autocommit=True) as connection,
            connection.transaction(),
        ):
            _found(connection, title)
            return _write(connection, title, rows, progress)
    except psycopg.errors.InsufficientPrivilege as error:
        raise NotConfiguredError(
            f"the database user may not do that ({error.diag.message_primary}); use the "
            "one that ran bl migrate"
        ) from error
    except psycopg.errors.UndefinedTable as error:
        raise NotConfiguredError("there is no ledger yet; run bl migrate first") from error
    except psycopg.OperationalError as error:
        raise UnavailableError(f"the log could not be written: {error}") from error


def _check_dictionaries(title: Title) -> None:
    known = digests(shipped_dictionaries())
    for number, digest in title.encodings.items():
        if known.get(number) != digest:
            raise NotConfiguredError(
                f"bodies are stored with dictionary {number} of another release; install "
                "the release that wrote the file"
            )


def _found(connection: Connection, title: Title) -> None:
    """Give the empty ledger the id of *title*."""
    found = connection.execute(
        "SELECT position, mode FROM ledger.head, ledger.identity FOR UPDATE"
    ).fetchone()
    position, mode = found or (0, title.mode)
    if position:
        raise NotConfiguredError(
            f"this ledger already holds {position:,} events; give the log an empty one"
        )
    if mode != title.mode:
        raise NotConfiguredError(
            f"this ledger is of {mode} mode and the file of {title.mode} mode"
        )
    others = connection.execute(OTHERS).fetchone()
    if others is not None and others[0]:
        raise NotConfiguredError("this ledger is in use; stop what serves it first")
    connection.execute(
        "UPDATE ledger.identity SET ledger_id = %s, genesis_hash = %s",
        (title.ledger, genesis_hash(title.ledger)),
    )


def _write(
    connection: Connection,
    title: Title,
    rows: Iterator[Retold],
    progress: Callable[[int, int], None],
) -> int:
    last: Retold | None = None
    with connection.cursor() as cursor:
        with cursor.copy(ROWS) as copy:
            copy.write(_HEADER)
            for last in rows:
                copy.write(_FIELDS + last.fields + _HASH_LENGTH + last.hash)
                if last.position % STEP == 0:
                    progress(last.position, title.position)
            copy.write(_END)
        if last is None:
            cursor.execute(
                "UPDATE ledger.head SET hash = %s", (genesis_hash(title.ledger),)
            )
            return 0
        cursor.execute(
            "UPDATE ledger.head SET position = %s, hash = %s, recorded_at = %s",
            (last.position, last.hash, last.recorded_at),
        )
    return last.position
