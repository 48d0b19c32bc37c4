"""Row D01 over the whole receiver: what it answered with 200 is there, however it ends."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from itertools import count

import pytest

from doors import Process, deliver, event, process
from ledger.events import StripeEvent
from ledger.postgres import PostgresLog
from ledger.verify import verify

SENDERS = 8


class Load:
    """Senders that deliver events of their own to the receiver of the moment."""

    def __init__(self) -> None:
        self.door: Process | None = None
        self.acknowledged: list[str] = []
        self._numbers = count()
        self._grown = asyncio.Event()

    async def send(self) -> None:
        while self.door is not None:
            name = f"evt_{next(self._numbers)}"
            try:
                answer = await deliver(self.door.port, event(name))
            except (OSError, EOFError, ValueError, TimeoutError):
                await asyncio.sleep(0)  # killed meanwhile: no answer is no acknowledgement
                continue
            if answer.status == 200:
                self.acknowledged.append(name)
                self._grown.set()

    async def more(self, number: int) -> None:
        wanted = len(self.acknowledged) + number
        async with asyncio.timeout(30):
            while len(self.acknowledged) < wanted:
                self._grown.clear()
                await self._grown.wait()


async def kill_receivers(conninfo: str, kills: int) -> None:
    chance = random.Random(kills)
    load = Load()
    async with AsyncExitStack() as running:
        load.door = await running.enter_async_context(process(conninfo))
        senders = [asyncio.create_task(load.send()) for _ in range(SENDERS)]
        for _ in range(kills):
            younger = await running.enter_async_context(process(conninfo))
            await load.more(chance.randint(1, 40))
            load.door.process.kill()
            load.door = younger
        await load.more(1)
        load.door = None
        await asyncio.gather(*senders)

    async with PostgresLog.open(conninfo) as log:
        events = [each.event async for page in log.read() for each in page]
    stored = [each.event_id for each in events if isinstance(each, StripeEvent)]
    found = await verify(conninfo)
    assert len(load.acknowledged) > kills * 5
    assert set(load.acknowledged) - set(stored) == set()
    assert len(set(stored)) == len(stored) == found.position
    assert found.fault is None


async def test_D01_nothing_acknowledged_is_lost_in_50_kills_of_the_receiver(
    ledger_database18: str,
) -> None:
    await kill_receivers(ledger_database18, 50)


@pytest.mark.slow
async def test_D01_nothing_acknowledged_is_lost_in_500_kills_of_the_receiver(
    ledger_database18: str,
) -> None:
    await kill_receivers(ledger_database18, 500)
