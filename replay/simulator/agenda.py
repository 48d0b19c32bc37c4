"""What is still to happen to one account, in order of time."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

import attrs

Action = Callable[[int], None]


@attrs.frozen
class Agenda:
    """Actions by time; those of one second happen in the order they were planned."""

    _planned: list[tuple[int, int, Action]] = attrs.field(factory=list)
    _sequence: count[int] = attrs.field(factory=count)

    def plan(self, at: int, action: Action) -> None:
        """Have *action* happen at *at*, which it is then given."""
        heappush(self._planned, (at, next(self._sequence), action))

    def run(self, until: int) -> int | None:
        """Let the next action before *until* happen; return its time, None if none is."""
        if not self._planned or self._planned[0][0] >= until:
            return None
        at, _, action = heappop(self._planned)
        action(at)
        return at

    def clear(self) -> None:
        """Let nothing of what was planned happen."""
        self._planned.clear()
