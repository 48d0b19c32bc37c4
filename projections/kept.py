"""The states a runner wrote last, decoded: what is asked for next."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import islice
from typing import Any, Final

from projections.folding import Key
from projections.rows import Codec, Rows

# Some kilobytes each; what is not among them is read again.
KEPT_MAX: Final = 4000


class Kept:
    """States of one projection, by object; the oldest are forgotten."""

    def __init__(self, codec: Codec[Any], rows: Rows) -> None:
        self._codec = codec
        self._rows = rows
        self._kept: dict[Key, Any] = {}
        self._read: Mapping[Key, bytes] = {}

    def forget(self) -> None:
        """Forget all: somebody else may have written."""
        self._kept.clear()
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

    def take(self, states: Mapping[Key, Any], replaced: Collection[str] = ()) -> None:
        """Take what was written; other states of *replaced* accounts are gone."""
        gone = frozenset(replaced)
        if gone:
            self._kept = {key: s for key, s in self._kept.items() if key[0] not in gone}
        for key, state in states.items():
            self._kept.pop(key, None)
            self._kept[key] = state
        for key in list(islice(self._kept, max(0, len(self._kept) - KEPT_MAX))):
            del self._kept[key]
