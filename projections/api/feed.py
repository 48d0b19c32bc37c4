"""The log as it grows, for whoever listens: server-sent events, resumed by position.

    id: 48213
    event: invoice.paid
    data: {"position":48213,"id":"evt_…","account":"cus_1", …}

    : 48213                       a heartbeat, while nothing comes

Who was cut off says ``Last-Event-ID``, as a browser does by itself, and misses nothing:
positions have no gaps. Bodies are not sent; an event is asked for by its position.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Final

import msgspec
from aiohttp import web

from ledger.errors import NotFoundError, UnavailableError
from ledger.log import Log, Recorded
from ledger.problems import Problem, bad_request
from projections.api.event_view import event_line
from projections.api.questions import Question

LISTENERS_MAX: Final = 200
HEARTBEAT_S: Final = 15.0
# A token may have expired or lost its key since: who listens shows it again now and then.
LISTENED_S_MAX: Final = 600.0
# Positions looked through for one account before its listener hears of them.
WINDOW: Final = 10_000
POSITION_DIGITS_MAX: Final = 18
STREAM: Final = "text/event-stream"

Whose = Callable[[], Awaitable[frozenset[str] | None]]
"""The streams that may be shown, asked anew as links move; None is the whole log."""


def wants_stream(request: web.Request) -> bool:
    """Tell whether *request* asks to listen; HEAD asks for no more than a list's head."""
    if request.method != "GET":
        return False
    accepted = request.headers.get("Accept", "")
    return STREAM in (each.partition(";")[0].strip() for each in accepted.split(","))


async def following(
    log: Log, after: int, until: int, streams: frozenset[str] | None
) -> AsyncIterator[Recorded]:
    """Yield the events of (after, until] that are of *streams*; None is all."""
    async for batch in log.read(after=after, until=until, accounts=streams):
        for recorded in batch:
            yield recorded


class Feed:
    """Those who listen, and the log that they listen to."""

    def __init__(
        self,
        log: Log,
        *,
        listeners_max: int = LISTENERS_MAX,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._log = log
        self._listeners_max = listeners_max
        self._heartbeat_s = heartbeat_s
        self._ends: set[asyncio.Timeout] = set()
        self._ended = False

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return len(self._ends)

    def end(self) -> None:
        """Let everybody who listens go, as when the process stops; they come back."""
        self._ended = True
        now = asyncio.get_running_loop().time()
        for each in self._ends:
            each.reschedule(now)

    async def send(
        self, request: web.Request, asked: Question, whose: Whose
    ) -> web.StreamResponse:
        """Send what comes after the position asked for, until the listener goes.

        Raises:
            Problem: Too many listen already (503), or the position is none (400).
        """
        if self._ended or self.listeners >= self._listeners_max:
            raise Problem(
                status=503,
                slug="too-many-listeners",
                detail="too many listen already; ask with after= instead",
                headers={"Retry-After": "30"},
            )
        start = _start(request, asked)
        position = (await self._log.head()).position if start is None else start
        answer = web.StreamResponse(
            headers={"Content-Type": STREAM, "Cache-Control": "no-store"}
        )
        with suppress(TimeoutError, ConnectionError, UnavailableError):
            async with asyncio.timeout(LISTENED_S_MAX) as end:
                self._ends.add(end)
                try:
                    await answer.prepare(request)
                    await self._go_on(answer, position, whose)
                finally:
                    self._ends.discard(end)
        return answer

    async def _go_on(self, answer: web.StreamResponse, position: int, whose: Whose) -> None:
        while True:
            head = (await self._log.head()).position
            while position < head:
                until = min(head, position + WINDOW)
                with suppress(NotFoundError):  # its account is another's by now
                    async for one in following(self._log, position, until, await whose()):
                        await answer.write(_written(one))
                position = until
            await answer.write(b": %d\n\n" % position)
            await self._log.wait(after=position, timeout_s=self._heartbeat_s)


def _start(request: web.Request, asked: Question) -> int | None:
    seen = request.headers.get("Last-Event-ID")
    if seen is None:
        return asked.after
    if not (seen.isascii() and seen.isdigit() and len(seen) <= POSITION_DIGITS_MAX):
        raise bad_request("Last-Event-ID is a position, a whole number")
    return int(seen)


def _written(recorded: Recorded) -> bytes:
    line = event_line(recorded)
    # One line each: what another system wrote must not end it and begin its own.
    kind = str(line.get("type") or line["topic"]).split()
    data = msgspec.json.encode(line)
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (
        recorded.position,
        "".join(kind).encode(),
        data,
    )
