"""An account as a question asks for it: now, as it was true then, as it was known then.

    now                   the objects that the read models keep
    as_of, known_at       the same objects, folded from the log as far as the question goes

What was known at a position or a time is asked of the log up to there, and evaluated at
that time unless as_of names another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

import attrs
import msgspec

from ledger import events
from ledger.errors import UnavailableError
from ledger.events import TOPIC_OF
from ledger.log import Log, Recorded, Selection
from ledger.problems import bad_request, unknown_account
from ledger.tokens import Grant
from projections.answer import Account, Billing, answer
from projections.api.questions import Question
from projections.aside import answering
from projections.assembly import (
    Kept,
    Needs,
    as_of,
    assembled,
    named_products,
    needs,
    surrounded,
)
from projections.dunning.wrongful import WrongfulPause, positions, suspects, wrongful
from projections.facts import AccountLinked
from projections.models.catalogue import CATALOGUE
from projections.models.links import LINKS, Linked, resolve
from projections.projector.folding import fold
from projections.pulse import Beat
from projections.reading import Found
from projections.translation.translate import translation

_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)
_LINKS_ONLY: Final = Selection(
    stripe_types=frozenset(), topics=frozenset({TOPIC_OF[events.AccountLinked]})
)


@attrs.frozen(kw_only=True)
class View:
    """An account at the moment that a question is about.

    Attributes:
        now: The moment at which dates are evaluated.
        position: Every event up to here counts.
        known_at: When that position was recorded, where a question asked for it.
        final: Whether no event that is still to come can change the answer.
        wrongful: Pauses that should not have been, where they were asked for.
    """

    linked: Linked
    account: Account
    now: datetime
    position: int
    known_at: datetime | None = None
    final: bool = False
    stale: bool = False
    lag_ms: int = 0
    replica_lag_ms: int | None = None
    until: datetime | None = None
    wrongful: tuple[WrongfulPause, ...] = ()

    def answer(self) -> Billing:
        """Return everything known of the account then."""
        return answer(self.account, self.now)

    async def answered(self) -> Billing:
        """Return the same, without holding up others where there is much to it."""
        return await answering(self.account.size, answer, self.account, self.now)


class Source(Protocol):
    """Where accounts are kept: the read models, or their twin."""

    async def find(self, account: str) -> Found:
        """Return what is kept of *account* and of whom it is linked with."""
        ...

    async def around(self, needs: Needs) -> Kept:
        """Return what stands outside an account's streams and is named in them."""
        ...

    async def position(self) -> int:
        """Return up to where all projections have read."""
        ...


@attrs.frozen(kw_only=True)
class _Then:
    position: int
    at: datetime
    final: bool


@attrs.frozen(kw_only=True)
class Views:
    """Finds accounts in the read models, and their past in the log."""

    reader: Source
    log: Log
    clock: Callable[[], datetime]

    async def view(
        self, account: str, asked: Question, grant: Grant, beat: Beat | None = None
    ) -> View:
        """Return *account* as *asked*.

        Args:
            beat: What a look for this question found; None looks at the log's end.

        Raises:
            Problem: It is unknown, or not for this token (404); known_at lies in the
                future (400).
            UnavailableError: It is parked, and its past cannot be told.
        """
        found = await self._found(account, grant)
        if beat is None:
            beat = await self._beat(found.position)
        # What the log has taken has happened, also by a clock that is a little behind.
        now = max(self.clock(), beat.head_at or _BEFORE_ALL)
        if asked.as_of is None and asked.known_at is None:
            return await self._present(found, beat, now)
        if found.stale:
            raise UnavailableError("the account is parked; its past cannot be told now")
        then = None if asked.known_at is None else await self._then(asked, beat, now)
        return await self._past(account, found, asked.as_of, then, grant)

    async def present(self, found: Found) -> tuple[Account, frozenset[str]]:
        """Return the account of *found*, and what of the catalogue it was asked for."""
        account = assembled(found.linked, found.kept)
        named = await answering(found.objects, needs, account)
        around, wares = await self._around(named)
        return surrounded(account, around), wares

    async def recorded(self, view: View) -> Sequence[Recorded]:
        """Return the events of the account of *view*, by position."""
        return await self._stream(view.linked, view.position)

    async def with_wrongful(self, view: View, told: Billing) -> View:
        """Return *view* with the pauses of *told* that a late event showed to be wrong."""
        doubtful = suspects(told.dunning, view.now)
        asked = positions(doubtful)
        if not asked:
            return view
        found = {each.position: each.recorded_at for each in await self.log.at(asked)}
        for missing in asked - found.keys():
            raise UnavailableError(f"the log has no position {missing} here yet")
        return attrs.evolve(view, wrongful=wrongful(doubtful, found))

    async def _present(self, found: Found, beat: Beat, now: datetime) -> View:
        account, _ = await self.present(found)
        return View(
            linked=found.linked,
            account=account,
            now=now,
            position=found.position,
            stale=found.stale,
            lag_ms=0 if found.position >= beat.head else beat.lag_ms(now),
            replica_lag_ms=beat.replica_lag_ms(now),
        )

    async def _past(
        self,
        account: str,
        found: Found,
        moment: datetime | None,
        then: _Then | None,
        grant: Grant,
    ) -> View:
        linked, position = found.linked, found.position
        if then is not None:
            position = then.position
            linked = await self._linked_at(account, found, position)
            if grant.account is not None and grant.account not in linked.streams:
                raise unknown_account()
        recorded = await self._stream(linked, position)
        past = await answering(len(recorded), as_of, linked, recorded, moment)
        around, _ = await self._around(await answering(past.size, needs, past))
        known = None if then is None else position
        return View(
            linked=linked,
            account=surrounded(past, around, known=known, moment=moment),
            now=moment or (_BEFORE_ALL if then is None else then.at),
            position=position,
            known_at=None if then is None else then.at,
            final=then is not None and then.final,
            until=moment,
        )

    async def _around(self, asked: Needs) -> tuple[Kept, frozenset[str]]:
        """Return what is *asked* for, and the products of the prices among it."""
        found = await self.reader.around(asked)
        further = named_products(found) - asked.wares
        if not further:
            return found, asked.wares
        more = await self.reader.around(Needs(wares=further))
        wares = {**found.get(CATALOGUE.name, {}), **more.get(CATALOGUE.name, {})}
        return {**found, CATALOGUE.name: wares}, asked.wares | further

    async def _then(self, asked: Question, beat: Beat, now: datetime) -> _Then:
        known_at = asked.known_at
        if isinstance(known_at, datetime):
            if known_at > now:
                raise bad_request("known_at is in the future", parameter="known_at")
            position = await self._position_at(known_at, beat.head)
            final = beat.head_at is not None and known_at < beat.head_at
            return _Then(position=position, at=known_at, final=final)
        if known_at is None or known_at > beat.head:
            raise bad_request(
                f"known_at is in the future: the log ends at {beat.head}",
                parameter="known_at",
            )
        return _Then(position=known_at, at=await self._recorded_at(known_at), final=True)

    async def _position_at(self, moment: datetime, head: int) -> int:
        """Return the last position recorded by *moment*; 0 if there is none."""
        low, high = 0, head
        while low < high:
            middle = (low + high + 1) // 2
            if await self._recorded_at(middle) <= moment:
                low = middle
            else:
                high = middle - 1
        return low

    async def _recorded_at(self, position: int) -> datetime:
        async for batch in self.log.read(after=position - 1, until=position):
            return batch[0].recorded_at
        raise UnavailableError(f"the log has no position {position} here yet")

    async def _linked_at(self, account: str, found: Found, position: int) -> Linked:
        """Return who *account* belonged to, by the links and claims known then."""
        read = translation([AccountLinked])
        facts = [
            (fact.position, fact)
            async for batch in self.log.read(until=position, only=_LINKS_ONLY)
            for fact in read.facts(batch)
        ]
        links = {key[0]: link for key, link in fold(LINKS, facts).items()}
        for name, link in found.links.items():
            claims = tuple(claim for claim in link.claims if claim.position <= position)
            known = links.get(name, LINKS.initial)
            links[name] = msgspec.structs.replace(known, claims=claims)
        return resolve(account, links)

    async def _stream(self, linked: Linked, until: int) -> list[Recorded]:
        if not until:
            return []
        stream = self.log.read(until=until, accounts=linked.streams)
        return [one async for batch in stream for one in batch]

    async def _found(self, account: str, grant: Grant) -> Found:
        found = await self.reader.find(account)
        allowed = grant.account in (None, account) or grant.account in found.linked.streams
        if not allowed:
            raise unknown_account()
        if not found.known and not await self._is_logged(account, found.position):
            raise unknown_account()
        return found

    async def _is_logged(self, account: str, until: int) -> bool:
        async for _ in self.log.read(until=until, accounts=[account]):
            return True
        return False

    async def _beat(self, position: int) -> Beat:
        """Look at the log's end, and for the first event after *position*."""
        head = await self.log.head()
        waiting_since = None
        if head.position > position:
            waiting_since = head.recorded_at
            async for batch in self.log.read(after=position, until=position + 1):
                waiting_since = batch[0].recorded_at
        return Beat(
            least=position,
            most=position,
            rows="",
            parked="",
            head=head.position,
            head_at=head.recorded_at,
            waiting_since=waiting_since,
        )
