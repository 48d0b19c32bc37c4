"""Objects folded from nothing, each once: what the runner makes of them step by step.

facts of some accounts, whole → by projection and object → a row for each
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, Final

import msgspec

from ledger.errors import LedgerError
from ledger.events import UNROUTED
from projections.history import RECENT_MIN, observed, second_by_second, settling
from projections.models.declaration import Projection
from projections.projector.folding import Key
from projections.projector.rows import Codec, Row
from projections.rebuild.blocks import PackedFact
from projections.rebuild.kinds import KINDS

_by_time: Final = attrgetter("occurred_at", "event_id")
Streams = defaultdict[Key, list[PackedFact]]
"""What is told of each object, in order of position."""


class UnfoldableError(LedgerError):
    """Our code fails on a fact; the runner parks whose it is, and folds the others."""


class Routes:
    """Which of *projections* are told what.

    Args:
        until: Of each the last position that it is told of; None where that is all.
    """

    def __init__(
        self, projections: Sequence[Projection[Any]], until: Sequence[int] | None = None
    ) -> None:
        self._count = len(projections)
        self._until = until
        self._asking = [
            [number for number, each in enumerate(projections) if kind in each.handlers]
            for kind in KINDS
        ]

    def streams(self) -> list[Streams]:
        """Return what each of them is told of each object: nothing yet."""
        return [defaultdict(list) for _ in range(self._count)]

    def sort(self, facts: Iterable[PackedFact], streams: Sequence[Streams]) -> None:
        """Add *facts* to *streams*."""
        asking, until = self._asking, self._until
        if until is not None and len(set(until)) > 1:
            self._sort_some(facts, streams, until)
            return
        for one in facts:
            key = (one.account, one.object_id)
            for number in asking[one.kind]:
                streams[number][key].append(one)

    def _sort_some(
        self,
        facts: Iterable[PackedFact],
        streams: Sequence[Streams],
        until: Sequence[int],
    ) -> None:
        for one in facts:
            for number in self._asking[one.kind]:
                if one.position <= until[number]:
                    streams[number][one.account, one.object_id].append(one)


def rows(projection: Projection[Any], streams: Streams) -> dict[Key, Row]:
    """Return the rows that *streams* make from nothing, in order.

    Raises:
        UnfoldableError: The projection fails on one of them.
    """
    encode, refers = Codec(projection).encode, projection.refers
    fold = _folder(projection)
    found = {}
    for key in sorted(streams):
        try:
            state = fold(streams[key])
        except Exception as error:
            raise UnfoldableError(f"{projection.name}: {type(error).__name__}") from error
        if state is not projection.initial:
            refer = None if refers is None else refers(state)
            found[key] = Row(state=encode(state), refers=refer)
    return found


def _folder(projection: Projection[Any]) -> Callable[[Sequence[PackedFact]], Any]:
    """Return what makes a state of all that is told of an object, packed as it is kept."""
    initial = projection.initial
    by_kind: list[Any] = [projection.handlers.get(kind) for kind in KINDS]
    read_all = projection.refers is not None

    def fold(stream: Sequence[PackedFact]) -> Any:  # noqa: ANN401 - of any projection
        state = initial
        seen: list[PackedFact] = []
        rest: list[PackedFact] = []
        for one in stream:
            (seen if by_kind[one.kind] is observed else rest).append(one)
        for one in rest:
            state = by_kind[one.kind](state, one.fact)
            if state is None:  # too late for what was folded before it
                raise UnfoldableError(f"{projection.name} takes no facts in any order")
        return _with_observations(state, seen, read_all) if seen else state

    return fold


def _with_observations(
    history: Any,  # noqa: ANN401 - of any object
    seen: Sequence[PackedFact],
    read_all: bool,  # noqa: FBT001 - one of two ways
) -> Any:  # noqa: ANN401
    """Return what `projections.history.observed_together` does.

    Only those that settle are read, unless *read_all*; the others stay as they are packed.
    """
    recent: Sequence[PackedFact] = seen
    if len(seen) > 1:
        first = {one.event_id: one for one in reversed(seen)}
        recent = sorted(first.values(), key=_by_time)
    settled, old = None, 0
    if len(recent) > RECENT_MIN and seen[0].account != UNROUTED:
        old = settling(recent)
        if old:
            settled = second_by_second(None, [one.fact for one in recent[:old]])
    left = [one.fact if read_all else one.packed for one in recent[old:]]
    return msgspec.structs.replace(history, settled=settled, recent=tuple(left))
