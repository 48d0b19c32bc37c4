"""Work beside the event loop: what takes long does not hold up whoever else lives there."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, ParamSpec, TypeVar

# Small pieces are done where they are; a hop to a thread would take longer.
INLINE_MAX: Final = 256

# A fold makes no cycles, and everything it makes looks like one to be searched for.
SELDOM: Final = (1_000_000, 10, 10)
_OFTEN: Final = gc.get_threshold()

P = ParamSpec("P")
R = TypeVar("R")
# One thread each: several would only take the interpreter from each other.
_THREAD: Final = ThreadPoolExecutor(1, thread_name_prefix="folding")
_ANSWERING: Final = ThreadPoolExecutor(1, thread_name_prefix="answering")
# An account of so many objects is answered in milliseconds.
OBJECTS_INLINE_MAX: Final = 500
# Whoever waits for the interpreter meanwhile gets it after so long; it is 5 ms otherwise.
TURN_S: Final = 0.001


async def aside(size: int, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return what *work* answers, done in a thread if it is on many events."""
    if size <= INLINE_MAX:
        return work(*args, **kwargs)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREAD, lambda: work(*args, **kwargs))


async def answering(
    objects: int, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Return what *work* answers, done in a thread if it is on many objects.

    It takes longer there, and for all of it nobody else would be answered here.
    """
    if objects <= OBJECTS_INLINE_MAX:
        return work(*args, **kwargs)

    def in_turns() -> R:
        usual = sys.getswitchinterval()
        sys.setswitchinterval(TURN_S)
        try:
            return work(*args, **kwargs)
        finally:
            sys.setswitchinterval(usual)

    return await asyncio.get_running_loop().run_in_executor(_ANSWERING, in_turns)


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Hardly ever search for cycles meanwhile: it would take a fifth of the time."""
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(*_OFTEN)
        gc.unfreeze()  # what was made meanwhile counts as old, and is not searched at once
