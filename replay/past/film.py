"""An account frame by frame between two moments, by either clock.

what was true      facts by their dates; the moment of a frame is that date
what was known     events by their positions; its moment is when the log took them
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

import attrs

from ledger.log import Recorded
from projections.answer import Billing, answer
from projections.assembly import facts_by, folded, surrounded
from projections.facts import Fact
from projections.models.links import Linked
from replay.past.unfolding import Unfolding
from replay.past.waterfall import INSTANT, Frame

_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)


@attrs.frozen(kw_only=True)
class _Happening:
    """An event at one of its dates, with the facts that it tells of then.

    Attributes:
        outside: Whether it stands outside the account's streams, such as a price.
    """

    at: datetime
    recorded: Recorded
    facts: tuple[Fact, ...]
    outside: bool = False

    @property
    def position(self) -> int:
        """Where it stands in the log."""
        return self.recorded.position


@attrs.frozen(kw_only=True)
class Film:
    """The past of an account up to the later of two moments.

    Attributes:
        by_position: Whether the moments are positions.
    """

    unfolding: Unfolding
    by_position: bool

    def frames(self, start: datetime, start_position: int) -> list[Frame]:
        """Return the frames from *start* on, up to the moment that was asked about.

        Args:
            start_position: Where the log stood then, if the moments are positions.
        """
        return list(self._frames(start, start_position))

    def _frames(self, start: datetime, start_position: int) -> Iterator[Frame]:
        seen, coming = self._parted(start, start_position)
        facts = [fact for each in seen for fact in each.facts]
        now, known = start, start_position if self.by_position else self._known
        yield Frame(at=now, event=None, billing=self._answer(facts, now, known))
        for each in coming:
            before = max(now, each.at - INSTANT)
            if before > now:
                told = self._answer(facts, before, known)
                yield Frame(at=each.at, event=None, billing=told)
            now, known = max(now, each.at), self._known_after(each)
            facts += each.facts
            told = self._answer(facts, now, known)
            yield Frame(at=each.at, event=each.recorded, billing=told)
        end = self.unfolding.view.now
        if end > now:
            told = self._answer(facts, end, self._known)
            yield Frame(at=end, event=None, billing=told)

    @property
    def _linked(self) -> Linked:
        return self.unfolding.linked

    @property
    def _known(self) -> int | None:
        view = self.unfolding.view
        return None if view.known_at is None else view.position

    def _known_after(self, each: _Happening) -> int | None:
        return each.position if self.by_position else self._known

    def _parted(
        self, start: datetime, position: int
    ) -> tuple[Sequence[_Happening], Sequence[_Happening]]:
        """Return what had happened at the beginning, and what comes then."""
        every = self._happenings
        if self.by_position:
            return (
                [each for each in every if each.position <= position],
                [each for each in every if each.position > position],
            )
        end = self.unfolding.view.now
        return (
            [each for each in every if each.at <= start],
            [each for each in every if start < each.at <= end],
        )

    @cached_property
    def _happenings(self) -> list[_Happening]:
        own = {one.position for one in self.unfolding.own}
        found: list[_Happening] = []
        for one in self.unfolding.recorded:
            if one.position not in own:
                at = one.recorded_at if self.by_position else _dated(one)
                found.append(_Happening(at=at, recorded=one, facts=(), outside=True))
                continue
            found += self._own(one)
        if self.by_position:
            return sorted(found, key=lambda each: each.position)
        # A price or a term of that second counts for all that happened in it.
        return sorted(found, key=lambda each: (each.at, not each.outside, each.position))

    def _own(self, one: Recorded) -> Iterator[_Happening]:
        facts = facts_by([one], None)
        if self.by_position:
            yield _Happening(at=one.recorded_at, recorded=one, facts=tuple(facts))
            return
        dates = {fact.occurred_at or _BEFORE_ALL for fact in facts}
        for at in dates:
            told = tuple(each for each in facts if (each.occurred_at or _BEFORE_ALL) == at)
            yield _Happening(at=at, recorded=one, facts=told)

    def _answer(self, facts: Sequence[Fact], now: datetime, known: int | None) -> Billing:
        account = surrounded(
            folded(self._linked, facts),
            self.unfolding.around,
            known=known,
            moment=None if self.by_position else now,
        )
        return answer(account, now)


def _dated(one: Recorded) -> datetime:
    event = one.event
    dated = getattr(event, "effective_at", None) or getattr(event, "occurred_at", None)
    return dated if isinstance(dated, datetime) else one.recorded_at
