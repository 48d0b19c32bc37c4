"""How fast Stripe may be asked: a bucket of tokens that learns from refusals.

100 a second at first, which is Stripe's limit for reads of live data; half as many after
each 429, and a little more after each answer, up to the first rate again.
"""

from __future__ import annotations

import asyncio
from typing import Final

RATE_PER_S: Final = 100.0
RATE_MIN_PER_S: Final = 1.0
BURST: Final = 20.0
GROWTH: Final = 1.02


class Rate:
    """Lets requests through, so many a second."""

    def __init__(self, per_s: float = RATE_PER_S) -> None:
        self.per_s = per_s
        self._most = per_s
        self._tokens = min(BURST, per_s)
        self._at: float | None = None

    async def take(self) -> None:
        """Wait until a request may be sent."""
        now = asyncio.get_running_loop().time()
        if self._at is not None:
            self._tokens += (now - self._at) * self.per_s
        self._tokens = min(self._tokens, BURST, self.per_s) - 1
        self._at = now
        if self._tokens < 0:
            await asyncio.sleep(-self._tokens / self.per_s)

    def refused(self) -> None:
        """Note a 429: go at half the speed."""
        self.per_s = max(RATE_MIN_PER_S, self.per_s / 2)
        self._tokens = min(self._tokens, 0)

    def answered(self) -> None:
        """Note an answer: go a little faster."""
        self.per_s = min(self._most, self.per_s * GROWTH)
