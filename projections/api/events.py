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
from projections.api.event_view import event_line, event_view
from projections.api.feed import Feed, following, wants_stream
from projections.api.paging import Page, links, listed, read, unknown_cursor, written
from projections.api.questions import Question, question
from projections.api.responses import written as answered
from projections.reading import Reader

POSITION_DIGITS_MAX: Final = 18
LISTING: Final = ("limit", "cursor", "account", "after")


@attrs.frozen(kw_only=True)
class Events:
    """The handlers of the log's paths; all need scope ``audit``."""

    reader: Reader
    log: Log
    feed: Feed

    async def one(self, request: web.Request) -> web.Response:
        """Answer with one event of the log, by its position or its id."""
        grant = require(request, Scope.AUDIT)
        question(request)
        recorded = await self._recorded(request.match_info["event"])
        if grant.account is not None:
            await self._require_own(recorded, grant)
        return answered(event_view(recorded))

    async def many(self, request: web.Request) -> web.StreamResponse:
        """Answer with the events of the log, or of one account."""
        grant = require(request, Scope.AUDIT)
        asked = question(request, LISTING)
        account = asked.chosen.get("account")
        streams = await self._streams(account, grant)
        if wants_stream(request):

            async def whose() -> frozenset[str] | None:
                return await self._streams(account, grant)

            return await self.feed.send(request, asked, whose)
        head = (await self.log.head()).position
        if asked.after is not None:
            return await self._since(request, asked, streams, head)
        before = _before(asked, head)
        if streams is None:
            found = await self._window(before, asked.limit)
        else:
            found = await self._of(streams, before, asked.limit)
        body = listed([event_line(each) for each in found.entries], found.next)
        headers = {"Ledger-Position": str(head), **links(request, found.next)}
        return answered({**body, "meta": {"position": head}}, headers)

    async def _since(
        self,
        request: web.Request,
        asked: Question,
        streams: frozenset[str] | None,
        head: int,
    ) -> web.Response:
        """Answer with what came after a position, oldest first."""
        if asked.cursor is not None:
            raise bad_request("give after or cursor, not both", parameter="cursor")
        after, found = asked.after or 0, []
        async for recorded in following(self.log, after, head, streams):
            found.append(recorded)
            if len(found) > asked.limit:
                break
        shown = found[: asked.limit]
        more = len(found) > asked.limit
        body = {
            "data": [event_line(each) for each in shown],
            "has_more": more,
            "next": None,
            "meta": {"position": head},
        }
        headers = {"Ledger-Position": str(head)}
        if more:
            query = {**request.query, "after": str(shown[-1].position)}
            target = str(request.rel_url.with_query(query))
            headers["Link"] = f'<{target}>; rel="next"'
        return answered(body, headers)

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
        streams = (await self.reader.find(asked)).linked.streams
        if grant.account not in (None, asked) and grant.account not in streams:
            raise NotFoundError
        return streams

    async def _require_own(self, recorded: Recorded, grant: Grant) -> None:
        account = recorded.event.account
        own = grant.account or ""
        if account == own:
            return
        if account is None or account not in (await self.reader.find(own)).linked.streams:
            raise NotFoundError

    async def _recorded(self, name: str) -> Recorded:
        if not is_text(name):
            raise NotFoundError
        if name.isascii() and name.isdigit() and len(name) <= POSITION_DIGITS_MAX:
            position = int(name)
            async for batch in self.log.read(after=position - 1, until=position):
                return batch[0]
            raise NotFoundError
        for recorded in await self.log.find(name):
            return recorded
        raise NotFoundError


def routes(events: Events) -> list[web.RouteDef]:
    """Return the routes of *events*."""
    return [
        web.get("/v1/events", events.many),
        web.get("/v1/events/{event}", events.one),
    ]


def _cursor(before: int) -> str:
    return written((f"{before:018d}",))


def _before(asked: Question, head: int) -> int:
    """Return the position that the page ends before."""
    if asked.cursor is None:
        return head + 1
    position = "".join(read(asked.cursor))
    if not (position.isascii() and position.isdigit()):
        raise unknown_cursor()
    return max(1, min(int(position), head + 1))
