"""An account after each of its events, in the order in which the log learnt them.

    the first event      → what it made of the account
    the first and second → …

What stands outside its streams (prices, terms, policies, mandates) counts from the
position that told it, and is a step of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

import attrs

from ledger.log import Recorded
from ledger.postgres import PostgresLog
from projections.answer import Billing, answer
from projections.api.questions import Question
from projections.assembly import Kept, facts_by, folded, needs, surrounded
from projections.facts import Fact
from projections.models.catalogue import CATALOGUE
from projections.models.links import Linked
from projections.views import View
from replay.asking import need, views


@attrs.frozen(kw_only=True)
class Unfolding:
    """An account whose past can be asked for by position.

    Attributes:
        view: The account at the moment asked about.
        recorded: Every event that may have changed it, by position, up to that moment.
        around: What stands outside its streams.
    """

    view: View
    recorded: Sequence[Recorded]
    around: Kept

    @property
    def linked(self) -> Linked:
        """Whose account it is."""
        return self.view.linked

    @cached_property
    def own(self) -> Sequence[Recorded]:
        """The events of its own streams."""
        streams = self.view.linked.streams
        return [one for one in self.recorded if one.event.account in streams]

    @cached_property
    def facts(self) -> Sequence[Fact]:
        """What those events tell of it, as far as that had happened."""
        return facts_by(self.own, self.view.until)

    def after(self, position: int, now: datetime | None = None) -> Billing:
        """Return the account as the events up to *position* make it.

        Args:
            now: When dates are evaluated; None is the moment asked about.
        """
        known = [fact for fact in self.facts if fact.position <= position]
        past = folded(self.view.linked, known)
        whole = surrounded(past, self.around, known=position, moment=self.view.until)
        return answer(whole, now or self.view.now)

    def steps(self) -> Iterator[tuple[Recorded, Billing]]:
        """Yield each event with the account after it, evaluated at the moment asked."""
        for one in self.recorded:
            yield one, self.after(one.position)


def unfolding(conninfo: str, account: str, asked: Question) -> Unfolding:
    """Return *account* as *asked*, with its past.

    Raises:
        NotFoundError: Nothing is known of it.
        UsageError: A clock is asked for that has not come.
        UnavailableError: The read models do not answer, or the account is parked.
    """
    found = need(conninfo, account, asked)
    return asyncio.run(_with_surroundings(conninfo, found.view, found.recorded))


async def _with_surroundings(
    conninfo: str, view: View, recorded: Sequence[Recorded]
) -> Unfolding:
    async with views(conninfo) as asked, PostgresLog.open(conninfo) as log:
        around = await asked.reader.around(needs(view.account))
        told = {one.position for one in recorded}
        outside = [
            one
            for position in sorted(_positions(around, view.position) - told)
            async for batch in log.read(after=position - 1, until=position)
            for one in batch
        ]
    every = sorted((*recorded, *outside), key=lambda one: one.position)
    return Unfolding(view=view, recorded=every, around=around)


def _positions(around: Kept, until: int) -> set[int]:
    """Return the positions that told what stands around the account."""
    told: set[int] = set()
    for entry in around.get(CATALOGUE.name, {}).values():
        for each in (*entry.sightings, *entry.terms, *entry.policies):
            told.add(each.position)
    return {position for position in told if position <= until}


def flat(document: Any, path: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    """Yield each value of a document with its path, such as ``seats.billed``.

    Entries of a list go by their id, their user or their code, else by their place.
    """
    inner = parts(document)
    if inner is None:
        yield path, document
        return
    for name, value in inner.items():
        yield from flat(value, f"{path}{name}".lstrip("."))


def parts(document: Any) -> dict[str, Any] | None:  # noqa: ANN401, any JSON
    """Return what *document* is made of, by ``.name`` or ``[id]``; None for a value."""
    if isinstance(document, dict):
        return {f".{name}": value for name, value in document.items()}
    if isinstance(document, list):
        return {f"[{_name(value, place)}]": value for place, value in enumerate(document)}
    return None


def _name(value: Any, place: int) -> object:  # noqa: ANN401, any JSON
    if isinstance(value, dict):
        for key in ("id", "user", "code"):
            if value.get(key) is not None:
                return value[key]
    return place
