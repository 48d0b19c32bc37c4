"""Pages that Stripe hosts for an account: its portal, and the checkout.

POST /v1/accounts/{account}/portal-sessions     scope portal   201 {"url": …}
POST /v1/accounts/{account}/checkout-sessions   scope portal   201 {"url": …}
POST /billing/{account}/portal, …/checkout      a form of the billing page

Each is an act: what is wanted is in the log before Stripe is asked, and what came of it
after. The address itself is nowhere: for a key that comes again Stripe is asked again,
with its own idempotency key, and gives the same one.
"""

from __future__ import annotations

import asyncio
from typing import Final

import attrs
import msgspec
from aiohttp import web

from ledger.acts import Act, ActDone, ActFailed, ActRequested
from ledger.command import Command
from ledger.errors import UnavailableError
from ledger.log import Log
from ledger.problems import Problem, no_parameters, require, unknown_account
from ledger.settings import Settings
from ledger.tokens import Grant, Scope
from webhooks.bodies import BodyLimits, read_body
from webhooks.commands import (
    fingerprint,
    idempotency_key,
    key_reused,
    numbered,
    parsed,
    readable_id,
)
from webhooks.hosted_terms import parameters
from webhooks.standing import Standing, Standings
from webhooks.stripe_sdk import Opened, RefusedError, StripeSdk, missing_key
from webhooks.wishes import Offered, Wish, wish_of

ROUTES: Final = {
    Act.PORTAL_SESSION: "portal-sessions",
    Act.CHECKOUT_SESSION: "checkout-sessions",
}


@attrs.frozen(kw_only=True)
class Granted:
    """What came of a wish.

    Attributes:
        position: Of the last event that tells of it.
        replayed: Whether it was asked before.
    """

    opened: Opened
    position: int
    replayed: bool


class Hosted:
    """Opens pages that Stripe hosts.

    Attributes:
        log: None until the log is open, as *standings*; all is 503 until then.
    """

    def __init__(self, settings: Settings) -> None:
        self.log: Log | None = None
        self.standings: Standings | None = None
        self._settings = settings
        self._limits = BodyLimits(
            size=settings.body_limit, deadline_s=settings.body_deadline_s
        )
        self._sdk = StripeSdk(settings)
        self._under_way: set[str] = set()

    @property
    def configured(self) -> bool:
        """Whether Stripe can be asked at all."""
        return self._settings.stripe_api_key is not None

    @property
    def offered(self) -> Offered:
        """What may be asked for."""
        return Offered(
            origins=self._settings.return_origins, prices=self._settings.checkout_prices
        )

    async def close(self) -> None:
        """Close the connections to Stripe."""
        await self._sdk.close()

    async def take(self, request: web.Request, act: Act) -> web.Response:
        """Answer the product with the address of a page.

        Raises:
            Problem: As in the module's and `webhooks.commands`' tables.
        """
        grant = require(request, Scope.PORTAL)
        no_parameters(request)
        account = readable_id("account", request.match_info["account"])
        if not self.configured:
            raise missing_key()
        key = idempotency_key(request)
        body = await read_body(request, self._limits)
        print_ = fingerprint(request.method, request.rel_url.raw_path, body)
        command = Command.identify(
            account=account, route=ROUTES[act], key=key, fingerprint=print_
        )
        standing = await self.standing(account, grant)
        known = await self._known(command)
        wish = known or wish_of(standing, act, parsed(body), self.offered)
        granted = await self.grant(wish, command)
        answer = {"url": granted.opened.url, "position": granted.position}
        headers = {"Ledger-Position": str(granted.position), "Cache-Control": "no-store"}
        if granted.replayed:
            headers["Idempotent-Replayed"] = "true"
        return web.Response(
            status=200 if granted.replayed else 201,
            body=msgspec.json.encode(answer),
            content_type="application/json",
            headers=headers,
        )

    async def standing(self, account: str, grant: Grant) -> Standing:
        """Return what an account is, as of all that the log has.

        Raises:
            Problem: It is not for this token (404), or not known in time (503).
        """
        if self.standings is None:
            raise UnavailableError("the log is not open yet")
        standing = await self.standings.of(account)
        if grant.account is not None and grant.account not in {account, *standing.streams}:
            raise unknown_account()
        return standing

    async def grant(self, wish: Wish, command: Command) -> Granted:
        """Ask Stripe for *wish*, which is told in the log before and after.

        Raises:
            Problem: Stripe refuses or is away; the key was used otherwise (409, 422 …).
        """
        if command.id in self._under_way:
            raise Problem(
                status=409,
                slug="in-flight",
                detail="a request with this Idempotency-Key is under way; ask again",
                headers={"Retry-After": "1"},
            )
        self._under_way.add(command.id)
        try:
            return await self._granted(wish, command)
        finally:
            self._under_way.discard(command.id)

    async def _granted(self, wish: Wish, command: Command) -> Granted:
        requested = ActRequested(
            account=wish.account,
            command=command,
            act=wish.act,
            key=f"bl-{command.id.removeprefix('cmd:')}",
            asked=tuple(sorted(wish.asked.items())),
            actor=wish.admin,
        )
        position, replayed = await self._append(requested)
        told = {"account": wish.account, "act": wish.act}
        given = parameters(wish.act, wish.asked)
        try:
            opened = await self._sdk.open(wish.act, given, requested.key)
        except RefusedError as refused:
            failed = ActFailed(
                **told,  # type: ignore[arg-type]
                command=numbered(command, 2),
                status=refused.status,
                code=refused.code,
                message=refused.message,
            )
            await self._append(failed)
            raise refused.problem from None
        done = ActDone(**told, command=numbered(command, 2), object_id=opened.id)  # type: ignore[arg-type]
        last, _ = await self._append(done)
        return Granted(opened=opened, position=max(position, last), replayed=replayed)

    async def _append(self, event: ActRequested | ActDone | ActFailed) -> tuple[int, bool]:
        """Return the position of *event*, and whether there was one at its place."""
        if self.log is None:
            raise UnavailableError("the log is not open yet")
        try:
            async with asyncio.timeout(self._settings.deadline_s):
                receipt = (await self.log.append([event]))[0]
        except TimeoutError:
            raise UnavailableError("the database does not answer in time") from None
        return receipt.position, receipt.duplicate

    async def _known(self, command: Command) -> Wish | None:
        """Return the wish that came under this key before; None if none did."""
        if self.log is None:
            raise UnavailableError("the log is not open yet")
        for recorded in await self.log.find(command.id):
            event = recorded.event
            if isinstance(event, ActRequested):
                if event.command.fingerprint != command.fingerprint:
                    raise key_reused()
                return Wish(
                    account=event.account,
                    act=event.act,
                    asked=dict(event.asked),
                    admin=event.actor or "",
                )
        return None
