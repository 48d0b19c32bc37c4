"""Portions of a log by account, each small enough to be folded in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from projections.rebuild.blocks import BUCKETS, PackedFact, spread

# With the facts of so many events at a time; each takes about a kilobyte.
PORTION_EVENTS: Final = 16384


@attrs.frozen(kw_only=True)
class Portion:
    """Some buckets, or a part of the accounts of one.

    Attributes:
        parts: In how many parts the accounts of the bucket are folded.
        part: Which of them this is.
    """

    buckets: range
    parts: int = 1
    part: int = 0

    def of(self, facts: Iterable[PackedFact]) -> Iterable[PackedFact]:
        """Return those of *facts* that belong to it."""
        if self.parts == 1:
            return facts
        return [
            one
            for one in facts
            if spread(one.account, one.object_id) // BUCKETS % self.parts == self.part
        ]


def portions(events: int, size: int = PORTION_EVENTS) -> Iterator[Portion]:
    """Yield what a log of *events* is folded in; every account is in one portion."""
    count = -(-events // size)
    if count <= BUCKETS:
        for number in range(count):
            first, end = (BUCKETS * each // count for each in (number, number + 1))
            yield Portion(buckets=range(first, end))
        return
    parts = -(-count // BUCKETS)
    for bucket in range(BUCKETS):
        for part in range(parts):
            yield Portion(buckets=range(bucket, bucket + 1), parts=parts, part=part)
