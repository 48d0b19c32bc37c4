"""Whether the door is open: while it starts, while the database is away, while it stops."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from aiohttp import ClientSession

from doors import (
    SECRET,
    Served,
    deliver,
    event,
    line_of,
    served,
    start_process,
)
from ledger.errors import UnavailableError
from ledger.log import Head
from ledger.twin import MemoryLog
from webhooks.app import Door


class MoodyLog(MemoryLog):
    """A log whose database comes and goes."""

    mood = "well"

    async def head(self) -> Head:
        if self.mood == "away":
            raise UnavailableError("gone")
        if self.mood == "silent":
            await asyncio.sleep(60)
        return await super().head()


async def readiness(door: Served) -> tuple[int, object]:
    address = f"http://127.0.0.1:{door.port}/readyz"
    async with ClientSession() as session, session.get(address) as answer:
        body = await answer.json(content_type=None)
        return answer.status, body.get("detail")


async def test_the_door_says_why_it_is_closed() -> None:
    log = MoodyLog()
    async with served(log=log) as door:
        opened = await readiness(door)
        await asyncio.sleep(0.6)
        log.mood = "away"
        away = await readiness(door)
        log.mood = "silent"
        silent = await readiness(door)
        log.mood = "well"
        back = await readiness(door)
        door.door.drain()
        stopping = await readiness(door)

    assert opened == back == (200, None)
    assert away == silent == (503, "the database does not answer")
    assert stopping == (503, "stopping")


async def test_a_door_that_was_never_opened_is_starting() -> None:
    async with served() as door:
        fresh = Door(door.listener._settings)

        assert await fresh.why_closed() == "starting"


async def test_without_a_database_of_its_own_a_process_brings_one(
    open_directory: Path,
) -> None:
    running, errors = await start_process(
        LEDGER_DATA_DIR=str(open_directory / "data"),
        LEDGER_PORT="0",
        LEDGER_MODE="test",
        STRIPE_WEBHOOK_SECRETS=SECRET,
    )
    listening = await asyncio.wait_for(line_of(errors, "listening"), 30)
    port = int(listening["port"])
    early = await deliver(port, event())
    await asyncio.wait_for(line_of(errors, "ready"), 60)
    answer = await deliver(port, event())
    running.send_signal(signal.SIGTERM)
    code = await asyncio.wait_for(running.wait(), 30)

    key = open_directory / "data" / "token.key"
    assert early.status in {200, 503}
    assert answer.status == 200
    assert code == 0
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.stat().st_uid == os.geteuid()
