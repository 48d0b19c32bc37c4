"""A connection that answered a moment ago is trusted, unless the server has ended it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from ledger import hanging_up
from ledger.database import Role
from ledger.postgres import PostgresLog


async def test_a_connection_that_was_cut_right_after_it_answered_is_not_handed_out(
    ledger_database18: str,
) -> None:
    async with PostgresLog.open(ledger_database18, readers=2) as log:
        await log.head()
        async with await psycopg.AsyncConnection.connect(ledger_database18) as owner:
            for _ in range(5):
                await owner.execute(
                    "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                assert (await log.head()).position == 0


async def test_one_that_answered_a_moment_ago_is_not_asked_again(
    ledger_database18: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    execute = psycopg.AsyncConnection.execute

    async def noted(connection: Any, query: Any, *given: Any, **how: Any) -> Any:  # noqa: ANN401
        asked.append(query)
        return await execute(connection, query, *given, **how)

    monkeypatch.setattr(hanging_up, "TRUSTED_S", 60)
    async with PostgresLog.open(ledger_database18, Role.READER, readers=1) as log:
        await log.head()
        monkeypatch.setattr(psycopg.AsyncConnection, "execute", noted)
        await log.head()
        assert len(asked) == 1
        monkeypatch.setattr(hanging_up, "TRUSTED_S", 0)
        await log.head()
        assert len(asked) == 3
