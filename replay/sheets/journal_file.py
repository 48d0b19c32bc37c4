"""The journal of all customers, written from the read models as they stand."""

from __future__ import annotations

import asyncio
from typing import BinaryIO, Final

from psycopg.conninfo import make_conninfo

from ledger.book_months import day_of
from ledger.clock import utc_now
from ledger.settings import load
from projections.accounting.account_entries import entries
from projections.everyone import counted, everyone
from projections.models.credit_notes import CREDIT_NOTES
from projections.models.customers import CUSTOMERS
from projections.models.invoices import INVOICES
from projections.models.payments import PAYMENTS
from projections.reading import Reader
from replay.ledgers import Connection, state
from replay.report.progress import Tick
from replay.sheets.double_entry import heading, texts

# Whoever has any of the others is a customer that was told of.
PARTS: Final = (CUSTOMERS, INVOICES, PAYMENTS, CREDIT_NOTES)


def journal(connection: Connection, out: BinaryIO, tick: Tick) -> int:
    """Write the journal; return how many entries it has.

    What is earned is told up to the day of the last event, so that the same log gives the
    same bytes.
    """
    info = connection.info
    conninfo = make_conninfo(info.dsn, password=info.password or None)
    return asyncio.run(_journal(conninfo, connection, out, tick))


async def _journal(conninfo: str, connection: Connection, out: BinaryIO, tick: Tick) -> int:
    head, mode = state(connection)
    zone = load().book_zone
    today = day_of(head.recorded_at or utc_now(), zone)
    reader = Reader(conninfo, size=1)
    await reader.open()
    written = done = 0
    try:
        position, total = await reader.position(), await counted(reader, PARTS[0])
        out.write(heading(head.ledger_id, mode, position, str(zone)).encode())
        async for account in everyone(reader, PARTS):
            for text in texts(entries(account, today, zone)):
                out.write(text.encode())
                written += 1
            done += 1
            tick(done, total)
    finally:
        await reader.close()
    return written
