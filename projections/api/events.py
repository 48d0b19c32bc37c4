"""What the read API shows of the log itself, to auditors.

GET /v1/events                    newest first, a page at a time, without bodies
GET /v1/events?after=48213        what came after that, oldest first
  Accept: text/event-stream       the same, and whatever comes from then on
GET /v1/events/{position or id}   one event, whole
"""

from __future__ import annotations

from typing import Final

import attrs
from aiohttp import web

from ledger.errors import NotFoundError
from ledger.log import Log, Recorded
from ledger.problems import bad_request, require
from ledger.tokens import Grant, Scope
from projections.api.accounts import is_text, named_account
from projections.api.coverage import covered
from projections.api.event_view import event_line, event_view
from projections.api.feed import Feed, following, wants_stream
from projections.api.paging import Page, links, listed, read, unknown_cursor, written
from projections.api.questions import Question, question
from projections.api.responses import told
from projections.pulse import Beat, Pulse
from projections.reading import Reader

POSITION_DIGITS_MAX: Final = 18
BEYOND: Final = 10**POSITION_DIGITS_MAX
ONWARD: Final = "after"
UNKNOWN: Final = "there is no such account"
NO_EVENT: Final = "there is no such event"
LISTING: Final = ("limit", "cursor", "account", "after", "at_least")


@attrs.frozen(kw_only=True)
class Events:
    """The handlers of the log's paths; all need scope ``audit``."""

    reader: Reader
    log: Log
    feed: Feed
    pulse: Pulse[Beat]

    async def one(self, request: web.Request) -> web.Response:
        """Answer with one event of the log, by its position or its id."""
        grant = require(request, Scope.AUDIT)
        await covered(self.pulse, question(request, ("at_least",)))
        recorded = await self._recorded(request.match_info["event"])
        if grant.account is not None:
            await self._require_own(recorded, grant)
        return told(request, event_view(recorded), recorded.position)

    async def many(self, request: web.Request) -> web.StreamResponse:
        """Answer with the events of the log, or of one account."""
        grant = require(request, Scope.AUDIT)
        asked = question(request, LISTING)
        await covered(self.pulse, asked)
        account = asked.chosen.get("account")
        streams = await self._streams(account, grant)
        if wants_stream(request):

            async def whose() -> frozenset[str] | None:
                return await self._streams(account, grant)

            return await self.feed.send(request, asked, whose)
        head = (await self.log.head()).position
        place = _place(asked, head)
        if place.after is not None:
            found = await self._since(place.after, head, streams, asked.limit)
        elif streams is None:
            found = await self._window(place.before, asked.limit)
        else:
            found = await self._of(streams, place.before, asked.limit)
        body = listed([event_line(each) for each in found.entries], found.next)
        headers = links(request, found.next)
        return told(request, body, head, beside={"position": head}, headers=headers)

    async def _since(
        self, after: int, head: int, streams: frozenset[str] | None, limit: int
    ) -> Page[Recorded]:
        """Return what came after a position, oldest first."""
        found = []
        async for recorded in following(self.log, after, head, streams):
            found.append(recorded)
            if len(found) > limit:
                break
        shown = found[:limit]
        more = len(found) > limit
        return Page(shown, _onward(shown[-1].position) if more else None)

    async def _window(self, before: int, limit: int) -> Page[Recorded]:
        after = max(0, before - 1 - limit)
        stream = self.log.read(after=after, until=before - 1)
        found = [one async for batch in stream for one in batch]
        return Page(found[::-1], _cursor(after + 1) if after else None)

    async def _of(self, streams: frozenset[str], before: int, limit: int) -> Page[Recorded]:
        found = await self.log.newest(accounts=streams, before=before, limit=limit + 1)
        shown = found[:limit]
        more = len(found) > limit
        return Page(shown, _cursor(shown[-1].position) if more else None)

    async def _streams(self, account: str | None, grant: Grant) -> frozenset[str] | None:
        """Return the streams to be shown; None is the whole log."""
        asked = grant.account if account is None else named_account(account)
        if asked is None:
            return None
        found = await self.reader.find(asked)
        streams = found.linked.streams
        if grant.account not in (None, asked) and grant.account not in streams:
            raise NotFoundError(UNKNOWN)
        if not found.known and not await self._is_logged(streams):
            raise NotFoundError(UNKNOWN)
        return streams

    async def _is_logged(self, streams: frozenset[str]) -> bool:
        return bool(await self.log.newest(accounts=streams, before=BEYOND, limit=1))

    async def _require_own(self, recorded: Recorded, grant: Grant) -> None:
        account = recorded.event.account
        own = grant.account or ""
        if account == own:
            return
        if account is None or account not in (await self.reader.find(own)).linked.streams:
            raise NotFoundError(NO_EVENT)

    async def _recorded(self, name: str) -> Recorded:
        if not is_text(name):
            raise NotFoundError(NO_EVENT)
        if name.isascii() and name.isdigit() and len(name) <= POSITION_DIGITS_MAX:
            position = int(name)
            async for batch in self.log.read(after=position - 1, until=position):
                return batch[0]
            raise NotFoundError(NO_EVENT)
        for recorded in await self.log.find(name):
            return recorded
        raise NotFoundError(NO_EVENT)


def routes(events: Events) -> list[web.RouteDef]:
    """Return the routes of *events*."""
    return [
        web.get("/v1/events", events.many),
        web.get("/v1/events/{event}", events.one),
    ]


@attrs.frozen(kw_only=True)
class _Place:
    """Where a page begins: before a position, newest first, or after one, in order."""

    before: int = 0
    after: int | None = None


def _place(asked: Question, head: int) -> _Place:
    """Return where the page begins; a cursor knows which way it goes."""
    if asked.cursor is None:
        return _Place(before=head + 1, after=asked.after)
    *way, position = read(asked.cursor) or ("",)
    if not (position.isascii() and position.isdigit()) or way not in ([], [ONWARD]):
        raise unknown_cursor()
    if way:
        return _Place(after=int(position))
    if asked.after is not None:
        raise bad_request("give after or cursor, not both", parameter="cursor")
    return _Place(before=max(1, min(int(position), head + 1)))


def _cursor(before: int) -> str:
    return written((f"{before:018d}",))


def _onward(after: int) -> str:
    return written((ONWARD, f"{after:018d}"))
