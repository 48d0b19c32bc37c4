"""The read API: what the product asks of the read models, over HTTP.

GET /v1/accounts/{account}/billing   scope read    everything about an account, in one
GET /v1/events/{position or id}      scope audit   an event of the log, whole
GET /v1/status                       scope read    how far everything is
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import attrs
import msgspec
from aiohttp import web

from ledger.clock import utc_now
from ledger.errors import NotFoundError, UnavailableError
from ledger.log import Log, Recorded
from ledger.moments import rfc3339
from ledger.problems import TOKEN_KEYS, Problem, problems, require, unknown_account
from ledger.tokens import Grant, Scope
from projections import rendering
from projections.answer import answer
from projections.assembly import as_of, assembled
from projections.event_view import event_view
from projections.questions import Question, etag_matches, question
from projections.reading import Found, Lag, Reader

BILLING: Final = ("as_of", "at_least")
ACCOUNT_CHARS_MAX: Final = 255
POSITION_DIGITS_MAX: Final = 18
_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)
PAUSES_S: Final = (0.005, 0.01, 0.02, 0.05, 0.1)


@attrs.frozen(kw_only=True)
class Api:
    """What the handlers share.

    Attributes:
        mode: Of the ledger, ``live`` or ``test``.
    """

    reader: Reader
    log: Log
    ledger_id: str
    mode: str
    clock: Callable[[], datetime] = utc_now

    async def billing(self, request: web.Request) -> web.Response:
        """Answer with everything about an account."""
        grant = require(request, Scope.READ)
        asked = question(request, BILLING)
        account = _account(request)
        await self._covered(asked)
        found = await self._found(account, grant)
        lag = await self._lag(found.position)
        # What the log has taken has happened, also by a clock that is a little behind.
        now = max(self.clock(), lag.head_at or _BEFORE_ALL)
        body = await self._body(found, asked, now)
        meta = {
            "position": found.position,
            "as_of": rfc3339(asked.as_of or now),
            "known_at": None,
            "lag_ms": lag.milliseconds(now),
            "reconciled_at": None,
            "wrongful_pauses": [],
            "stale": found.stale,
        }
        return _answer(request, body, meta)

    async def event(self, request: web.Request) -> web.Response:
        """Answer with one event of the log, by its position or its id."""
        grant = require(request, Scope.AUDIT)
        question(request)
        recorded = await self._recorded(request.match_info["event"])
        if grant.account is not None:
            await self._require_own(recorded, grant)
        return _json(event_view(recorded))

    async def status(self, request: web.Request) -> web.Response:
        """Answer with how far the log and each projection are."""
        grant = require(request, Scope.READ)
        question(request)
        if grant.account is not None:
            raise Problem(status=404, slug="not-found", detail="there is nothing here")
        standings = await self.reader.standings()
        head = (await self.log.head()).position
        lags = {each.name: max(0, head - each.position) for each in standings}
        return _json(
            {
                "position": head,
                "lag": max(lags.values(), default=0),
                "projections": [
                    {**attrs.asdict(each), "lag": lags[each.name]} for each in standings
                ],
                "untranslated": await self.reader.untranslated(),
                "mode": self.mode,
                "ledger": self.ledger_id,
            }
        )

    async def _body(self, found: Found, asked: Question, now: datetime) -> rendering.Json:
        if asked.as_of is None:
            return rendering.billing(answer(assembled(found.linked, found.kept), now))
        if found.stale:
            raise UnavailableError("the account is parked; its past cannot be told now")
        stream = self.log.read(until=found.position, accounts=found.linked.streams)
        recorded = [one async for batch in stream for one in batch]
        whole = as_of(found.linked, recorded, asked.as_of)
        return rendering.billing(answer(whole, asked.as_of))

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

    async def _require_own(self, recorded: Recorded, grant: Grant) -> None:
        account = recorded.event.account
        own = grant.account or ""
        if account == own:
            return
        if account is None or account not in (await self.reader.find(own)).linked.streams:
            raise NotFoundError

    async def _recorded(self, name: str) -> Recorded:
        if not _is_text(name):
            raise NotFoundError
        if name.isascii() and name.isdigit() and len(name) <= POSITION_DIGITS_MAX:
            position = int(name)
            async for batch in self.log.read(after=position - 1, until=position):
                return batch[0]
            raise NotFoundError
        for recorded in await self.log.find(name):
            return recorded
        raise NotFoundError

    async def _covered(self, asked: Question) -> None:
        """Wait until the read models have what the caller has seen already."""
        loop = asyncio.get_running_loop()
        end = loop.time() + asked.wait_s
        tries = 0
        while asked.at_least:
            position = await self.reader.position()
            if position >= asked.at_least:
                return
            left = end - loop.time()
            if left <= 0:
                raise Problem(
                    status=503,
                    slug="not-there-yet",
                    detail=f"the read models are at {position}; try again",
                    extra={"current": position, "position": position},
                    headers={"Retry-After": "1", "Ledger-Position": str(position)},
                )
            await asyncio.sleep(min(PAUSES_S[min(tries, len(PAUSES_S) - 1)], left))
            tries += 1

    async def _lag(self, position: int) -> Lag:
        head = await self.log.head()
        if head.position <= position:
            return Lag(head_at=head.recorded_at)
        waiting_since = head.recorded_at
        async for batch in self.log.read(after=position, until=position + 1):
            waiting_since = batch[0].recorded_at
        return Lag(head_at=head.recorded_at, waiting_since=waiting_since)


def routes(api: Api) -> list[web.RouteDef]:
    """Return the routes of *api*; the application needs `problems` and `TOKEN_KEYS`."""
    return [
        web.get("/v1/accounts/{account}/billing", api.billing),
        web.get("/v1/events/{event}", api.event),
        web.get("/v1/status", api.status),
    ]


def application(api: Api, token_keys: Sequence[bytes]) -> web.Application:
    """Return an application of the read API alone, which can say that it is there."""

    async def healthz(_request: web.Request) -> web.Response:
        return _json({"alive": True})

    async def readyz(_request: web.Request) -> web.Response:
        await api.reader.position()
        return _json({"ready": True})

    app = web.Application(middlewares=[problems])
    app[TOKEN_KEYS] = token_keys
    app.add_routes([*routes(api), web.get("/healthz", healthz), web.get("/readyz", readyz)])
    return app


def _answer(
    request: web.Request, body: rendering.Json, meta: rendering.Json
) -> web.Response:
    digest = hashlib.sha256(msgspec.json.encode(body)).hexdigest()[:32]
    headers = {
        "ETag": f'"{digest}"',
        "Ledger-Position": str(meta["position"]),
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization",
    }
    if etag_matches(request, headers["ETag"]):
        return web.Response(status=304, headers=headers)
    return _json({**body, "meta": meta}, headers)


def _json(body: dict[str, Any], headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), content_type="application/json", headers=headers
    )


def _account(request: web.Request) -> str:
    account = request.match_info["account"]
    if not _is_text(account) or len(account) > ACCOUNT_CHARS_MAX:
        raise unknown_account()
    return account


def _is_text(name: str) -> bool:
    """Tell whether PostgreSQL can have a text like *name*."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in name
