"""The simulator's own addresses, beside Stripe's: time, and what is to go wrong.

GET    /_simulator            where time stands, and what there is
POST   /_simulator/advance    {"days": 3}, {"seconds": 60} or {"to": 1767225600}
POST   /_simulator/faults     {"kind": "too_many", "path": "/v1/invoices", "times": 3}
POST   /_simulator/rate       {"per_s": 25}: the requests beyond get 429
DELETE /_simulator/faults     everything goes well again
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import attrs
import msgspec
from aiohttp import web

from replay.simulator.api.deliveries import Post
from replay.simulator.api.faults import Fault
from replay.simulator.api.server import StripeServer
from replay.simulator.occurrences import StripeOccurrence

_DAY_S: Final = 86400


class Advance(msgspec.Struct, forbid_unknown_fields=True):
    """How far time is to go.

    Attributes:
        to: Seconds since 1970, instead of a span.
    """

    days: float = 0
    seconds: float = 0
    to: int | None = None


class Rate(msgspec.Struct, forbid_unknown_fields=True):
    """How many requests a second are answered; None is any number."""

    per_s: int | None


@attrs.define(kw_only=True)
class Control:
    """Steers a server from outside.

    Attributes:
        post: Where what happens is delivered; None is nowhere.
    """

    server: StripeServer
    post: Post | None = None
    _advancing: asyncio.Lock = attrs.field(factory=asyncio.Lock)
    _under_way: set[asyncio.Task[None]] = attrs.field(factory=set)

    def add_routes(self, application: web.Application) -> None:
        """Listen at the simulator's addresses, too."""
        self.server.tell = self.deliver
        router = application.router
        router.add_get("/_simulator", self.show)
        router.add_post("/_simulator/advance", self.advance)
        router.add_post("/_simulator/faults", self.wish)
        router.add_post("/_simulator/rate", self.limit)
        router.add_delete("/_simulator/faults", self.clear)

    async def show(self, _request: web.Request) -> web.Response:
        """Tell where time stands, and how many objects there are."""
        company = self.server.company
        shelf = await company.shelf(company.version)
        events = company.events.counts().get("event", 0)
        counts = dict(sorted((shelf.counts() | {"event": events}).items()))
        return web.json_response({**self._times(), "objects": counts})

    async def advance(self, request: web.Request) -> web.Response:
        """Let time go on, and deliver what happens."""
        try:
            wish = msgspec.json.decode(await request.read(), type=Advance)
        except msgspec.MsgspecError as error:
            return _refused(error)
        company = self.server.company
        async with self._advancing:
            to = wish.to or company.now + int(wish.days * _DAY_S + wish.seconds)
            if not company.now <= to <= company.end:
                reason = f"time goes from {company.now} to {company.end}, not to {to}"
                return _refused(ValueError(reason))
            company.now = to
            await self.tell()
        return web.json_response(self._times())

    async def tell(self, reached: Callable[[int], None] | None = None) -> None:
        """Tell the life up to now, and deliver it where it is to be delivered."""
        if self.post is None:
            await self.server.company.catch_up(reached)
        else:
            await self.post.post(self.server.company.tell(), reached)

    def deliver(self, occurrence: StripeOccurrence) -> None:
        """Deliver an event about what a request changed, while others are answered."""
        if self.post is not None:
            task = asyncio.create_task(self.post.post([occurrence]))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def wish(self, request: web.Request) -> web.Response:
        """Have something go wrong."""
        try:
            wish = msgspec.json.decode(await request.read(), type=Fault)
        except msgspec.MsgspecError as error:
            return _refused(error)
        self.server.faults.wished.append(wish)
        return web.json_response({"wished": len(self.server.faults.wished)})

    async def limit(self, request: web.Request) -> web.Response:
        """Answer only so many requests a second."""
        try:
            rate = msgspec.json.decode(await request.read(), type=Rate)
        except msgspec.MsgspecError as error:
            return _refused(error)
        self.server.faults.rate_per_s = rate.per_s
        return web.json_response({"per_s": rate.per_s})

    async def clear(self, _request: web.Request) -> web.Response:
        """Have everything go well again."""
        self.server.faults.clear()
        return web.json_response({"wished": 0})

    def _times(self) -> dict[str, object]:
        company = self.server.company
        times: dict[str, object] = {
            "account": company.account_id,
            "now": company.now,
            "end": company.end,
        }
        if self.post is not None:
            times |= attrs.asdict(self.post.counted)
        return times


def _refused(error: Exception) -> web.Response:
    return web.json_response({"error": str(error)}, status=400)
