"""Everything in one process on one port: receiver, seat intake, projector and read API.

database ─ commits reach the disk ─ listen ─ ready
SIGTERM or Ctrl-C ─ nothing new ─ what is under way ends ─ projector ends ─ database
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Final

import attrs
from aiohttp import web

from ledger.clock import utc_now
from ledger.database import Role
from ledger.errors import NotConfiguredError, UnavailableError
from ledger.keyring import signing_keys
from ledger.metrics import Metrics
from ledger.postgres import PostgresLog
from ledger.problems import RATES, TOKEN_KEYS, problems
from ledger.rates import Rates
from ledger.settings import Settings, SettingsError
from ledger.traffic import TRAFFIC
from projections.api import app as read_api
from projections.api.app import Api
from projections.projector import process as projector
from projections.projector.figures import Figures
from projections.reading import Reader
from webhooks import app as stripe_door
from webhooks import hosted_routes
from webhooks.app import Door
from webhooks.hosted import Hosted
from webhooks.operations import OPERATIONS
from webhooks.process import (
    Listener,
    database,
    opened,
    reread_on_hangup,
    stop_on_signal,
)
from webhooks.stripe_client import StripeClient
from webhooks.stripe_rounds import Place, Rounds

if TYPE_CHECKING:
    from prometheus_client.core import Metric

COVERED_S: Final = 600.0
LOOK_S: Final = 0.2
_logger = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class Address:
    """Where a running process is reached, and of which ledger it is."""

    base: str
    metrics: str
    ledger_id: str
    mode: str


async def serve(settings: Settings, announce: Callable[[Address], None]) -> None:
    """Serve until a signal ends it; *announce* is called once it is ready.

    Raises:
        NotConfiguredError: It can never be ready with these settings.
        UnavailableError: The database does not come up, or the projector gave up.
    """
    if settings.stripe_api_key is not None:
        StripeClient.of(settings)  # a key of the other mode is told at once
    stopped = stop_on_signal()
    door = Door(settings)
    reread_on_hangup(door)
    hosted = Hosted(settings)
    async with (
        database(settings) as conninfo,
        opened(conninfo, settings) as log,
        _reading(settings, conninfo, log.ledger_id) as api,
        hosted_routes.opened(hosted, log, api),
    ):
        door.token_keys[:] = signing_keys(settings)
        figures = Figures(api)
        rounds = Rounds(
            Place(
                settings=settings,
                conninfo=conninfo,
                log=log,
                covered=partial(_covered, log, api.reader),
                clock=utc_now,
            )
        )
        door.metrics = Together(door.metrics, figures.metrics, rounds.metrics)
        listener = await Listener.start(application(door, api, hosted), door, settings)
        stop = asyncio.Event()
        work = [
            asyncio.create_task(projector.run(conninfo, stop), name="projector"),
            asyncio.create_task(figures.follow(stop), name="figures"),
        ]
        asking: list[asyncio.Task[None]] = []
        try:
            door.open(log, log.clock_watch.counter, names=api.names)
            announce(_address(settings, listener, log))
            if settings.stripe_api_key is not None:
                asking.append(asyncio.create_task(rounds.follow(stop), name="rounds"))
            await _until(stopped, [*work, *asking])
            api.feed.end()
            await listener.drain()
        finally:
            stop.set()
            for task in asking:
                task.cancel()  # what it was about to append is asked for again
            await asyncio.gather(*asking, return_exceptions=True)
            await asyncio.gather(*work, return_exceptions=True)
            await listener.close()


class Together(Metrics):
    """The figures of several parts of one process."""

    def __init__(self, *parts: Metrics) -> None:
        super().__init__()
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        """Yield each in Prometheus's form."""
        yield from super().collect()
        yield from chain.from_iterable(part.collect() for part in self._parts)


async def _covered(log: PostgresLog, reader: Reader) -> None:
    """Wait until the read models have all that the log holds now.

    Raises:
        UnavailableError: They do not come to it in time.
    """
    head = (await log.head()).position
    for _ in range(int(COVERED_S / LOOK_S)):
        if await reader.position() >= head:
            return
        await asyncio.sleep(LOOK_S)
    raise UnavailableError("the read models do not catch up with the log")


@asynccontextmanager
async def _reading(settings: Settings, conninfo: str, ledger_id: str) -> AsyncIterator[Api]:
    replica = settings.read_database_url
    read_from = conninfo if replica is None else replica.reveal()
    async with AsyncExitStack() as stack:
        try:
            log = await stack.enter_async_context(PostgresLog.open(read_from, Role.READER))
        except (NotConfiguredError, UnavailableError) as error:
            if replica is None:
                raise
            raise SettingsError(f"READ_DATABASE_URL cannot be used: {error}") from None
        if log.ledger_id != ledger_id:
            raise SettingsError(
                f"READ_DATABASE_URL is of ledger {log.ledger_id}, not of {ledger_id}"
            )
        reader = Reader(read_from)
        await reader.open()
        try:
            yield Api(
                reader=reader,
                log=log,
                ledger_id=log.ledger_id,
                mode=log.mode,
                prices=settings.checkout_prices,
                zone=settings.book_zone,
                beside=OPERATIONS,
            )
        finally:
            await reader.close()


def application(door: Door, api: Api, hosted: Hosted) -> web.Application:
    """Return everything on one port; a door that is not open yet answers 503."""
    app = web.Application(middlewares=[problems])
    app[TOKEN_KEYS] = door.token_keys
    app[RATES] = Rates(door.rate_per_s)
    app[TRAFFIC] = door.traffic
    app.add_routes(
        [*stripe_door.routes(door), *read_api.routes(api), *hosted_routes.routes(hosted)]
    )
    return app


def _address(settings: Settings, listener: Listener, log: PostgresLog) -> Address:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return Address(
        base=f"http://{host}:{listener.port}",
        metrics=f"http://{host}:{listener.metrics_port}/metrics",
        ledger_id=log.ledger_id,
        mode=log.mode,
    )


async def _until(stopped: asyncio.Event, work: list[asyncio.Task[None]]) -> None:
    """Wait for a signal; what ends before it has failed, and so has the process."""
    signal = asyncio.create_task(stopped.wait(), name="signal")
    done, _ = await asyncio.wait([signal, *work], return_when=asyncio.FIRST_COMPLETED)
    if signal in done:
        return
    signal.cancel()
    ended = next(iter(done))
    _logger.error("part_ended", extra={"part": ended.get_name()})
    error = ended.exception()
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if error is not None:
        raise error
    raise UnavailableError(f"the {ended.get_name()} ended by itself; start again")
