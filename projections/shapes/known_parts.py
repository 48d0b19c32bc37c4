"""Parts of Stripe's objects that stand in event after event, read once by their bytes.

invoice.created      {…, "lines": {"data": [A, B]}, …}    A and B are decoded
invoice.finalized    {…, "lines": {"data": [A, B]}, …}    the same bytes: the same lines
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

import msgspec

T = TypeVar("T")

KEPT_MAX: Final = 1024
# Small ones are told apart whole. The first bytes of others hold an id, and lead to the
# last one like it: to compare is much faster than to hash.
SMALL_BYTES: Final = 2048
HEAD_BYTES: Final = 128
_NULL: Final = b"null"


class Known(Generic[T]):
    """What *read* makes of some bytes, kept for the next time they are met."""

    def __init__(self, read: Callable[[bytes], T]) -> None:
        self._read = read
        self._kept: dict[bytes, tuple[bytes, T]] = {}

    def __call__(self, raw: msgspec.Raw | None) -> T | None:
        """Return what stands at *raw*; None where that is nothing, or null."""
        if raw is None:
            return None
        whole = bytes(raw)
        head = whole if len(whole) <= SMALL_BYTES else whole[:HEAD_BYTES]
        kept = self._kept.get(head)
        if kept is not None and kept[0] == whole:
            return kept[1]
        if whole == _NULL:
            return None
        value = self._read(whole)
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
        self._kept[head] = whole, value
        return value
