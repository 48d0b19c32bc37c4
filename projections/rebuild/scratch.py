"""Facts read now, kept in a file without a name until whoever reads them has ended."""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from typing import IO


class Scratch:
    """What buckets hold, in the order in which it was put there."""

    def __init__(self) -> None:
        # It has no name, and is gone with whoever holds it.
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 -- see close
        self._places: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        self._end = 0

    def put(self, buckets: Sequence[bytes]) -> None:
        """Add what each bucket holds of one more stretch."""
        for bucket, facts in enumerate(buckets):
            self._places[bucket].append((self._end, len(facts)))
            self._file.write(facts)
            self._end += len(facts)
        self._file.flush()

    def read(self, buckets: range) -> list[bytes]:
        """Return what *buckets* hold, each in its order."""
        number = self._file.fileno()
        return [
            os.pread(number, length, offset)
            for bucket in buckets
            for offset, length in self._places[bucket]
        ]

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
