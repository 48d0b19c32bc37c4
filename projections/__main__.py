"""The projector and its read API as processes of their own: ``python -m projections``.

    python -P -m projections               both
    python -P -m projections api           the read API alone, as many as wanted
    python -P -m projections projector     the projector alone

Exits 0 when it is told to stop, 5 when it is not configured, 6 when the database does not
come up; the reason is one line on standard error.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web

from ledger import metrics
from ledger.connections import DoorRunner
from ledger.embedded import EmbeddedServer
from ledger.errors import LedgerError, NotConfiguredError, UnavailableError
from ledger.keyring import signing_keys
from ledger.logs import to_stderr
from ledger.migrate import migrate
from ledger.problems import RATES
from ledger.rates import Rates
from ledger.settings import Settings, SettingsError, load, refuse_secrets_on_command_line
from ledger.traffic import TRAFFIC, Traffic
from projections.api.app import application, probes
from projections.api.serving import opened
from projections.projector import process
from projections.projector.figures import Figures

_logger = logging.getLogger(__name__)
API: Final = "api"
PROJECTOR: Final = "projector"
PARTS: Final = frozenset({API, PROJECTOR})
EXIT_CODES: dict[type[LedgerError], int] = {NotConfiguredError: 5, UnavailableError: 6}


def main() -> int:
    """Project and serve until a signal ends it; return the exit code."""
    try:
        settings = load()
        refuse_secrets_on_command_line(settings, sys.argv)
        to_stderr()
        # What is loaded stays: the collector need not walk it while somebody waits.
        gc.freeze()
        _run(_serve(settings, _parts(sys.argv[1:])))
    except* (NotConfiguredError, UnavailableError) as group:
        error = _first(group)
        print(f"projections: {' '.join(str(error).split())}", file=sys.stderr)  # noqa: T201
        code = next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind))
        sys.exit(code)
    return 0


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run *work* on uvloop where there is one."""
    try:
        import uvloop  # noqa: PLC0415 - not on every system
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)


def _parts(arguments: Sequence[str]) -> frozenset[str]:
    if not arguments:
        return PARTS
    if len(arguments) > 1 or arguments[0] not in PARTS:
        raise NotConfiguredError(f"say one of {', '.join(sorted(PARTS))}, or nothing")
    return frozenset(arguments)


async def _serve(settings: Settings, parts: frozenset[str]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with _database(settings) as conninfo:
        read_from = settings.read_database_url
        read_conninfo = read_from.reveal() if read_from else conninfo
        async with opened(
            read_conninfo, settings.checkout_prices, settings.book_zone
        ) as api:
            figures = Figures(api)
            async with asyncio.TaskGroup() as group:
                if PROJECTOR in parts:
                    group.create_task(process.run(conninfo, stop))
                group.create_task(figures.follow(stop))
                keys = [*signing_keys(settings)]
                app = application(api, keys) if API in parts else probes(api)
                app[RATES] = Rates(settings.rate_per_s)
                app[TRAFFIC] = traffic = Traffic()
                figures.metrics.show(*traffic.shown)
                _reread_on_hangup(keys)
                group.create_task(_listen(app, figures, settings, stop))


async def _listen(
    app: web.Application, figures: Figures, settings: Settings, stop: asyncio.Event
) -> None:
    runner = DoorRunner(app, header_deadline_s=settings.header_deadline_s)
    await runner.setup()
    host = settings.host
    try:
        site = web.TCPSite(runner, host, settings.port)
        await site.start()
        shown, metrics_port = await metrics.serve(
            figures.metrics, host=host, port=settings.metrics_port
        )
    except OSError as error:
        await runner.cleanup()
        raise SettingsError(
            f"LEDGER_PORT or LEDGER_METRICS_PORT cannot be used: {error.strerror}"
        ) from None
    ports = {"port": site.port, "metrics_port": metrics_port}
    _logger.info("listening", extra={"host": host, **ports})
    await stop.wait()
    await runner.drain(settings.grace_s)
    await runner.cleanup()
    await shown.cleanup()


def _reread_on_hangup(keys: list[bytes]) -> None:
    """Read token keys again on SIGHUP; a wrong file changes nothing and is logged."""

    def reread() -> None:
        try:
            keys[:] = signing_keys(load())
        except NotConfiguredError as error:
            _logger.error("keys_kept", extra={"reason": str(error)})  # noqa: TRY400
            return
        _logger.info("keys_read", extra={"keys": len(keys)})

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reread)


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[str]:
    if settings.database_url is not None:
        yield settings.database_url.reveal()
        return
    server = EmbeddedServer(settings.data_dir)
    await asyncio.to_thread(server.start)
    try:
        await asyncio.to_thread(migrate, server.conninfo, mode=settings.mode)
        yield server.conninfo
    finally:
        await asyncio.to_thread(server.stop)


def _first(group: BaseExceptionGroup[LedgerError]) -> LedgerError:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


if __name__ == "__main__":
    sys.exit(main())
