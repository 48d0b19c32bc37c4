"""Where read models differ from what the log says they should be.

The log is folded anew up to the bookmark of each read model, some accounts after others,
and what comes of it is compared with the rows as they are kept, byte for byte.

    facts of a portion → rows ┐
    rows as they are kept ────┴→ differences
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing, closing
from typing import Any

import attrs

from ledger.database import Role
from ledger.errors import UnavailableError
from ledger.postgres import PostgresLog
from projections.aside import aside, seldom_collecting
from projections.models.declaration import Projection
from projections.models.registry import PROJECTIONS
from projections.projector.folding import Key
from projections.projector.rows import Row
from projections.projector.windows import ahead
from projections.rebuild.blocks import BLOCK_EVENTS
from projections.rebuild.filling import UnreadableError
from projections.rebuild.fold import Routes, UnfoldableError, rows
from projections.rebuild.gathered import Facts, first_blocks
from projections.rebuild.shelf import DamagedFactsError, opened
from replay.ledgers import connected
from replay.models import read_models
from replay.rebuild.differences import Compared, Found
from replay.rebuild.moment import Moment, moment_of
from replay.rebuild.rehearsal import rehearsed

Progress = Callable[[int, int], None]


async def compare(
    conninfo: str,
    progress: Progress,
    projections: Sequence[Projection[Any]] = PROJECTIONS,
    *,
    bodies: bool = False,
    block_events: int = BLOCK_EVENTS,
) -> list[Compared]:
    """Compare *projections*, those that there are; parked accounts are passed over.

    Args:
        bodies: Whether every body is read anew, also where the facts of it are kept.
        block_events: Events whose facts are kept together.

    Raises:
        UnavailableError: The rows are of another version of this program.
    """
    with connected(conninfo) as looking:
        known = {one.name: one for one in read_models(looking, 0)}
    present = [each for each in projections if each.name in known]
    if not present:
        return []
    for each in present:
        _of_this_version(each, known[each.name].version)
    async with (
        PostgresLog.open(conninfo, readers=2) as log,
        opened(conninfo, Role.READER, events=block_events) as shelf,
    ):
        total = min(known[each.name].position for each in present)
        blocks = 0 if bodies else await first_blocks(shelf, total)
        comparison = _Comparison(
            conninfo=conninfo, log=log, projections=present, progress=progress, total=total
        )
        try:
            try:
                return await comparison.run(Facts(shelf=shelf, blocks=blocks))
            except DamagedFactsError:
                return await comparison.run(Facts(shelf=shelf, blocks=0))
        except (UnreadableError, UnfoldableError):
            return await rehearsed(conninfo, log, progress, present)


def _of_this_version(projection: Projection[Any], version: int) -> None:
    if version != projection.version:
        raise UnavailableError(
            f"the rows of {projection.name} are of version {version}, this program's of "
            f"{projection.version}; run bl projections rebuild {projection.name}"
        )


@attrs.frozen(kw_only=True)
class _Comparison:
    """What is compared, and who is told how far that is."""

    conninfo: str
    log: PostgresLog
    projections: Sequence[Projection[Any]]
    progress: Progress
    total: int

    async def run(self, facts: Facts) -> list[Compared]:
        """Compare with what stands there at one moment: the projector may be at work."""
        with closing(facts), seldom_collecting():
            await facts.reach(self.log, self.total, self._tell)
            async with moment_of(self.conninfo, self.projections) as moment:
                await facts.reach(self.log, max(moment.positions))
                return await self._compared(facts, moment)

    async def _compared(self, facts: Facts, moment: Moment) -> list[Compared]:
        models = [
            _Model(projection=each, found=Found(each, moment.parked[each.name]))
            for each in self.projections
        ]
        routes = Routes(self.projections, moment.positions)
        async with aclosing(ahead(facts.by_portion(routes))) as coming:
            async for share, streams in coming:
                for model, told in zip(models, streams, strict=True):
                    made = await aside(len(told), rows, model.projection, told)
                    model.take(made, await moment.differing(model.projection, made))
                    told.clear()
                self._tell(self.total + int(self.total * share))
        for model in models:
            await model.look_for_more(moment)
        return [
            model.found.compared(model.rows, position)
            for model, position in zip(models, moment.positions, strict=True)
        ]

    def _tell(self, done: int) -> None:
        self.progress(done // 2, self.total)


@attrs.define(kw_only=True)
class _Model:
    """A read model under comparison.

    Attributes:
        known: A number for each object that the log makes, so that others stand out.
    """

    projection: Projection[Any]
    found: Found
    rows: int = 0
    matched: int = 0
    known: array[int] = attrs.Factory(lambda: array("q"))

    def take(self, made: Mapping[Key, Row], differing: Mapping[Key, Row | None]) -> None:
        """Take note of what the log *made*, and of what stands in place of some of it."""
        for key, kept in differing.items():
            self.found.take(key, made[key], kept)
        self.rows += len(made)
        self.matched += len(made) - sum(kept is None for kept in differing.values())
        self.known.extend(map(hash, made))

    async def look_for_more(self, moment: Moment) -> None:
        """Find the rows of objects that the log knows nothing of, if there are any."""
        if await moment.count(self.projection) == self.matched:
            return
        known = set(self.known)
        async for key, row in moment.rows(self.projection):
            if hash(key) not in known:
                self.found.take(key, None, row)
