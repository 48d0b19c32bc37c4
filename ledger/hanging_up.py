"""An end to waiting for a server that took a question and answers nothing.

A statement's own timeout is kept by the server: one whose process stands still, or whose
network swallows everything, keeps none. Then our end of the line is closed, and whoever
waits on it is told by the driver that the connection is gone.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar

import psycopg

from ledger.errors import UnavailableError

T = TypeVar("T")

# More than any pool holds.
CUT_MAX: Final = 10

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


class CutOffError(psycopg.OperationalError):
    """The connection was gone before there was an answer, or before it was asked."""


@contextmanager
def answering_within(connection: Connection, seconds: float) -> Iterator[None]:
    """Hang up on *connection* if the block takes longer than *seconds*.

    The driver then raises ``psycopg.OperationalError`` in the block.

    Raises:
        CutOffError: The connection was gone before that.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    timer = loop.call_later(seconds, _hang_up, connection)
    try:
        yield
    except psycopg.OperationalError as error:
        if connection.broken and loop.time() < end:
            raise CutOffError(str(error)) from error
        raise
    finally:
        timer.cancel()


async def asked_again(ask: Callable[[], Awaitable[T]]) -> T:
    """Return what *ask*, which changes nothing, returns, asked again where it was cut off.

    Where one connection is gone, all that a pool holds may be: each costs a try, which is
    sooner over than a pool's own check, that waits longer with each that it finds gone.
    What got no answer in its time is not asked again: whoever waits has waited enough.

    Raises:
        UnavailableError: There is no answer.
    """
    for _ in range(CUT_MAX):
        try:
            return await ask()
        except UnavailableError as error:
            if not isinstance(error.__cause__, CutOffError):
                raise
    return await ask()


def _hang_up(connection: Connection) -> None:
    """Close the line but not its descriptor, which the driver still looks at."""
    with suppress(OSError, psycopg.OperationalError):
        descriptor = os.dup(connection.fileno())
        with socket.socket(fileno=descriptor) as line:
            line.shutdown(socket.SHUT_RDWR)
