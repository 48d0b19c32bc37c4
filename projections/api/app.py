"""The read API: what the product asks of the read models, over HTTP.

GET /v1/accounts/{account}/…   scope read    see `projections.api.accounts`
GET /v1/events…                scope audit   see `projections.api.events`
GET /v1/movements              scope read    see `projections.api.movements`
GET /v1/status                 scope read    how far everything is
GET /v1/checkpoint             scope audit   the end of the log, to be kept elsewhere
GET /billing/{account}         by link       see `projections.page.app`
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, tzinfo
from importlib import metadata

import attrs
from aiohttp import web

from ledger.checkpoint import Checkpoint
from ledger.clock import utc_now
from ledger.log import Log
from ledger.moments import rfc3339
from ledger.problems import TOKEN_KEYS, nothing_here, problems, require
from ledger.tokens import Grant, Scope
from projections.api import accounts as account_api
from projections.api import events as event_api
from projections.api import movements as movements_api
from projections.api.accounts import Accounts
from projections.api.billings import billings
from projections.api.coverage import covered
from projections.api.entitlements import entitlements
from projections.api.events import Events
from projections.api.explanations import explanations
from projections.api.feed import Feed
from projections.api.kept_answers import Watch
from projections.api.movements import MovementsApi
from projections.api.questions import question
from projections.api.responses import told, written
from projections.openapi.document import document
from projections.openapi.operations import Operation
from projections.page import app as page_app
from projections.page.app import Pages
from projections.page.recent import Recent
from projections.page.showing import Showing
from projections.pulse import Beat
from projections.reading import Reader
from projections.views import Views


@attrs.frozen(kw_only=True)
class Api:
    """What the handlers share.

    Attributes:
        mode: Of the ledger, ``live`` or ``test``.
        prices: Those that the billing page offers to start with.
        zone: Where a month of the books begins.
        beside: What else the same address serves, for the description.
    """

    reader: Reader
    log: Log
    ledger_id: str
    mode: str
    clock: Callable[[], datetime] = utc_now
    prices: tuple[str, ...] = ()
    zone: tzinfo = UTC
    beside: tuple[Operation, ...] = ()
    watch: Watch = attrs.field(init=False)
    feed: Feed = attrs.field(init=False)

    @watch.default
    def _watch(self) -> Watch:
        return Watch(self.reader, self.log)

    @feed.default
    def _feed(self) -> Feed:
        return Feed(self.log)

    async def names(self, account: str) -> frozenset[str]:
        """Return all names of *account*: the product's own, and Stripe's customer."""
        return (await self.reader.find(account)).linked.streams

    async def status(self, request: web.Request) -> web.Response:
        """Answer with how far the log and each projection are."""
        grant = require(request, Scope.READ)
        beat = await self._covered(request, grant)
        standings = await self.reader.standings()
        head = (await self.log.head()).position
        lags = {each.name: max(0, head - each.position) for each in standings}
        body = {
            "position": head,
            "lag": max(lags.values(), default=0),
            "projections": [
                {**attrs.asdict(each), "lag": lags[each.name]} for each in standings
            ],
            "waiting": await self.reader.waiting(),
            "untranslated": await self.reader.untranslated(),
            "replica_lag_ms": beat.replica_lag_ms(self.clock()),
            "mode": self.mode,
            "ledger": self.ledger_id,
        }
        return told(request, body, head)

    async def checkpoint(self, request: web.Request) -> web.Response:
        """Answer with the end of the log, also as the text that bl verify reads."""
        await self._covered(request, require(request, Scope.AUDIT))
        taken = Checkpoint.of(await self.log.head(), now=self.clock())
        body = {
            "ledger": taken.ledger_id,
            "mode": self.mode,
            "position": taken.position,
            "hash": taken.hash.hex(),
            "taken_at": rfc3339(taken.taken_at),
            "checkpoint": taken.text(),
        }
        return told(request, body, taken.position)

    async def _covered(self, request: web.Request, grant: Grant) -> Beat:
        """Return where all is; what is no account's is not there for a token of one."""
        asked = question(request, ("at_least",))
        if grant.account is not None:
            raise nothing_here()
        return await covered(self.watch.pulse, asked)


def described(
    more: Sequence[Operation] = (),
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler of the description, which is written once."""
    body = document(metadata.version("billing-ledger"), more)

    async def describe(request: web.Request) -> web.Response:
        question(request)
        return told(request, body)

    return describe


def routes(api: Api) -> list[web.RouteDef]:
    """Return the routes of *api*; the application needs `problems` and `TOKEN_KEYS`."""
    views = Views(reader=api.reader, log=api.log, clock=api.clock)
    watch = api.watch
    everything = billings(api.reader, views, watch)
    return [
        *account_api.routes(
            Accounts(
                views=views,
                watch=watch,
                entitlements=entitlements(api.reader, watch),
                billings=everything,
                explanations=explanations(api.reader, views, watch),
            )
        ),
        *event_api.routes(
            Events(reader=api.reader, log=api.log, feed=api.feed, pulse=watch.pulse)
        ),
        *movements_api.routes(
            MovementsApi(
                reader=api.reader, pulse=watch.pulse, clock=api.clock, zone=api.zone
            )
        ),
        web.get("/v1/status", api.status),
        web.get("/v1/checkpoint", api.checkpoint),
        web.get("/v1/openapi.json", described(api.beside)),
        *page_app.routes(
            Pages(
                showing=Showing(views=views, watch=watch, billings=everything),
                recent=Recent(api.log),
                reader=api.reader,
                log=api.log,
                prices=api.prices,
            )
        ),
    ]


def application(api: Api, token_keys: Sequence[bytes]) -> web.Application:
    """Return an application of the read API alone, which can say that it is there."""

    async def let_go(_app: web.Application) -> None:
        api.feed.end()

    app = probes(api)
    app[TOKEN_KEYS] = token_keys
    app.add_routes(routes(api))
    app.on_shutdown.append(let_go)
    return app


def probes(api: Api) -> web.Application:
    """Return an application that can say no more than that it is there."""

    async def healthz(_request: web.Request) -> web.Response:
        return written({"alive": True})

    async def readyz(_request: web.Request) -> web.Response:
        await api.reader.position()
        return written({"ready": True})

    app = web.Application(middlewares=[problems])
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz)])
    return app
