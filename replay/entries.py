"""Entries of the log as a person looks for them: by subject, type and time, in pages.

Bodies stay in the database; only what stands in columns is read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import attrs

from ledger.errors import IntegrityFailureError
from ledger.row import NAMES, Row, chain_hash, genesis_hash, pack, preamble
from replay.ledgers import Connection, state

PAGE_ROWS: Final = 1000
COLUMNS: Final = (
    "position",
    "recorded_at",
    "occurred_at",
    "topic",
    "source",
    "account",
    "stripe_type",
    "object_id",
    "originator_id",
    "originator_version",
    "api_version",
    "livemode",
    "stripe_account",
    "endpoint",
    "signed_at",
    "verdict",
)
LAST: Final = 2**63 - 1

_WANTED: Final = """
   FROM ledger.log
  WHERE position > %(after)s
    AND position <= %(until)s
    AND (%(owners)s::text[] IS NULL
         OR (verdict = 'accepted' AND account = ANY(%(owners)s))
         OR verdict <> 'accepted')
    AND (%(subjects)s::text[] IS NULL
         OR account = ANY(%(subjects)s)
         OR object_id = ANY(%(subjects)s)
         OR originator_id = ANY(%(subjects)s))
    AND (%(type)s::text IS NULL OR coalesce(stripe_type, topic) LIKE %(type)s)
    AND (%(since)s::timestamptz IS NULL OR recorded_at >= %(since)s)
    AND (%(by)s::timestamptz IS NULL OR coalesce(occurred_at, recorded_at) <= %(by)s)
"""
PAGE: Final = f"""
 SELECT {", ".join(COLUMNS)}, length(body) AS stored_bytes
{_WANTED}
  ORDER BY position
  LIMIT {PAGE_ROWS}
"""
NEWEST: Final = f"""
SELECT min(position)
  FROM (SELECT position {_WANTED} ORDER BY position DESC LIMIT %(limit)s) AS newest
"""  # noqa: S608, names of this module
ONE: Final = f"""
SELECT {", ".join(COLUMNS)}, encoding_id, key_id, body, hash
  FROM ledger.log
 WHERE originator_id = %(id)s OR position = %(position)s
 ORDER BY position
"""  # noqa: S608, names of this module
CHAINED: Final = f"""
SELECT log.hash, before.hash, {", ".join(f"log.{name}" for name in NAMES.split(", "))}
  FROM ledger.log
  LEFT JOIN ledger.log AS before ON before.position = log.position - 1
 WHERE log.position = %s
"""  # noqa: S608, names of the log's own columns

Entry = dict[str, Any]


@attrs.frozen(kw_only=True)
class Wanted:
    """Which entries; None asks for no less than all.

    Attributes:
        subjects: Accounts, objects or event ids, any of which an entry is about.
        owners: The accounts that all of them are of, where that is known: then no more of
            the log is read than theirs, and what was not accepted.
        type: Stripe's type or our topic; ``*`` stands for anything.
        since: Recorded at or after.
        by: Occurred at or before.
    """

    subjects: Sequence[str] | None = None
    owners: Sequence[str] | None = None
    type: str | None = None
    since: datetime | None = None
    by: datetime | None = None

    def values(self, after: int, until: int) -> dict[str, object]:
        """Return the parameters of a query over (after, until]."""
        escaped = None if self.type is None else _like(self.type)
        return {
            "after": after,
            "until": until,
            "subjects": None if self.subjects is None else list(self.subjects),
            "owners": None if self.owners is None else list(self.owners),
            "type": escaped,
            "since": self.since,
            "by": self.by,
        }


def entries(
    connection: Connection, wanted: Wanted, *, after: int = 0, until: int = LAST
) -> Iterator[Entry]:
    """Yield the entries of (after, until] that are *wanted*, in order of position."""
    while True:
        found = _rows(connection, PAGE, wanted.values(after, until))
        yield from found
        if len(found) < PAGE_ROWS:
            return
        after = found[-1]["position"]


def before_newest(connection: Connection, wanted: Wanted, limit: int, until: int) -> int:
    """Return after which position the newest *limit* of the wanted entries begin."""
    values = {**wanted.values(0, until), "limit": limit}
    row = connection.execute(NEWEST, values).fetchone()
    return until if row is None or row[0] is None else row[0] - 1


def is_told(connection: Connection, subjects: Sequence[str]) -> bool:
    """Tell whether any entry at all is about one of *subjects*."""
    values = {**Wanted(subjects=subjects).values(0, LAST), "limit": 1}
    row = connection.execute(NEWEST, values).fetchone()
    return row is not None and row[0] is not None


def one(
    connection: Connection, *, event_id: str | None = None, position: int | None = None
) -> list[Entry]:
    """Return what stands under an id, or at a position, with the stored body.

    Raises:
        IntegrityFailureError: A row of it is not what its hash was taken over.
    """
    found = _rows(connection, ONE, {"id": event_id, "position": position})
    for each in found:
        hold_against_chain(connection, each["position"])
    return found


def hold_against_chain(connection: Connection, position: int) -> None:
    """Take a row's hash once more, over its columns and the hash of the row before.

    Raises:
        IntegrityFailureError: It is another than the one that is stored.
    """
    ledger_id = state(connection)[0].ledger_id
    for stored, before, *columns in connection.execute(CHAINED, (position,)):
        previous = genesis_hash(ledger_id) if position == 1 else before
        try:
            fields = b"".join(pack(Row._make(columns)))
        except (ValueError, struct.error):  # what the log never takes
            fields = b""
        if previous is None:
            wrong = f"the row before #{position:,} is missing"
        elif chain_hash(preamble(ledger_id), previous, fields) != stored:
            wrong = f"#{position:,} is not what its hash was taken over"
        else:
            continue
        raise IntegrityFailureError(
            f"{wrong}: the log was altered; run bl verify, and keep the database as it is"
        )


def _rows(
    connection: Connection, query: str, values: dict[str, object]
) -> list[dict[str, Any]]:
    cursor = connection.execute(query, values)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _like(pattern: str) -> str:
    for mark in "\\%_":
        pattern = pattern.replace(mark, f"\\{mark}")
    return pattern.replace("*", "%")
