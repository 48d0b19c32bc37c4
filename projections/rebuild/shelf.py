"""Facts on the shelf: what was read out of the log by one interpreter, block by block.

A block is bound to the log by the chain's hash at its last position, which stands for
everything before it: in another log, or one that was written anew, it is not found. What
is damaged on the shelf is noticed by its digest. It may be emptied at any time.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs
import psycopg

from ledger.database import Role, connect
from ledger.errors import LedgerError, NotConfiguredError, UnavailableError
from projections.rebuild.blocks import BLOCK_EVENTS
from projections.rebuild.interpreter import interpreter

FETCHED: Final = 256
EXISTS: Final = "SELECT to_regclass('read_models.facts') IS NOT NULL"
HASH: Final = "SELECT hash FROM ledger.log WHERE position = %s"
PUT: Final = """
INSERT INTO read_models.facts (interpreter, bucket, block, log_hash, digest, facts)
SELECT %(interpreter)s, bucket, %(block)s, %(log_hash)s, digest, facts
  FROM unnest(%(buckets)b::smallint[], %(digests)b::bytea[], %(facts)b::bytea[])
       AS made (bucket, digest, facts)
ON CONFLICT (interpreter, bucket, block)
DO UPDATE SET log_hash = excluded.log_hash, digest = excluded.digest, facts = excluded.facts
"""
# A block is put there whole: one of its buckets tells of all.
HELD: Final = """
SELECT block
  FROM read_models.facts
  JOIN ledger.log ON log.position = (block + 1)::bigint * %(events)s
 WHERE interpreter = %(interpreter)s AND bucket = 0 AND log.hash = facts.log_hash
"""
OUTDATED: Final = "DELETE FROM read_models.facts WHERE interpreter <> %s"
CLEAR: Final = "DELETE FROM read_models.facts WHERE interpreter = %s"
FORGET: Final = """
DELETE FROM read_models.facts
 WHERE block IN (
           SELECT (position - 1) / %s
             FROM ledger.log
            WHERE account = %s AND verdict = 'accepted'
       )
"""
READ: Final = """
SELECT bucket, block, log_hash, digest, facts
  FROM read_models.facts
 WHERE interpreter = %s AND (bucket, block) > (%s, %s) AND bucket < %s AND block < %s
 ORDER BY bucket, block
 LIMIT %s
"""

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


ALONE: Final = "SELECT pg_advisory_lock(hashtext('read_models.facts'))"
TRY_ALONE: Final = "SELECT pg_try_advisory_lock(hashtext('read_models.facts'))"
LET_GO: Final = "SELECT pg_advisory_unlock(hashtext('read_models.facts'))"


class DamagedFactsError(LedgerError):
    """Kept facts are missing or not what they were; empty the shelf and read them anew."""


@attrs.frozen(kw_only=True)
class Shelf:
    """The facts of one ledger as this release reads them.

    Attributes:
        events: How many positions a block spans.
    """

    connection: Connection
    events: int = BLOCK_EVENTS
    interpreter: bytes = attrs.Factory(interpreter)

    async def held(self) -> frozenset[int]:
        """Return the blocks there are of this log."""
        asked = {"interpreter": self.interpreter, "events": self.events}
        cursor = await self.connection.execute(HELD, asked)
        return frozenset(row[0] for row in await cursor.fetchall())

    async def put(self, block: int, buckets: Sequence[bytes]) -> None:
        """Keep what each bucket of *block* holds, in place of what stood there."""
        cursor = await self.connection.execute(HASH, ((block + 1) * self.events,))
        found = await cursor.fetchone()
        if found is None:
            raise DamagedFactsError(f"the log does not reach the end of block {block}")
        digests = [
            self._digest(bucket, block, found[0], facts)
            for bucket, facts in enumerate(buckets)
        ]
        kept = {
            "interpreter": self.interpreter,
            "block": block,
            "log_hash": found[0],
            "buckets": list(range(len(buckets))),
            "digests": digests,
            "facts": list(buckets),
        }
        await self.connection.execute(PUT, kept)

    async def read(self, buckets: range, blocks: int) -> AsyncIterator[Sequence[bytes]]:
        """Yield what *buckets* hold of the first *blocks*, each in order of position.

        Raises:
            DamagedFactsError: Something of it is missing, or not what was put there.
        """
        after, found = (buckets.start, -1), 0
        while True:
            asked = (self.interpreter, *after, buckets.stop, blocks, FETCHED)
            cursor = await self.connection.execute(READ, asked, binary=True)
            parts = await cursor.fetchall()
            for part in parts:
                bucket, block, log_hash, digest, facts = part
                if digest != self._digest(bucket, block, log_hash, facts):
                    raise DamagedFactsError(f"bucket {bucket} of block {block} is damaged")
            found += len(parts)
            yield [part[4] for part in parts]
            if len(parts) < FETCHED:
                break
            after = parts[-1][:2]
        if found != len(buckets) * blocks:
            raise DamagedFactsError(f"{found} of {len(buckets) * blocks} parts are there")

    @asynccontextmanager
    async def alone(self, *, wait: bool = False) -> AsyncIterator[bool]:
        """Yield whether nobody else fills shelves of this ledger for as long as we do.

        Args:
            wait: Whether to wait for whoever does.
        """
        cursor = await self.connection.execute(ALONE if wait else TRY_ALONE)
        found = await cursor.fetchone()
        mine = wait or (found is not None and bool(found[0]))
        try:
            yield mine
        finally:
            if mine and not self.connection.closed:
                await self.connection.execute(LET_GO)

    async def clear(self) -> None:
        """Take everything away that this interpreter read."""
        await self.connection.execute(CLEAR, (self.interpreter,))

    async def clear_outdated(self) -> None:
        """Take away what other interpreters read."""
        await self.connection.execute(OUTDATED, (self.interpreter,))

    async def forget(self, account: str) -> None:
        """Take away every block with something of *account*, whoever read it."""
        await self.connection.execute(FORGET, (self.events, account))

    def _digest(self, bucket: int, block: int, log_hash: bytes, facts: bytes) -> bytes:
        place = f"{bucket} {block} {self.events}\n".encode()
        return hashlib.sha256(self.interpreter + place + log_hash + facts).digest()


@asynccontextmanager
async def opened(
    conninfo: str, role: Role, *, events: int = BLOCK_EVENTS
) -> AsyncIterator[Shelf]:
    """Yield the shelf of a ledger, on a connection of its own.

    Raises:
        NotConfiguredError: The database is of an earlier release, without a shelf.
        UnavailableError: The database went away.
    """
    async with await connect(conninfo, role) as connection:
        try:
            found = await (await connection.execute(EXISTS)).fetchone()
            if found is None or not found[0]:
                raise NotConfiguredError(
                    "this database is of an earlier release: it keeps no facts; run bl "
                    "migrate"
                )
            yield Shelf(connection=connection, events=events)
        except psycopg.OperationalError as error:
            raise UnavailableError(f"kept facts: {error}") from error
