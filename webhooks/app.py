"""The Stripe door: its routes, and whether it is open.

POST /webhooks/stripe                          the receiver
POST /v1/accounts/{account}/seat-changes       seat intake
POST /v1/accounts/{account}/seat-changes:batch
PUT  /v1/accounts/{account}/seats
POST /v1/accounts/{account}/link
POST /v1/accounts/{account}/portal-sessions    see `webhooks.hosted_routes`
GET  /healthz                                  the process answers
GET  /readyz                                   it can keep what it is given, or why not
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from aiohttp import web

from ledger.errors import UnavailableError
from ledger.log import Log
from ledger.metrics import Counter, Gauge, Metrics
from ledger.problems import RATES, TOKEN_KEYS, Problem, problems
from ledger.rates import Rates
from ledger.settings import Mode, Settings
from ledger.traffic import TRAFFIC, Traffic
from webhooks import linking, seats
from webhooks.bodies import BodyLimits, leave_expectations
from webhooks.commands import Intake, Names, Reader
from webhooks.receiver import PATH, Receiver
from webhooks.signature import endpoints

PROBE_S: Final = 2
PROBED_FOR_S: Final = 0.5

COMMANDS: Final[Sequence[tuple[str, str, Reader]]] = (
    ("POST", "seat-changes", seats.single),
    ("POST", "seat-changes:batch", seats.batch),
    ("PUT", "seats", seats.full),
    ("POST", "link", linking.link),
)


class Door:
    """All that the routes share: the receiver, the intake, and whether they are open.

    Attributes:
        token_keys: What bearer tokens are verified by; may be filled later.
        rate_per_s: Requests a second with one token; 0 is any.
    """

    def __init__(self, settings: Settings) -> None:
        limits = BodyLimits(size=settings.body_limit, deadline_s=settings.body_deadline_s)
        self.receiver = Receiver(
            endpoints=endpoints(settings.webhook_secrets),
            livemode=settings.mode is Mode.LIVE,
            limits=limits,
            tolerance_s=settings.tolerance_s,
            deadline_s=settings.deadline_s,
        )
        self.intake = Intake(limits=limits, deadline_s=settings.deadline_s)
        self.token_keys: list[bytes] = []
        self.rate_per_s = settings.rate_per_s
        self.traffic = Traffic()
        self.metrics = Metrics(
            self.receiver.counts.outcomes,
            self.receiver.counts.latency,
            *self.traffic.shown,
            Gauge("ledger_ready", "Whether deliveries are taken", self._is_open),
        )
        self._closed_because: str | None = "starting"
        self._probed_at = float("-inf")

    def open(self, log: Log, *counters: Counter, names: Names | None = None) -> None:
        """Take deliveries and requests into *log* from now on; show its *counters*.

        Args:
            names: Tells all names of an account; None knows each by its own alone.
        """
        self.receiver.log = self.intake.log = log
        self.intake.names = names
        self.metrics.show(*counters)
        self._closed_because = None

    def drain(self) -> None:
        """Serve what is under way and let every connection end; not ready any more."""
        self.receiver.draining = True
        self._closed_because = "stopping"

    def replace_secrets(self, settings: Settings) -> None:
        """Verify by the secrets of *settings* from the next delivery on."""
        self.receiver.endpoints = endpoints(settings.webhook_secrets)

    async def why_closed(self) -> str | None:
        """Return why deliveries cannot be kept now; None when they can.

        The database is asked, at most twice a second.
        """
        log = self.receiver.log
        if self._closed_because is not None or log is None:
            return self._closed_because or "starting"
        loop = asyncio.get_running_loop()
        if loop.time() - self._probed_at < PROBED_FOR_S:
            return None
        try:
            async with asyncio.timeout(PROBE_S):
                await log.head()
        except (UnavailableError, TimeoutError):
            return "the database does not answer"
        self._probed_at = loop.time()
        return None

    def _is_open(self) -> float:
        return float(self._closed_because is None)


def routes(door: Door) -> list[web.RouteDef]:
    """Return the routes of *door*; the application needs `problems` and `TOKEN_KEYS`."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def readyz(_request: web.Request) -> web.Response:
        reason = await door.why_closed()
        if reason is not None:
            raise Problem(
                status=503,
                slug="not-ready",
                detail=reason,
                headers={"Retry-After": "1"},
            )
        return web.json_response({"ready": True})

    return [
        web.route("*", PATH, door.receiver.receive, expect_handler=leave_expectations),
        web.get("/healthz", healthz),
        web.get("/readyz", readyz),
        *(
            web.route(
                method,
                f"/v1/accounts/{{account}}/{name}",
                _taking(door.intake, name, read),
                expect_handler=leave_expectations,
            )
            for method, name, read in COMMANDS
        ),
    ]


def application(door: Door, more: Iterable[web.AbstractRouteDef] = ()) -> web.Application:
    """Return an application with the routes of *door* and *more* for the same tokens."""
    app = web.Application(middlewares=[problems])
    app[TOKEN_KEYS] = door.token_keys
    app[RATES] = Rates(door.rate_per_s)
    app[TRAFFIC] = door.traffic
    app.add_routes([*routes(door), *more])
    return app


def _taking(
    intake: Intake, name: str, read: Reader
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def take(request: web.Request) -> web.Response:
        return await intake.take(request, name, read)

    return take
