"""A read whose connection was cut is asked again, before or while it is answered."""

from __future__ import annotations

import asyncio

import psycopg

from ledger.postgres import PostgresLog

CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


async def test_all_connections_cut_at_once_cost_no_read_and_no_second(
    ledger_database18: str,
) -> None:
    async with (
        PostgresLog.open(ledger_database18, readers=4) as log,
        await psycopg.AsyncConnection.connect(ledger_database18) as owner,
    ):
        for _ in range(5):
            await asyncio.gather(*(log.head() for _ in range(8)))
            await owner.execute(CUT)
            async with asyncio.timeout(3):
                heads = await asyncio.gather(*(log.head() for _ in range(8)))
            assert {each.position for each in heads} == {0}


async def test_one_cut_in_the_midst_of_a_question_is_asked_again(
    ledger_database18: str,
) -> None:
    async with (
        PostgresLog.open(ledger_database18, readers=2) as log,
        await psycopg.AsyncConnection.connect(ledger_database18) as owner,
    ):
        asked = asyncio.create_task(log._query("SELECT pg_sleep(0.4)", ()))
        await asyncio.sleep(0.3)
        await owner.execute(CUT)
        assert len(await asked) == 1
