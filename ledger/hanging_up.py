"""An end to waiting for a server that took a question and answers nothing.

A statement's own timeout is kept by the server: one whose process stands still, or whose
network swallows everything, keeps none. Then our end of the line is closed, and whoever
waits on it is told by the driver that the connection is gone.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

import psycopg

from ledger.errors import UnavailableError

T = TypeVar("T")

CHECK_S: Final = 3.0
# What answered so lately is taken to be there still: asking costs as much as a question.
TRUSTED_S: Final = 0.25

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
_ANSWERED: Final[WeakKeyDictionary[Connection, float]] = WeakKeyDictionary()


@contextmanager
def answering_within(connection: Connection, seconds: float) -> Iterator[None]:
    """Hang up on *connection* if the block takes longer than *seconds*.

    The driver then raises ``psycopg.OperationalError`` in the block.
    """
    loop = asyncio.get_running_loop()
    timer = loop.call_later(seconds, _hang_up, connection)
    try:
        yield
    except psycopg.OperationalError:
        # Where one is gone, the others may be: none is trusted unasked.
        _ANSWERED.clear()
        raise
    finally:
        timer.cancel()
    _ANSWERED[connection] = loop.time()


async def check(connection: Connection) -> None:
    """Raise ``psycopg.OperationalError`` if *connection* does not answer at once.

    One that answered a moment ago is not asked, unless the server has said something
    since: to a connection that waits it says no more than that it is over.
    """
    answered = _ANSWERED.get(connection)
    if answered is not None and asyncio.get_running_loop().time() - answered < TRUSTED_S:
        line = select.poll()
        line.register(connection.fileno(), select.POLLIN)
        if not line.poll(0):
            return
    with answering_within(connection, CHECK_S):
        await connection.execute("")


async def asked_twice(ask: Callable[[], Awaitable[T]]) -> T:
    """Return what *ask* returns; where a trusted connection was gone, ask once more.

    The second time none is trusted. What took longer than that is not asked again: whoever
    waits has waited enough.

    Raises:
        UnavailableError: There is no answer the second time either.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        return await ask()
    except UnavailableError:
        if loop.time() - started > TRUSTED_S:
            raise
        return await ask()


def _hang_up(connection: Connection) -> None:
    """Close the line but not its descriptor, which the driver still looks at."""
    with suppress(OSError, psycopg.OperationalError):
        descriptor = os.dup(connection.fileno())
        with socket.socket(fileno=descriptor) as line:
            line.shutdown(socket.SHUT_RDWR)
