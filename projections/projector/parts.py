"""What a batch gives to each of several runners: every event is translated once for all.

    event → its readers in the table → facts → the reading of each runner that asks for them

Each runner has accounts of its own that are parked: they are passed over for it alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import attrs

from ledger.events import StripeEvent, Verdict
from ledger.log import Recorded
from projections.facts import Fact
from projections.projector.folding import Failure, Reading, parked_as
from projections.translation.translate import Kind, Translate, Translation

Routes = Mapping[Kind, Sequence[tuple[Translate, Sequence[int]]]]
"""Of each kind of event the readers, each with the numbers of those that ask for it."""


def routes(translations: Sequence[Translation]) -> Routes:
    """Return who of *translations* asks for what."""
    found: dict[Kind, dict[Translate, list[int]]] = {}
    for number, each in enumerate(translations):
        for kind, readers in each.rows.items():
            for translate in readers:
                found.setdefault(kind, {}).setdefault(translate, []).append(number)
    return {kind: tuple(readers.items()) for kind, readers in found.items()}


@attrs.define(eq=False)
class _Part:
    """One runner's: what it is given, and the accounts that it is given nothing of."""

    stopped: set[str]
    reading: Reading = attrs.Factory(Reading)

    def fail(self, account: str, position: int, error: Exception) -> None:
        """Stop *account* before *position*; what it was given of that event goes back."""
        self.stopped.add(account)
        self.reading.failures[account] = Failure.of(account, position, error)
        facts = self.reading.facts
        while facts and facts[-1][0] == position:
            facts.pop()


class Parts:
    """Reads a batch for several runners.

    Args:
        parked: For each runner the accounts that it passes over.
    """

    def __init__(self, routes: Routes, parked: Sequence[Collection[str]]) -> None:
        self._parts: Final = [_Part(set(each)) for each in parked]
        self._readers = {
            kind: [
                (reader, [self._parts[at] for at in numbers]) for reader, numbers in rows
            ]
            for kind, rows in routes.items()
        }

    @property
    def readings(self) -> list[Reading]:
        """What each runner was given, in their order."""
        return [part.reading for part in self._parts]

    def read(self, recorded: list[Recorded]) -> None:
        """Translate *recorded* and take it away, so that its bodies are held no longer."""
        stopping = any(part.stopped for part in self._parts)
        recorded.reverse()
        while recorded:
            one = recorded.pop()
            event = one.event
            if type(event) is StripeEvent:
                if event.verdict is not Verdict.ACCEPTED:
                    continue
                readers = self._readers.get(event.stripe_type)
            else:
                readers = self._readers.get(type(event))
            if readers is None:
                continue
            for translate, parts in readers:
                if stopping:
                    account = parked_as(event)
                    parts = [part for part in parts if account not in part.stopped]  # noqa: PLW2901
                    if not parts:
                        continue
                try:
                    facts = translate(one)
                except Exception as error:  # noqa: BLE001 - parks this account alone
                    stopping = True
                    for part in parts:
                        part.fail(parked_as(event), one.position, error)
                    continue
                _give(parts, one.position, facts)


def _give(parts: Sequence[_Part], position: int, facts: Sequence[Fact]) -> None:
    for fact in facts:
        placed = (position, fact)
        for part in parts:
            part.reading.facts.append(placed)
