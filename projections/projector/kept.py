"""The states a runner wrote last, decoded: what is asked for next."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from projections.projector.folding import Key
from projections.projector.rows import Codec, Row, Rows

# As they are written; in memory they take about six times as much. What is not among
# them is read again.
KEPT_BYTES_MAX: Final = 2_000_000
# What an entry takes beside its state.
ENTRY_BYTES: Final = 1000


class Kept:
    """States of one projection, by object; the oldest are forgotten."""

    def __init__(self, codec: Codec[Any], rows: Rows) -> None:
        self._codec = codec
        self._rows = rows
        self._kept: dict[Key, Any] = {}
        self._read: Mapping[Key, bytes] = {}
        self._sizes: dict[Key, int] = {}
        self._bytes = 0

    def forget(self) -> None:
        """Forget all: somebody else may have written."""
        self._kept.clear()
        self._sizes.clear()
        self._bytes = 0
        self._read = {}

    async def fetch(self, needed: Collection[Key]) -> None:
        """Read those of *needed* that are not known here."""
        missing = set(needed) - self._kept.keys()
        self._read = await self._rows.load(missing) if missing else {}

    def decoded(self, needed: Collection[Key]) -> dict[Key, Any]:
        """Return the states of those of *needed* that have one."""
        decode, kept = self._codec.decode, self._kept
        found = {key: kept[key] for key in needed if key in kept}
        found.update((key, decode(state)) for key, state in self._read.items())
        self._read = {}
        return found

    def take(
        self,
        states: Mapping[Key, Any],
        rows: Mapping[Key, Row],
        replaced: Collection[str] = (),
    ) -> None:
        """Take *states*, written as *rows*; others of *replaced* accounts are gone."""
        if replaced:
            for key in [key for key in self._kept if key[0] in replaced]:
                self._drop(key)
        for key, state in states.items():
            self._drop(key)
            self._kept[key] = state
            size = self._sizes[key] = ENTRY_BYTES + len(rows[key].state)
            self._bytes += size
        left = iter(list(self._kept)) if self._bytes > KEPT_BYTES_MAX else iter(())
        while self._bytes > KEPT_BYTES_MAX:
            self._drop(next(left))

    def _drop(self, key: Key) -> None:
        if self._kept.pop(key, None) is not None:
            self._bytes -= self._sizes.pop(key)
