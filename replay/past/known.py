"""All customers as the log told them up to a position, whatever was learnt since.

What stands outside their streams (the catalogue, and what names no customer) is folded
once; then the streams are read some hundred customers at a time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import attrs

from ledger.log import Recorded
from ledger.postgres import PostgresLog
from projections.account import Account
from projections.assembly import as_of
from projections.everyone import Surroundings, Ties
from projections.models.catalogue import CATALOGUE, Catalogue
from projections.models.declaration import Projection
from projections.models.links import Linked, is_customer
from projections.models.ties import TIES
from projections.projector.rows import Codec
from projections.projector.runner import Runner
from projections.projector.twin import MemoryRows
from replay.ledgers import Connection
from replay.report.progress import Tick

PAGE_ACCOUNTS: Final = 200
STEP: Final = 20_000
NAMES: Final = """
SELECT DISTINCT account
  FROM ledger.log
 WHERE position <= %s AND account > %s AND account LIKE 'cus\\_%%'
 ORDER BY account
 LIMIT %s
"""


@attrs.frozen(kw_only=True)
class Known:
    """What was known at *position*."""

    log: PostgresLog
    position: int
    around: Surroundings

    async def accounts(self, names: Sequence[str]) -> dict[str, Account]:
        """Return those of *names* that were known, as they were."""
        streams: defaultdict[str, list[Recorded]] = defaultdict(list)
        async for batch in self.log.read(until=self.position, accounts=names):
            for each in batch:
                streams[each.event.account or ""].append(each)
        return {
            name: self.around.around(
                as_of(Linked(customer=name, product=None), streams[name], None)
            )
            for name in names
            if name in streams
        }


async def known(log: PostgresLog, position: int, tick: Tick) -> Known:
    """Return what was known at *position*."""
    entries = await _folded(log, CATALOGUE, position, tick)
    ties = await _folded(log, TIES, position, tick)
    around = Surroundings(catalogue=Catalogue(entries=entries), ties=Ties(ties))
    return Known(log=log, position=position, around=around)


async def pages(connection: Connection, position: int) -> AsyncIterator[list[str]]:
    """Yield the customers that the log names up to *position*, a page at a time."""
    after = ""
    while True:
        rows = connection.execute(NAMES, (position, after, PAGE_ACCOUNTS)).fetchall()
        if not rows:
            return
        after = rows[-1][0]
        yield [name for (name,) in rows if is_customer(name)]


async def _folded(
    log: PostgresLog, projection: Projection[Any], position: int, tick: Tick
) -> dict[str, Any]:
    twin = MemoryRows(projection.version)
    runner = Runner(projection, log, twin)
    for until in (*range(STEP, position, STEP), position):
        await runner.catch_up(until)
        tick(until, position)
    codec: Codec[Any] = Codec(projection)
    return {key[1]: codec.decode(row.state) for key, row in twin.rows.items()}
