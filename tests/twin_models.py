"""The read models in memory, each as far as it has come: parked, rebuilt and swapped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

from ledger.log import Recorded
from ledger.twin import MemoryLog
from projections.assembly import ROAMING, Kept, Needs
from projections.facts import Fact
from projections.models.catalogue import CATALOGUE
from projections.models.checks import CHECKS
from projections.models.links import LINKS, Link, resolve
from projections.models.registry import PROJECTIONS
from projections.projector.folding import Key, apply, fold
from projections.pulse import Beat
from projections.reading import Found
from projections.translation.translate import translation

TRANSLATION: Final = translation({fact for each in PROJECTIONS for fact in each.handlers})
# A generation with a defect that a later one has not: it lacks every so manieth event.
LACKING: Final = 9


class Models:
    """The read models' twin: each as far as it has come on a log in memory."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self._facts: list[tuple[int, Fact]] = []
        self._at = {each.name: 0 for each in PROJECTIONS}
        self._states: dict[str, dict[Key, Any]] = {each.name: {} for each in PROJECTIONS}
        self._translated = 0
        self.generation = 1
        self.parked: set[str] = set()
        self.meanwhile: Callable[[], None] | None = None

    async def translate(self) -> int:
        """Read the facts of what the log has taken; return its head."""
        head = await self._log.head()
        stream = self._log.read(after=self._translated, until=head.position)
        recorded = [one async for batch in stream for one in batch]
        self._facts += [(one.position, fact) for one in recorded for fact in told(one)]
        self._translated = head.position
        return head.position

    def advance(self, name: str, until: int) -> None:
        """Let a projection read up to *until*, if it has not."""
        projection = next(each for each in PROJECTIONS if each.name == name)
        after = self._at[name]
        if until <= after:
            return
        new = [each for each in self._seen() if after < each[0] <= until]
        if apply(projection, new, self._states[name]).late:
            all_of_it = [each for each in self._seen() if each[0] <= until]
            self._states[name] = dict(fold(projection, all_of_it))
        self._at[name] = until

    def swap(self) -> None:
        """Put rows in place that were made anew, without the defect."""
        self.generation += 1
        for each in PROJECTIONS:
            until = self._at[each.name]
            facts = [one for one in self._seen() if one[0] <= until]
            self._states[each.name] = dict(fold(each, facts))

    async def find(self, account: str) -> Found:
        """Return what is kept of *account*."""
        links = self._related(account)
        linked = resolve(account, links)
        kept = {
            name: {key: one for key, one in states.items() if key[0] in linked.streams}
            for name, states in self._states.items()
        }
        return Found(
            linked=linked,
            links=links,
            kept=kept,
            position=min(self._at.values()),
            stale=bool({account, *links, *linked.streams} & self.parked),
        )

    find_deciding = find

    def _related(self, account: str) -> dict[str, Link]:
        """Return the links that a reader finds: its own, and those of whom they lead to."""
        refers = LINKS.refers or _nothing
        links = {key[0]: link for key, link in self._states[LINKS.name].items()}
        own = [name for name, link in links.items() if account in {name, refers(link)}]
        to = {refers(links[name]) for name in own} - {None}
        return {
            name: link
            for name, link in links.items()
            if name in {account, *own, *to} or refers(link) in to
        }

    async def around(self, needs: Needs) -> Kept:
        """Return what stands outside an account, after what happens *meanwhile*."""
        if self.meanwhile is not None:
            happen, self.meanwhile = self.meanwhile, None
            happen()
        found: dict[str, dict[Key, Any]] = defaultdict(dict)
        entries = self._states[CATALOGUE.name]
        found[CATALOGUE.name] = {
            key: one for key, one in entries.items() if key[1] in needs.wares
        }
        found[CHECKS.name] = dict(self._states[CHECKS.name])
        for each in ROAMING:
            refers = each.refers or _nothing
            found[each.name] = {
                key: one
                for key, one in self._states[each.name].items()
                if refers(one) in needs.referred
            }
        return found

    async def look(self) -> Beat:
        """Return where all is."""
        head = await self._log.head()
        return Beat(
            least=min(self._at.values()),
            most=max(self._at.values()),
            rows=str(self.generation),
            parked=" ".join(sorted(self.parked)),
            head=head.position,
            head_at=head.recorded_at,
            waiting_since=None,
        )

    async def position(self) -> int:
        """Return up to where all projections have read."""
        return min(self._at.values())

    def _seen(self) -> list[tuple[int, Fact]]:
        lacking = self.generation == 1
        return [one for one in self._facts if not (lacking and one[0] % LACKING == 0)]


def told(recorded: Recorded) -> list[Fact]:
    return TRANSLATION.facts([recorded])


def _nothing(_state: object) -> None:
    return None
