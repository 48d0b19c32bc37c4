"""A client for programs on asyncio; any number of requests at a time.

async with AsyncLedger("http://127.0.0.1:8080", token) as ledger:
    await ledger.assign_seat("shop-17", "u_7", actor="u_1")
    (await ledger.access("shop-17"))["access"]["level"]   # 'full'
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import datetime
from typing import Any, Self, cast

import aiohttp
from yarl import URL

from projections.client import calls
from projections.client.calls import Call, Memory, Moment
from projections.client.problems import UnreachableError
from projections.openapi.account_answers import (
    AccessAnswer,
    BillingAnswer,
    InvoiceShown,
)
from projections.openapi.list_answers import EventsAnswer, SeatsAnswer
from projections.openapi.period_answers import DunningAnswer, ExplanationAnswer


class AsyncLedger:
    """The ledger at *base*, asked with *token*.

    Args:
        timeout_s: For each try of a request.
        tries_max: How often a request is sent before what it met is raised.

    Every method raises what `projections.client.problems` names.
    """

    def __init__(
        self,
        base: str,
        token: str,
        *,
        timeout_s: float = calls.TIMEOUT_S,
        tries_max: int = calls.TRIES_MAX,
    ) -> None:
        self._base = base.rstrip("/")
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {token}"},
            timeout=aiohttp.ClientTimeout(total=timeout_s),
        )
        self._tries_max = tries_max
        self._memory = Memory()

    async def __aenter__(self) -> Self:
        """Return it."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close its connections."""
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        await self._session.close()

    async def access(self, account: str) -> AccessAnswer:
        """Return what *account* may do now."""
        return cast("AccessAnswer", await self._ask(calls.read(account, "access")))

    async def billing(
        self,
        account: str,
        *,
        as_of: datetime | None = None,
        known_at: Moment | None = None,
    ) -> BillingAnswer:
        """Return everything known of *account*, now, then, or as it was known then."""
        asked = calls.read(account, "billing", as_of=as_of, known_at=known_at)
        return cast("BillingAnswer", await self._ask(asked))

    async def seats(self, account: str) -> SeatsAnswer:
        """Return the seats of *account*, who holds one, and the latest changes."""
        return cast("SeatsAnswer", await self._ask(calls.read(account, "seats")))

    async def dunning(self, account: str) -> DunningAnswer:
        """Return what becomes of each invoice that was not paid."""
        return cast("DunningAnswer", await self._ask(calls.read(account, "dunning")))

    async def explain(self, account: str, figure: str) -> ExplanationAnswer:
        """Return why ``total``, ``status``, ``seats`` or ``dunning`` is what it is."""
        asked = calls.read(account, "explain", figure=figure)
        return cast("ExplanationAnswer", await self._ask(asked))

    async def invoices(self, account: str) -> AsyncIterator[InvoiceShown]:
        """Yield every invoice of *account*, newest first."""
        cursor: str | None = None
        while True:
            page = await self._ask(
                calls.read(account, "invoices", limit=100, cursor=cursor)
            )
            for each in page["data"]:
                yield each
            cursor = page["next"]
            if cursor is None:
                return

    async def events(self, after: int, account: str | None = None) -> EventsAnswer:
        """Return up to 100 events after a position, in order (scope ``audit``)."""
        asked = calls.listing("/v1/events", after=after, account=account, limit=100)
        return cast("EventsAnswer", await self._ask(asked))

    async def assign_seat(
        self,
        account: str,
        user: str,
        *,
        actor: str | None = None,
        effective_at: datetime | None = None,
        key: str | None = None,
    ) -> int:
        """Tell that *user* is active, and return the position it was told at."""
        told = calls.seat(user, active=True, actor=actor, effective_at=effective_at)
        return await self._tell("POST", account, "seat-changes", told, key)

    async def release_seat(
        self,
        account: str,
        user: str,
        *,
        actor: str | None = None,
        effective_at: datetime | None = None,
        key: str | None = None,
    ) -> int:
        """Tell that *user* is active no more, and return the position."""
        told = calls.seat(user, active=False, actor=actor, effective_at=effective_at)
        return await self._tell("POST", account, "seat-changes", told, key)

    async def set_seats(
        self, account: str, users: Collection[str] | int, *, key: str | None = None
    ) -> int:
        """Tell who is active, all of them, or how many; return the position."""
        return await self._tell("PUT", account, "seats", calls.users(users), key)

    async def link(self, account: str, customer: str, *, key: str | None = None) -> int:
        """Tell that the product's *account* is *customer* of Stripe."""
        return await self._tell("POST", account, "link", {"customer": customer}, key)

    async def _tell(
        self, method: str, account: str, what: str, told: object, key: str | None
    ) -> int:
        answer = await self._ask(calls.write(method, account, what, told, key))
        return int(answer["position"])

    async def _ask(self, call: Call) -> Any:  # noqa: ANN401 - typed by who asked
        tries = 0
        while True:
            tries += 1
            last = tries >= self._tries_max
            pause: Mapping[str, str] = {}
            try:
                status, headers, body = await self._send(call)
            except (aiohttp.ClientError, TimeoutError) as error:
                if last:
                    raise UnreachableError(f"no answer: {error!r}") from error
            else:
                if status not in calls.AGAIN or last:
                    return self._memory.take(call, status, headers, body)
                pause = headers
            await asyncio.sleep(calls.pause_s(tries, pause))

    async def _send(self, call: Call) -> tuple[int, Mapping[str, str], bytes]:
        target = URL(self._base + self._memory.target(call), encoded=True)
        async with self._session.request(
            call.method, target, data=call.body, headers=call.headers
        ) as answer:
            return answer.status, answer.headers, await answer.read()
