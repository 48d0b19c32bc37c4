"""Answers of the receiver, written by hand: a delivery must not wait for conveniences."""

from __future__ import annotations

import email.utils
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter

from ledger.problems import Problem, written


class _Clock:
    """The ``Date`` header of this second, written once for all its answers."""

    def __init__(self) -> None:
        self._second = 0
        self._written = b""

    def date(self, now: float) -> bytes:
        second = int(now)
        if second != self._second:
            self._second = second
            self._written = email.utils.formatdate(second, usegmt=True).encode("ascii")
        return self._written


_CLOCK: Final = _Clock()


class Answer(web.StreamResponse):
    """An answer whose bytes are ready; aiohttp hands it on and adds nothing.

    Args:
        head: Status line and headers of its own, each with its line end.
        close: Whether the connection ends with it.
    """

    def __init__(
        self, head: bytes, body: bytes, *, now: float, close: bool = False
    ) -> None:
        # The base is not initialised: its header maps cost more than the whole answer.
        self._head = head
        self._content = body
        self._now = now
        self._keep_alive = not close

    @property
    def status(self) -> int:
        """Return the status, as written."""
        return int(self._head[9:12])

    @property
    def keep_alive(self) -> bool:
        """Return whether the connection stays open."""
        return bool(self._keep_alive)

    def end_connection(self) -> None:
        """Let the connection end with this answer."""
        self._keep_alive = False

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write the whole answer."""
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client went away before its answer")
        self._keep_alive = bool(
            self._keep_alive and request.keep_alive and request.version == HttpVersion11
        )
        transport.write(
            b"%bDate: %b\r\nContent-Length: %d\r\n%b\r\n%b"
            % (
                self._head,
                _CLOCK.date(self._now),
                len(self._content),
                b"" if self._keep_alive else b"Connection: close\r\n",
                b"" if request.method == "HEAD" else self._content,
            )
        )
        if request.protocol.writing_paused:
            await request.writer.drain()
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: all is written."""


def head(status: int, content_type: str, headers: Mapping[str, str]) -> bytes:
    """Return a status line and headers, ready to be sent."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append(f"Content-Type: {content_type}")
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


_ACCEPTED: Final = head(200, "application/json", {})


def acknowledged(position: int, *, duplicate: bool, now: float) -> Answer:
    """Answer for a delivery that stands in the log at *position*."""
    body = b'{"received":true,"position":%d,"duplicate":%b}'
    return Answer(_ACCEPTED, body % (position, b"true" if duplicate else b"false"), now=now)


class Refusal:
    """A problem, written once and sent whenever it occurs: the same bytes each time."""

    def __init__(self, problem: Problem) -> None:
        headers = dict(problem.headers)
        self.status = problem.status
        self._close = headers.pop("Connection", None) == "close"
        self._head = head(problem.status, "application/problem+json", headers)
        self._body = written(problem)

    def answer(self, now: float) -> Answer:
        """Return it, to be sent at *now*."""
        return Answer(self._head, self._body, now=now, close=self._close)
