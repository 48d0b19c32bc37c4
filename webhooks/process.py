"""A process that serves the door: what it needs, in order, and how it stops.

listen, not ready ─ PostgreSQL ─ schema ─ commits reach the disk ─ log open, ready
SIGTERM ─ not ready, nothing new ─ what is under way ends ─ exit 0
SIGTERM again ─ exit at once
SIGHUP ─ secrets are read again
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Self

import psycopg
from aiohttp import web

from ledger import metrics
from ledger.connections import DoorRunner
from ledger.database import Role, connect, prove_durable
from ledger.embedded import EmbeddedServer
from ledger.errors import NotConfiguredError, UnavailableError
from ledger.keyring import signing_keys
from ledger.migrate import migrate, pending
from ledger.postgres import PostgresLog
from ledger.settings import Settings, SettingsError, load
from projections.api.serving import opened as reading
from webhooks import hosted_routes
from webhooks.app import Door, application
from webhooks.hosted import Hosted
from webhooks.receiver import PATH

BACKLOG: Final = 1024
_logger = logging.getLogger(__name__)


async def serve(settings: Settings) -> None:
    """Serve the door until a signal ends it.

    Raises:
        NotConfiguredError: It can never be ready with these settings.
        UnavailableError: The embedded PostgreSQL does not come up.
    """
    door = Door(settings)
    stopped = stop_on_signal()
    reread_on_hangup(door)
    if settings.database_url is not None:
        door.token_keys += signing_keys(settings)
    hosted = Hosted(settings)
    app = application(door, hosted_routes.routes(hosted))
    listener = await Listener.start(app, door, settings)
    try:
        async with (
            database(settings) as conninfo,
            opened(conninfo, settings) as log,
            reading(conninfo) as api,
            hosted_routes.opened(hosted, log, api),
        ):
            door.token_keys[:] = signing_keys(settings)
            door.open(log, log.clock_watch.counter, names=api.names)
            _logger.info("ready", extra={"ledger": log.ledger_id, "mode": log.mode})
            await stopped.wait()
            await listener.drain()
    finally:
        await listener.close()


class Listener:
    """The ports of a process: that of the door, and that of its metrics.

    Attributes:
        port: Where the door is.
        metrics_port: Where Prometheus reads.
    """

    def __init__(self, door: Door, runner: DoorRunner, settings: Settings) -> None:
        self.port = self.metrics_port = 0
        self._door = door
        self._runner = runner
        self._settings = settings
        self._metrics: web.AppRunner | None = None

    @classmethod
    async def start(cls, app: web.Application, door: Door, settings: Settings) -> Self:
        """Listen for *app*, whose delivery path goes straight to *door*.

        Raises:
            NotConfiguredError: A port cannot be listened on.
        """
        shortcut = (PATH, door.receiver.receive)
        deadline_s = settings.header_deadline_s
        runner = DoorRunner(app, shortcut=shortcut, header_deadline_s=deadline_s)
        listener = cls(door, runner, settings)
        await runner.setup()
        try:
            await listener._open()
        except BaseException:
            await listener.close()
            raise
        return listener

    async def drain(self) -> None:
        """Refuse what is new and serve what is under way, for the grace set at most."""
        self._door.drain()
        _logger.info("stopping")
        await self._runner.drain(self._settings.grace_s)

    async def close(self) -> None:
        """Close the ports and what is left of the connections."""
        await self._runner.cleanup()
        if self._metrics is not None:
            await self._metrics.cleanup()

    async def _open(self) -> None:
        host, port = self._settings.host, self._settings.port
        site = web.TCPSite(self._runner, host, port, backlog=BACKLOG)
        try:
            await site.start()
        except OSError as error:
            raise _unusable("LEDGER_PORT", port, error) from None
        try:
            self._metrics, self.metrics_port = await metrics.serve(
                self._door.metrics, host=host, port=self._settings.metrics_port
            )
        except OSError as error:
            asked = self._settings.metrics_port
            raise _unusable("LEDGER_METRICS_PORT", asked, error) from None
        self.port = site.port
        ports = {"port": self.port, "metrics_port": self.metrics_port}
        _logger.info("listening", extra={"host": host, **ports})


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[str]:
    """Yield how to reach a database whose schema is this release's.

    The embedded one is started, migrated, and started again should it end.

    Raises:
        NotConfiguredError: ``DATABASE_URL`` cannot be used, or its schema is not ours.
        UnavailableError: The embedded one does not come up.
    """
    if settings.database_url is not None:
        conninfo = settings.database_url.reveal()
        await _require_schema(conninfo)
        yield conninfo
        return
    server = EmbeddedServer(settings.data_dir)
    await asyncio.to_thread(server.start)
    keeper = asyncio.create_task(_keep_alive(server), name="keeper")
    try:
        await asyncio.to_thread(migrate, server.conninfo, mode=settings.mode)
        yield server.conninfo
    finally:
        keeper.cancel()
        await asyncio.to_thread(server.stop)


@asynccontextmanager
async def opened(conninfo: str, settings: Settings) -> AsyncIterator[PostgresLog]:
    """Yield the log to append to, once commits are proved to reach the disk.

    Raises:
        NotConfiguredError: They do not, or the ledger is of the other mode.
    """
    await prove_durable(conninfo)
    async with PostgresLog.open(
        conninfo, Role.APPENDER, deadline_s=settings.deadline_s
    ) as log:
        if log.mode != settings.mode:
            raise SettingsError(
                f"LEDGER_MODE is {settings.mode}, but this ledger is of {log.mode} mode"
            )
        yield log


def stop_on_signal() -> asyncio.Event:
    """Return what SIGTERM or SIGINT sets; a second one ends the process at once."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(number: int) -> None:
        if stopped.is_set():
            os._exit(128 + number)
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    return stopped


def reread_on_hangup(door: Door) -> None:
    """Read secrets and token keys again on SIGHUP; a wrong file changes nothing, logged."""

    def reread() -> None:
        try:
            settings = load()
            keys = signing_keys(settings)
        except NotConfiguredError as error:
            _logger.error("secrets_kept", extra={"reason": str(error)})  # noqa: TRY400
            return
        door.replace_secrets(settings)
        door.token_keys[:] = keys
        _logger.info("secrets_read", extra={"secrets": len(settings.webhook_secrets)})

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reread)


async def _require_schema(conninfo: str) -> None:
    try:
        psycopg.conninfo.conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError:
        raise SettingsError("DATABASE_URL is no connection string of PostgreSQL") from None
    try:
        await (await connect(conninfo, Role.APPENDER)).close()
        missing = await asyncio.to_thread(pending, conninfo)
    except UnavailableError as error:
        raise SettingsError(f"DATABASE_URL cannot be used: {error}") from None
    if missing:
        raise NotConfiguredError(
            f"the database lacks {', '.join(missing)}; run bl migrate first"
        )


async def _keep_alive(server: EmbeddedServer) -> None:
    """Start *server* again whenever it has ended."""
    started_here = server.owns_server
    while started_here:
        await asyncio.sleep(1)
        if server.owns_server:
            continue
        _logger.error("embedded_postgresql_ended")
        try:
            await asyncio.to_thread(server.start)
        except (NotConfiguredError, UnavailableError) as error:
            reason = str(error)
            _logger.error("embedded_postgresql_down", extra={"reason": reason})  # noqa: TRY400


def _unusable(name: str, port: int, error: OSError) -> SettingsError:
    return SettingsError(f"{name} {port} cannot be listened on: {error.strerror}")
