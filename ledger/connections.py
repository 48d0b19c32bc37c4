"""Connections of a door: none is held by a slow header, none is cut while it is served.

aiohttp has no deadline for a request's header and cuts half-read bodies when it stops;
both are mended here, on its own server and protocol classes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler, RequestPayloadError
from aiohttp.web_server import Server

from ledger.problems import bad_request, problem_of, response

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

# Longer than the idle time of common load balancers (60 s), which must be the first to
# close a connection, or they send a request into one that is going away.
IDLE_S: Final = 75
LINGER_S: Final = 2
QUIET_S: Final = 0.25
TICK_S: Final = 0.05

_logger = logging.getLogger(__name__)


class Connection(RequestHandler):
    """One connection, which knows since when it waits for the rest of a header."""

    __slots__ = ("asks_head", "header_since", "quiet_since")

    def __init__(self, manager: Server, **options: Any) -> None:  # noqa: ANN401 - aiohttp's
        super().__init__(manager, **options)
        self.header_since: float | None = self._loop.time()
        self.quiet_since: float | None = None
        self.asks_head = False

    @property
    def waiting(self) -> bool:
        """Tell whether no request is being served or about to be."""
        return not (self._request_in_progress or self._messages)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and note whether a header has begun or is complete."""
        before = self._request_count
        if self.waiting:
            self.asks_head = data.startswith(b"HEAD ")
        super().data_received(data)
        self.quiet_since = None
        if self._request_count != before:
            self.header_since = None
            self._break_body()
        elif self.header_since is None and self._waiter is not None:
            self.header_since = self._loop.time()

    def resume_reading(self, resume_parser: bool = True) -> None:  # noqa: FBT001, FBT002
        """Read on, if reading was held: aiohttp asks for it after every body."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def _break_body(self) -> None:
        """End a body that is under way: whatever follows it unfinished is its fault.

        The parser reports a broken chunk as a request of its own, and would leave whoever
        reads the body waiting for the rest.
        """
        current = self._current_request
        if current is not None and not current.content.is_eof():
            current.content.set_exception(RequestPayloadError("broken body"))

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's own words are not sent
    ) -> web.StreamResponse:
        """Answer what is no HTTP, or a fault, as a problem; log faults alone."""
        if isinstance(exc, ConnectionError):
            raise exc
        if request.writer.output_size > 0:
            raise ConnectionError("a part of an answer is sent already")
        if status == 500 and isinstance(exc, Exception):  # noqa: PLR2004 - aiohttp's word
            answer = response(problem_of(exc))
        else:
            answer = response(bad_request("this is no HTTP request that can be read"))
        if self.asks_head:
            answer.headers["Content-Length"] = str(answer.content_length or 0)
            answer.body = None
        answer.headers["Connection"] = "close"  # the version asked for may not be known
        answer.force_close()
        return answer

    def log_exception(self, *args: Any, **_options: Any) -> None:  # noqa: ANN401 - aiohttp's
        """Log that a connection broke, without the trace of what it carried."""
        _logger.debug("connection_failed", extra={"reason": str(args[0]) if args else ""})


class DoorServer(Server):
    """aiohttp's server with connections that are watched.

    Args:
        header_deadline_s: A connection that has begun a header, or has never sent one,
            is closed after that.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        header_deadline_s: float,
        **options: Any,  # noqa: ANN401 - aiohttp's
    ) -> None:
        super().__init__(cast(Any, handler), **options)
        self._header_deadline_s = header_deadline_s
        self._sweeper = asyncio.create_task(self._sweep(), name="sweeper")

    def __call__(self) -> Connection:
        """Make the protocol of a new connection."""
        return Connection(self, loop=self._loop, **self._kwargs)

    async def drain(self, grace_s: float) -> bool:
        """Let every request under way end; False when *grace_s* was too short.

        Connections that are quiet for a moment are closed; whoever still sends a request
        into one is answered, with ``Connection: close``.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + grace_s
        while self._connections:
            now = loop.time()
            if now >= until:
                return False
            for connection, transport in list(self._connections.items()):
                self._close_if_quiet(cast(Connection, connection), transport, now)
            await asyncio.sleep(TICK_S)
        return True

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """End the sweeper and what is left of the connections."""
        self._sweeper.cancel()
        await super().shutdown(timeout)

    def _close_if_quiet(
        self, connection: Connection, transport: asyncio.Transport, now: float
    ) -> None:
        if not connection.waiting:
            connection.quiet_since = None
        elif connection.quiet_since is None:
            connection.quiet_since = now
        elif now - connection.quiet_since >= QUIET_S:
            transport.close()

    async def _sweep(self) -> None:
        pause_s = min(1.0, self._header_deadline_s / 5)
        while True:
            await asyncio.sleep(pause_s)
            # Closed a little early rather than late: the deadline is a promise.
            due = self._loop.time() - self._header_deadline_s + pause_s
            for connection, transport in list(self._connections.items()):
                since = cast(Connection, connection).header_since
                if since is not None and since <= due:
                    transport.close()


class DoorRunner(web.AppRunner):
    """Runs an application behind a `DoorServer`, with one path taken before its router."""

    def __init__(
        self,
        app: web.Application,
        *,
        shortcut: tuple[str, Handler] | None = None,
        header_deadline_s: float = 10,
    ) -> None:
        super().__init__(app, access_log=None)
        self._shortcut = shortcut
        self._header_deadline_s = header_deadline_s

    async def drain(self, grace_s: float) -> None:
        """Refuse what is new and serve what is under way, for *grace_s* at most."""
        for site in self.sites:
            await site.stop()
        server = self.server
        if isinstance(server, DoorServer) and not await server.drain(grace_s):
            _logger.warning("grace_over", extra={"connections": len(server.connections)})

    async def _make_server(self) -> DoorServer:
        server = await super()._make_server()
        return DoorServer(
            _dispatch(server.request_handler, self._shortcut),
            request_factory=server.request_factory,
            header_deadline_s=self._header_deadline_s,
            auto_decompress=False,
            access_log=None,
            keepalive_timeout=IDLE_S,
            lingering_time=LINGER_S,
        )


def _dispatch(handler: Handler, shortcut: tuple[str, Handler] | None) -> Handler:
    """Return a handler that knows one path by heart and leaves the rest to the router."""
    if shortcut is None:
        return handler
    path, special = shortcut

    def dispatch(request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        if request.raw_path.partition("?")[0] == path:
            return special(request)
        return handler(request)

    return dispatch
