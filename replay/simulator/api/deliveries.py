"""Deliveries to an endpoint: signed, over several connections, some of them never sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final

import aiohttp
import attrs

from replay.simulator.delivery import Delivery, deliver, signature_header
from replay.simulator.occurrences import Occurrence

CONNECTIONS: Final = 32
WAITING_MAX: Final = 128
TRIES: Final = 20
PAUSE_S: Final = 0.5
TIMEOUT_S: Final = 30
_TAKEN: Final = range(200, 300)


@attrs.define
class Counted:
    """What became of the deliveries.

    Attributes:
        posted: Taken by the endpoint.
        given_up: Refused, or not answered, as often as one tries.
    """

    posted: int = 0
    given_up: int = 0


@attrs.define(kw_only=True)
class Post:
    """Posts deliveries to one endpoint, as Stripe does.

    Attributes:
        drop: Share of the events that are never sent, between 0 and 1.
        seed: Decides which.
    """

    url: str
    secret: str
    drop: float = 0.0
    seed: int = 0
    counted: Counted = attrs.field(factory=Counted)

    async def post(
        self,
        occurrences: Iterable[Occurrence],
        reached: Callable[[int], None] | None = None,
    ) -> None:
        """Post what *occurrences* tell; tell *reached* how far in simulated seconds."""
        queue: asyncio.Queue[Delivery | None] = asyncio.Queue(WAITING_MAX)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(CONNECTIONS):
                group.create_task(self._send_all(session, queue))
            for delivery in deliver(occurrences, seed=self.seed, drop=self.drop):
                await queue.put(delivery)
                if reached is not None:
                    reached(int(delivery.due.timestamp()))
            for _ in range(CONNECTIONS):
                await queue.put(None)

    async def _send_all(
        self, session: aiohttp.ClientSession, queue: asyncio.Queue[Delivery | None]
    ) -> None:
        while (delivery := await queue.get()) is not None:
            if await self._insist(session, delivery):
                self.counted.posted += 1
            else:
                self.counted.given_up += 1

    async def _insist(self, session: aiohttp.ClientSession, delivery: Delivery) -> bool:
        """Post until it is taken; tell whether it ever was."""
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(PAUSE_S)
            signed = signature_header(delivery, self.secret, datetime.now(UTC))
            headers = {"Stripe-Signature": signed, "Content-Type": "application/json"}
            try:
                async with session.post(
                    self.url, data=delivery.body, headers=headers
                ) as response:
                    if response.status in _TAKEN:
                        return True
            except (aiohttp.ClientError, TimeoutError):
                continue
        return False
