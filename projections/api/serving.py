"""The read API on a database: opened for as long as somebody serves it.

async with opened(conninfo) as api:
    app.add_routes(routes(api))
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, tzinfo

from ledger.database import Role
from ledger.postgres import PostgresLog
from projections.api.app import Api
from projections.page.answers import prepare
from projections.reading import Reader


@asynccontextmanager
async def opened(
    conninfo: str, prices: tuple[str, ...] = (), zone: tzinfo = UTC
) -> AsyncIterator[Api]:
    """Yield a read API on the database of *conninfo*, which may be a replica.

    Args:
        prices: Those that the billing page offers to start with.
        zone: Where a month of the books begins.
    """
    async with PostgresLog.open(conninfo, role=Role.READER) as log:
        reader = Reader(conninfo)
        await reader.open()
        # Else the first visitor would wait for it, longer than for all the rest.
        prepared = asyncio.get_running_loop().run_in_executor(None, prepare)
        try:
            yield Api(
                reader=reader,
                log=log,
                ledger_id=log.ledger_id,
                mode=log.mode,
                prices=prices,
                zone=zone,
            )
        finally:
            await reader.close()
            await prepared
