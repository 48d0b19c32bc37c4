"""The demo's post: what Stripe delivers and the product says, over several connections.

simulation ─ deliveries, late, doubled, forged ─┐
           └ seat changes                       ┴─ queue ─ connections ─ the door
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

import aiohttp
import attrs
import msgspec

from ledger.clock import utc_now
from ledger.errors import UnavailableError
from ledger.moments import rfc3339
from replay.report.progress import Tick
from replay.simulator.delivery import Delivery, Kind, deliver, signature_header
from replay.simulator.occurrences import Occurrence, SeatOccurrence
from replay.simulator.simulation import Simulation

CONNECTIONS: Final = 64
WAITING_MAX: Final = 200
FORGED: Final = 0.005
BUSY: Final = frozenset({408, 409, 429, 503})
TRIES: Final = 20
PAUSE_S: Final = 0.25
TICK_EVERY: Final = 50

Item = Delivery | SeatOccurrence


@attrs.define
class Outcome:
    """What the door answered, counted.

    Attributes:
        posted: Deliveries and seat changes.
        took_s: From the first to the last answer.
        unexpected: Answers that should not be, by kind of item and status.
    """

    posted: int = 0
    appended: int = 0
    duplicates: int = 0
    refused: int = 0
    forged: int = 0
    late: int = 0
    seats: int = 0
    deliveries: int = 0
    took_s: float = 0.0
    unexpected: Counter[str] = attrs.Factory(Counter)


class Post:
    """Posts a simulation through the door at *base*."""

    def __init__(self, base: str, secret: str, token: str) -> None:
        self.outcome = Outcome()
        self._base = base
        self._secret = secret
        self._headers = {"Authorization": f"Bearer {token}"}
        self._queue: asyncio.Queue[Item | None] = asyncio.Queue(WAITING_MAX)

    async def post(self, simulation: Simulation, end: datetime, tick: Tick) -> None:
        """Post all of *simulation*, which ends at *end*.

        Raises:
            UnavailableError: The door does not answer.
        """
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        begun = time.monotonic()
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(CONNECTIONS):
                group.create_task(self._send_all(session))
            await self._fill(simulation, end, tick)
        self.outcome.took_s = time.monotonic() - begun

    async def _fill(self, simulation: Simulation, end: datetime, tick: Tick) -> None:
        days = (end - simulation.start).days
        for number, item in enumerate(items(simulation)):
            await self._queue.put(item)
            if number % TICK_EVERY == 0:
                day = min((_due(item) - simulation.start).days, days)
                tick(day, days, f"{self.outcome.posted:,} posted")
        for _ in range(CONNECTIONS):
            await self._queue.put(None)

    async def _send_all(self, session: aiohttp.ClientSession) -> None:
        while (item := await self._queue.get()) is not None:
            status, answer = await self._insist(session, item)
            self._count(item, status, answer)

    async def _insist(
        self, session: aiohttp.ClientSession, item: Item
    ) -> tuple[int, dict[str, object]]:
        """Post *item* until it is answered for good, as Stripe would."""
        reason = "it does not answer"
        for _ in range(TRIES):
            try:
                request = self._request(session, item)
                async with request as response:
                    body = await response.read()
                    if response.status not in BUSY:
                        return response.status, msgspec.json.decode(body or b"{}")
                    reason = f"status {response.status}"
            except (aiohttp.ClientError, TimeoutError) as error:
                reason = str(error)
            await asyncio.sleep(PAUSE_S)
        raise UnavailableError(f"the demo's door is not there: {reason}")

    def _request(
        self, session: aiohttp.ClientSession, item: Item
    ) -> aiohttp.client._RequestContextManager:
        if isinstance(item, SeatOccurrence):
            return session.post(
                f"{self._base}/v1/accounts/{item.account}/seat-changes",
                data=_seat_body(item),
                headers={
                    **self._headers,
                    "Idempotency-Key": item.key,
                    "Content-Type": "application/json",
                },
            )
        signed = signature_header(item, self._secret, utc_now())
        return session.post(
            f"{self._base}/webhooks/stripe",
            data=item.body,
            headers={"Stripe-Signature": signed, "Content-Type": "application/json"},
        )

    def _count(self, item: Item, status: int, answer: dict[str, object]) -> None:
        known = self.outcome
        known.posted += 1
        if isinstance(item, SeatOccurrence):
            known.seats += 1
        else:
            known.deliveries += 1
            known.forged += item.kind is Kind.FORGED
            known.late += item.kind is Kind.RETRY
        duplicate = answer.get("duplicate") is True or status == 200  # noqa: PLR2004
        if status == 201 or answer.get("duplicate") is False:  # noqa: PLR2004
            known.appended += 1
        elif duplicate:
            known.duplicates += 1
        elif isinstance(item, Delivery) and item.kind is Kind.FORGED:
            known.refused += 1
        else:
            known.unexpected[f"{type(item).__name__} answered {status}"] += 1


def items(simulation: Simulation) -> Iterator[Item]:
    """Yield deliveries and seat changes in the order in which they arrive."""
    seats: deque[SeatOccurrence] = deque()
    occurrences = _overheard(simulation.occurrences(), seats)
    for delivery in deliver(occurrences, seed=simulation.seed, forge=FORGED):
        while seats and seats[0].effective_at <= delivery.due:
            yield seats.popleft()
        yield delivery
    yield from seats


def _overheard(
    occurrences: Iterable[Occurrence], seats: deque[SeatOccurrence]
) -> Iterator[Occurrence]:
    for occurrence in occurrences:
        if isinstance(occurrence, SeatOccurrence):
            seats.append(occurrence)
        yield occurrence


def _due(item: Item) -> datetime:
    return item.effective_at if isinstance(item, SeatOccurrence) else item.due


def _seat_body(item: SeatOccurrence) -> bytes:
    return msgspec.json.encode(
        {
            "user": item.user,
            "active": item.active,
            "actor": item.actor,
            "effective_at": rfc3339(item.effective_at),
        }
    )
