"""Things that go wrong on demand, and how often.

{"kind": "too_many", "path": "/v1/invoices", "times": 3, "retry_after_s": 0.1}
{"kind": "gone", "path": "/v1/customers/", "after": 5}
"""

from __future__ import annotations

import time
from collections import deque
from enum import StrEnum

import attrs
import msgspec


class FaultKind(StrEnum):
    """What goes wrong."""

    TOO_MANY = "too_many"  # 429, with Retry-After if told so
    BROKEN = "broken"  # 500
    HANG = "hang"  # no answer for `seconds`
    CLOSE = "close"  # the connection ends without an answer
    CUT = "cut"  # a whole answer of half its JSON
    REPEAT = "repeat"  # a page begins with the last object of the page before
    SKIP = "skip"  # a page lacks one of its objects
    GONE = "gone"  # 404: deleted between list and retrieve
    UNKNOWN = "unknown"  # 404: the account has no such resource


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One thing that goes wrong.

    Attributes:
        path: Requests whose path begins so.
        method: None for all.
        times: How often; None is for ever.
        after: So many requests are answered well before.
        seconds: How long a hanging answer takes.
    """

    kind: FaultKind
    path: str = "/v1/"
    method: str | None = None
    times: int | None = 1
    after: int = 0
    retry_after_s: float | None = None
    seconds: float = 600.0

    def fits(self, method: str, path: str) -> bool:
        """Tell whether the request is one of those that may go wrong."""
        return path.startswith(self.path) and self.method in {None, method}


@attrs.define
class Faults:
    """What is to go wrong, in the order in which it was wished for.

    Attributes:
        rate_per_s: So many requests a second are answered, the others get 429; None is
            no limit.
    """

    wished: list[Fault] = attrs.field(factory=list)
    rate_per_s: int | None = None
    _recent: deque[float] = attrs.field(factory=deque)

    def add(self, kind: FaultKind, path: str = "/v1/", **more: object) -> None:
        """Have requests below *path* go wrong; the rest as in `Fault`."""
        wish = {"kind": kind.value, "path": path, **more}
        self.wished.append(msgspec.convert(wish, Fault))

    def clear(self) -> None:
        """Have everything go well again."""
        self.wished.clear()
        self.rate_per_s = None

    def take(self, method: str, path: str) -> Fault | None:
        """Return what goes wrong with a request, if anything does."""
        for fault in self.wished:
            if not fault.fits(method, path):
                continue
            if fault.after:
                fault.after -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if not fault.times:
                    self.wished.remove(fault)
            return fault
        return None

    def is_too_fast(self) -> bool:
        """Count a request; tell whether it is one too many in this second."""
        if self.rate_per_s is None:
            return False
        now = time.monotonic()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if len(self._recent) >= self.rate_per_s:
            return True
        self._recent.append(now)
        return False
