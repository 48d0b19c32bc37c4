"""Whether the log is what was written: every row, in order, against the chain.

The server sends each row in the very bytes that were hashed when it was written, so a
check is one hash per row. What one pass can find: a changed, missing, added, moved or
doubled row, rows of another ledger, and a head that is not the chain's end. That the end
was cut off, or all of it written anew, only a checkpoint kept elsewhere can tell. Times
that show a clock gone back are noted; they are no damage.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

import attrs
import psycopg

from ledger.checkpoint import Checkpoint
from ledger.database import Role, connect
from ledger.encoding import shipped_dictionaries
from ledger.errors import IntegrityFailureError, NotConfiguredError, UnavailableError
from ledger.log import Head
from ledger.regression import (
    ROWS_OF_ONE_COMMIT_MAX,
    SIGNED_APART,
    SIGNED_APART_MAX,
    Regression,
    signed_apart,
    stood_still,
)
from ledger.row import COLUMNS, FIELD_COUNT, FRAMING, NAMES, genesis_hash, preamble

STEP: Final = 10_000

EXPORT: Final = (
    f"COPY (SELECT {NAMES}, hash FROM ledger.log ORDER BY position) "  # noqa: S608
    "TO STDOUT (FORMAT binary)"
)
STATE: Final = """
SELECT ledger_id, position, hash, recorded_at, genesis_hash
  FROM ledger.identity, ledger.head
"""

DICTIONARIES: Final = "SELECT encoding_id, dictionary FROM ledger.encodings"

# A tuple as COPY sends it: field count, then framing, position and recorded_at with
# their lengths, the other fields, and the hash with its length at the end.
_START: Final = struct.Struct(">hihiqiq")
_ROW_FIELDS: Final = len(COLUMNS) + 1
_FIXED: Final = (2, 8, 8)
_HASH_LENGTH: Final = struct.pack(">i", 32)
_HASH_BYTES: Final = 36
_FILE_HEADER: Final = 19
_FILE_END: Final = b"\xff\xff"


@attrs.frozen(kw_only=True)
class Fault:
    """The first thing that is wrong.

    Attributes:
        position: Where; for a missing row, the position that should follow.
    """

    position: int
    what: str


@attrs.frozen(kw_only=True)
class Verification:
    """What a check of the whole log found.

    Attributes:
        rows: How many rows were good.
        position: Of the last good row.
        hash: The chain's value there.
        fault: None when everything holds.
        regressions: Where the times show that a clock had gone back.
    """

    ledger_id: str
    rows: int
    position: int
    hash: bytes
    fault: Fault | None = None
    regressions: tuple[Regression, ...] = ()


async def verify(
    conninfo: str,
    *,
    against: Checkpoint | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Check every row up to the head as it is when the check begins, with flat memory.

    Args:
        against: A checkpoint of this ledger, taken earlier.
        progress: Told (rows checked, rows in all) every 10,000 rows.

    Raises:
        UnavailableError: The database went away.
        NotConfiguredError: It holds no ledger.
        IntegrityFailureError: Its tables are not those that a migration made.
    """
    try:
        async with (
            await connect(conninfo, Role.READER) as connection,
            connection.transaction(),
        ):
            # One snapshot: the head and the rows are of the same moment.
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            state = await (await connection.execute(STATE)).fetchone()
            if state is None:
                raise NotConfiguredError("this database holds no ledger")
            ledger_id, position, digest, recorded_at, genesis = state
            chain = Chain(ledger_id, against=against)
            if genesis != genesis_hash(ledger_id):
                chain.fault = Fault(position=0, what="the genesis hash is another ledger's")
            kept = await (await connection.execute(DICTIONARIES)).fetchall()
            if (lacking := _foreign_dictionary(dict(kept))) is not None:
                chain.fault = Fault(
                    position=0,
                    what=f"the dictionary of encoding {lacking} is not the one shipped",
                )
            head = Head(
                ledger_id=ledger_id,
                position=position,
                hash=digest,
                recorded_at=recorded_at,
            )
            async with connection.cursor() as cursor, cursor.copy(EXPORT) as copy:
                await _walk(chain, aiter(copy), head, progress)
            apart = {"apart": SIGNED_APART_MAX, "until": head.position}
            signed = await (await connection.execute(SIGNED_APART, apart)).fetchone()
            if signed is not None and signed[0]:
                rows, first, latest, earliest = signed
                chain.regressions.append(signed_apart(first, rows, latest, earliest))
            return chain.result(head)
    except psycopg.errors.UndefinedTable as error:
        raise NotConfiguredError(
            "this database holds no ledger; run bl migrate first"
        ) from error
    except psycopg.errors.UndefinedColumn as error:
        raise IntegrityFailureError(
            f"the log's table is not the one that was migrated "
            f"({error.diag.message_primary}): somebody altered it; keep the database as it "
            "is and restore a backup beside it"
        ) from error
    except psycopg.OperationalError as error:
        raise UnavailableError(f"the log could not be read: {error}") from error


def _foreign_dictionary(kept: Mapping[int, bytes]) -> int | None:
    """Rows are chained as stored: with another dictionary, bodies would read otherwise."""
    for number, shipped in shipped_dictionaries().items():
        if kept.get(number) != shipped:
            return number
    return None


async def _walk(
    chain: Chain,
    tuples: AsyncIterator[bytes | bytearray | memoryview],
    head: Head,
    progress: Callable[[int, int], None] | None,
) -> None:
    async for sent in tuples:
        tuple_bytes = bytes(sent)
        if chain.rows == 0 and tuple_bytes.startswith(b"PGCOPY"):
            tuple_bytes = tuple_bytes[_FILE_HEADER:]
        if tuple_bytes in {b"", _FILE_END} or chain.fault is not None:
            continue
        chain.add(tuple_bytes)
        if progress is not None and chain.rows % STEP == 0:
            progress(chain.rows, head.position)


class Chain:
    """Walks rows in order of position and stops at the first fault."""

    def __init__(self, ledger_id: str, *, against: Checkpoint | None = None) -> None:
        self.rows = 0
        self.hash = genesis_hash(ledger_id)
        self.fault: Fault | None = None
        self.regressions: list[Regression] = []
        self._same_time = 1
        self._ledger_id = ledger_id
        self._preamble = preamble(ledger_id)
        self._recorded_at = -(2**63)
        self._against = against
        if against is not None and against.ledger_id != ledger_id:
            self.fault = Fault(
                position=0,
                what=f"the checkpoint is of {against.ledger_id}, not of this ledger",
            )
        elif against is not None and against.position == 0:
            self._compare_checkpoint()

    def add(self, row: bytes) -> None:
        """Check *row*, a tuple in binary COPY form with the hash as its last field."""
        expected = self.rows + 1
        try:
            count, *fixed = _START.unpack_from(row)
        except struct.error:
            self._fail(expected, "the row is cut short")
            return
        framing_length, framing, position_length, position, time_length, moment = fixed
        if count != _ROW_FIELDS or (framing_length, position_length, time_length) != _FIXED:
            self._fail(expected, "a column that may not be null is null")
        elif position != expected:
            self._fail(expected, _misplaced(position, expected))
        elif framing != FRAMING:
            self._fail(expected, f"framing {framing} is not known to this release")
        elif moment < self._recorded_at:
            self._fail(expected, "recorded before the row that precedes it")
        elif row[-_HASH_BYTES : -_HASH_BYTES + 4] != _HASH_LENGTH:
            self._fail(expected, "the stored hash is not 32 bytes")
        else:
            self._link(row, expected, moment)

    def result(self, head: Head) -> Verification:
        """Compare the end with *head* and return what was found."""
        if self.fault is None:
            self._compare_head(head)
        self._note_standstill()
        return Verification(
            ledger_id=self._ledger_id,
            rows=self.rows,
            position=self.rows,
            hash=self.hash,
            fault=self.fault,
            regressions=tuple(sorted(self.regressions, key=_first)),
        )

    def _link(self, row: bytes, position: int, moment: int) -> None:
        digest = hashlib.sha256(
            self._preamble + self.hash + FIELD_COUNT + row[2:-_HASH_BYTES]
        ).digest()
        if digest != row[-32:]:
            self._fail(position, "the content is not what its hash was taken over")
            return
        if moment == self._recorded_at:
            self._same_time += 1
        else:
            self._note_standstill()
        self.rows, self.hash, self._recorded_at = position, digest, moment
        if self._against is not None and self._against.position == position:
            self._compare_checkpoint()

    def _note_standstill(self) -> None:
        """Take note of the rows of one time that end here, if they are too many."""
        if self._same_time > ROWS_OF_ONE_COMMIT_MAX:
            first = self.rows - self._same_time + 1
            self.regressions.append(stood_still(first, self._same_time))
        self._same_time = 1

    def _compare_checkpoint(self) -> None:
        if self._against is not None and self._against.hash != self.hash:
            self._fail(
                self.rows,
                "the checkpoint holds another hash here: what stands before was rewritten",
            )

    def _compare_head(self, head: Head) -> None:
        if head.position > self.rows:
            self._fail(self.rows + 1, f"rows are missing: the head is at {head.position:,}")
        elif head.position < self.rows:
            self._fail(head.position + 1, "rows stand beyond the head")
        elif head.hash != self.hash:
            self._fail(self.rows, "the head holds another hash than the last row")
        elif self._against is not None and self._against.position > self.rows:
            self._fail(
                self.rows + 1,
                f"rows are missing: the checkpoint is at {self._against.position:,}, "
                f"the log ends at {self.rows:,}",
            )

    def _fail(self, position: int, what: str) -> None:
        self.fault = Fault(position=position, what=what)


def _first(regression: Regression) -> int:
    return regression.position


def _misplaced(position: int, expected: int) -> str:
    if position < 1:
        return f"position {position:,} is none"
    if position < expected:
        return f"position {position:,} stands twice"
    return f"the row is missing; position {position:,} follows"
