"""The rows' twin in memory, for tests and rehearsals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Self

from projections.projector.folding import Failure, Key
from projections.projector.rows import Bookmark, Progress, Row


class MemoryRows:
    """A `projections.rows.Rows` in memory; outlives any runner on it."""

    def __init__(self, version: int = 1) -> None:
        self.rows: dict[Key, Row] = {}
        self.failures: dict[str, Failure] = {}
        self._version = version
        self._position = 0
        self._starts = 0
        self._suspects: Counter[tuple[str, int]] = Counter()

    async def bookmark(self) -> Bookmark:
        """Return how far the rows have been read."""
        return Bookmark(
            generation=1,
            version=self._version,
            position=self._position,
            starts=self._starts,
        )

    async def started(self) -> int:
        """Count a start of a runner; return how many there were without progress."""
        self._starts += 1
        return self._starts

    async def suspected(self, account: str, position: int) -> int:
        """Count, before it happens, that an event is handled; return which time it is."""
        self._suspects[account, position] += 1
        return self._suspects[account, position]

    async def parked(self) -> frozenset[str]:
        """Return the accounts that are parked."""
        return frozenset(self.failures)

    async def load(self, keys: Collection[Key]) -> Mapping[Key, bytes]:
        """Return the states of those *keys* that have one."""
        return {key: self.rows[key].state for key in keys if key in self.rows}

    @property
    def restarted(self) -> bool:
        """Whether starts of a runner are counted, which the next progress forgets."""
        return self._starts > 0

    async def pass_over(self, idle: Sequence[Self], after: int, until: int) -> bool:
        """Move the bookmarks of *idle*, which nothing changes; False if one was moved."""
        progress = Progress(after=after, until=until)
        return all([await rows.commit(progress) for rows in idle])

    async def commit(self, progress: Progress) -> bool:
        """Keep *progress*; False, and nothing kept, if it began from what is no more."""
        released = set(progress.passed_over) - self.failures.keys()
        if progress.after != self._position or released:
            return False
        if replaced := set(progress.replaced):
            self.rows = {k: row for k, row in self.rows.items() if k[0] not in replaced}
        self.rows |= progress.rows
        self.failures |= {failure.account: failure for failure in progress.parked}
        self._position = progress.until
        if progress.settled:
            self._starts = 0
            self._suspects.clear()
        return True
