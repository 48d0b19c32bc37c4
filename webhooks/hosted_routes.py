"""The routes to pages that Stripe hosts: for the product, and for the billing page's forms.

They stand in this door, since only it asks Stripe; the forms' cookies are the page's.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import attrs
from aiohttp import web

from ledger.acts import Act
from ledger.command import Command
from ledger.log import Log
from ledger.tokens import Grant, Scope
from projections.api.accounts import named_account
from projections.api.app import Api
from projections.page.answers import message, seen
from projections.page.visits import now_of, origin, path_of, submitted
from projections.views import Views
from webhooks.bodies import leave_expectations
from webhooks.hosted import ROUTES, Hosted
from webhooks.hosted_terms import origin_of
from webhooks.standing import Standing, Standings
from webhooks.stripe_sdk import missing_key
from webhooks.wishes import Wish, wish_of

FORMS: Final = {Act.PORTAL_SESSION: "portal", Act.CHECKOUT_SESSION: "checkout"}
_LEAVING: Final = {
    Act.PORTAL_SESSION: "Stripe's own page opens, where you can pay, replace a card, "
    "download invoices, change or cancel.",
    Act.CHECKOUT_SESSION: "Stripe's own page opens, where you enter how to pay.",
}


def routes(hosted: Hosted) -> list[web.RouteDef]:
    """Return the routes of *hosted*."""
    return [
        *(
            web.post(
                f"/v1/accounts/{{account}}/{name}",
                _taking(hosted, act),
                expect_handler=leave_expectations,
            )
            for act, name in ROUTES.items()
        ),
        *(
            web.post(f"/billing/{{account}}/{name}", seen(_leaving(hosted, act), now_of))
            for act, name in FORMS.items()
        ),
    ]


@asynccontextmanager
async def opened(hosted: Hosted, log: Log, api: Api) -> AsyncIterator[None]:
    """Let *hosted* append to *log* and read from *api* while the block runs."""
    views = Views(reader=api.reader, log=api.log, clock=api.clock)
    hosted.log = log
    hosted.standings = Standings(
        views=views, reader=api.reader, log=log, prices=hosted.offered.prices
    )
    try:
        yield
    finally:
        await hosted.close()


def _taking(hosted: Hosted, act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def take(request: web.Request) -> web.Response:
        return await hosted.take(request, act)

    return take


def _leaving(hosted: Hosted, act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def leave(request: web.Request) -> web.Response:
        account = named_account(request.match_info["account"])
        session, fields = await submitted(request, account)
        if not hosted.configured:
            raise missing_key()
        grant = Grant(scopes=frozenset({Scope.PORTAL}), account=account)
        standing = await hosted.standing(account, grant)
        back = origin(request) + path_of(account)
        wish = _wish(hosted, standing, act, session.admin, back, fields.get("price", ""))
        command = Command.identify(
            account=account,
            route=f"page:{FORMS[act]}",
            key=secrets.token_hex(16),
            fingerprint="",
        )
        granted = await hosted.grant(wish, command)
        return message(
            request,
            200,
            now_of(request),
            title="Taking you to Stripe",
            text=_LEAVING[act],
            onward=granted.opened.url,
        )

    return leave


def _wish(
    hosted: Hosted, standing: Standing, act: Act, admin: str, back: str, price: str
) -> Wish:
    """Return what a form wants; it leads back to the page it is on, and nowhere else."""
    body: dict[str, object] = {"return_url": back, "admin": admin}
    if act is Act.CHECKOUT_SESSION:
        body = {"price": price, "success_url": back, "cancel_url": back, "admin": admin}
    own = attrs.evolve(hosted.offered, origins=(*hosted.offered.origins, origin_of(back)))
    return wish_of(standing, act, body, own)
