"""A simulated Stripe on a socket of its own, and clients of the real SDK for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

import attrs
import stripe
from aiohttp import web

from replay.simulator.api.access import ApiKey
from replay.simulator.api.company import Company
from replay.simulator.api.faults import Faults
from replay.simulator.api.server import SECRET_KEY, StripeServer
from replay.simulator.shapes import Shape
from replay.simulator.simulation import Simulation


@attrs.frozen(kw_only=True)
class RunningStripe:
    """A server that answers, in a thread of its own.

    Attributes:
        base: Its address, for STRIPE_API_BASE.
        key: A key that may do all.
    """

    base: str
    key: str
    server: StripeServer
    loop: asyncio.AbstractEventLoop
    clients: list[stripe.HTTPClient] = attrs.field(factory=list)

    @property
    def company(self) -> Company:
        return self.server.company

    @property
    def faults(self) -> Faults:
        """What is to go wrong; to be wished for between requests."""
        return self.server.faults

    def ready(self) -> None:
        """Have it know its objects in today's version, which takes a company long."""
        work = self.company.shelf(Shape.ENDIVE)
        asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def client(
        self,
        *,
        key: str | None = None,
        version: str | None = None,
        retries: int = 0,
        timeout_s: float = 20,
    ) -> stripe.StripeClient:
        """Return a client of the real SDK."""
        http_client = stripe.RequestsClient(timeout=timeout_s)
        self.clients.append(http_client)
        return stripe.StripeClient(
            key or self.key,
            stripe_version=version,
            base_addresses={"api": self.base},
            http_client=http_client,
            max_network_retries=retries,
        )


@contextmanager
def running_stripe(
    simulation: Simulation,
    *,
    now: datetime | None = None,
    keys: Iterable[ApiKey] = (ApiKey(SECRET_KEY),),
    livemode: bool = False,
) -> Iterator[RunningStripe]:
    """Yield a server that stands at *now* in the life of *simulation*, or at its end."""
    keys = tuple(keys)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> tuple[StripeServer, web.AppRunner, int]:
        company = Company(simulation, now=now, livemode=livemode)
        await company.catch_up()
        server = StripeServer(company, keys)
        runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return server, runner, runner.addresses[0][1]

    server, runner, port = asyncio.run_coroutine_threadsafe(start(), loop).result()
    running = RunningStripe(
        base=f"http://127.0.0.1:{port}", key=keys[0].secret, server=server, loop=loop
    )
    try:
        yield running
    finally:
        for client in running.clients:
            client.close()  # type: ignore[no-untyped-call]
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
