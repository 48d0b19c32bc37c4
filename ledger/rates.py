"""How many requests a token may make: a bucket for each that fills again every second.

2000 a second     2000 at once, then as they fill; what is beyond waits half a
                  millisecond and more, and is told how long
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Final

TOKENS_MAX: Final = 10_000


class Rates:
    """What each token has left.

    Args:
        per_s: Requests a second, and as many at once; 0 is no limit.
    """

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, token: str, now_s: float) -> int:
        """Take one request of *token*; return whole seconds to wait, 0 if it may go on.

        Args:
            now_s: Of a clock that never goes back.
        """
        if not self._per_s:
            return 0
        left, at = self._left.pop(token, (self._per_s, now_s))
        left = min(self._per_s, left + (now_s - at) * self._per_s)
        allowed = left >= 1
        self._left[token] = (left - 1 if allowed else left, now_s)
        if len(self._left) > TOKENS_MAX:
            self._left.popitem(last=False)
        return 0 if allowed else max(1, math.ceil((1 - left) / self._per_s))
