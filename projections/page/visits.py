"""Visits to the page over HTTP: links are minted, exchanged for cookies, and checked.

POST /v1/accounts/{account}/page-sessions {"admin": "u_1"}   scope page   201 {"url": …}

Whoever brings neither a link nor a cookie that holds sees what is seen where nothing is.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec
from aiohttp import web

from ledger.clock import utc_now
from ledger.problems import (
    CLOCK,
    TOKEN_KEYS,
    Problem,
    bad_request,
    no_parameters,
    require,
)
from ledger.strictness import NotStrictError, parse
from ledger.tokens import Grant, Scope
from projections.api.accounts import named_account
from projections.api.responses import written
from projections.page import sessions
from projections.page.seals import SealError
from projections.page.sessions import Session

COOKIE: Final = "bl_page"
LINK: Final = "link"
FORM_TOKEN: Final = "token"  # noqa: S105 - the name of a form's field
ADMIN_CHARS_MAX: Final = 255
BODY_BYTES_MAX: Final = 4096
BODY_DEADLINE_S: Final = 5
# The address before it had the link in it, which is nobody else's to know or to keep.
UNSEEN: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


class _Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    admin: str


def path_of(account: str) -> str:
    """Return the path of the page of *account*; its cookie goes no further."""
    return f"/billing/{quote(account, safe='')}"


def now_of(request: web.Request) -> datetime:
    """Return the time by the clock of the application."""
    clock: Callable[[], datetime] = request.config_dict.get(CLOCK, utc_now)
    return clock()


async def invite(request: web.Request, account: str) -> web.Response:
    """Answer with a link to the page of *account*, for the admin that the body names.

    Raises:
        Problem: The body cannot be read (400, 408, 413).
    """
    asked = await _asked(request)
    key = request.config_dict[TOKEN_KEYS][0]
    given = sessions.link(account, asked.admin, key=key, now=now_of(request))
    url = f"{origin(request)}{path_of(account)}?{LINK}={given}"
    headers = {"Cache-Control": "no-store"}
    response = written({"url": url}, headers)
    response.set_status(201)
    return response


def asked_account(request: web.Request) -> tuple[Grant, str]:
    """Return who asks for a link, and to which account's page."""
    grant = require(request, Scope.PAGE)
    no_parameters(request)
    return grant, named_account(request.match_info["account"])


def origin(request: web.Request) -> str:
    """Return where the caller reaches us, as it said itself."""
    return f"{'https' if is_https(request) else 'http'}://{request.host}"


def is_https(request: web.Request) -> bool:
    """Tell whether the browser came over HTTPS, also when a proxy ends it for us."""
    forwarded = request.headers.get("X-Forwarded-Proto", "").split(",")[0].strip()
    return request.secure or forwarded == "https"


def exchanged(request: web.Request, account: str) -> web.Response:
    """Answer a visit by link with its cookie, and lead to the address without the link.

    Raises:
        SealError: The link does not hold here.
    """
    keys, now = request.config_dict[TOKEN_KEYS], now_of(request)
    given = request.query.get(LINK, "")
    drawn = secrets.token_urlsafe(16)
    session = sessions.exchange(given, account, keys=keys, now=now, drawn=drawn)
    headers = {"Location": path_of(account), **UNSEEN}
    response = web.Response(status=303, headers=headers)
    response.set_cookie(
        COOKIE,
        sessions.cookie(session, key=keys[0]),
        max_age=int((session.until - now).total_seconds()),
        path=path_of(account),
        httponly=True,
        samesite="Lax",
        secure=is_https(request),
    )
    return response


def visitor(request: web.Request, account: str) -> Session:
    """Return whose cookie *request* brings.

    Raises:
        SealError: It brings none that holds here.
    """
    keys = request.config_dict[TOKEN_KEYS]
    given = request.cookies.get(COOKIE, "")
    return sessions.session_of(given, account, keys=keys, now=now_of(request))


async def submitted(request: web.Request, account: str) -> tuple[Session, dict[str, str]]:
    """Return who sent a form of the page, and its fields.

    Raises:
        SealError: There is no session, or the form is not from one of its pages.
        Problem: The body cannot be read (400, 408, 413).
    """
    session = visitor(request, account)
    # With no-referrer a browser says "null"; a proxy may change the scheme, not the host.
    sender = request.headers.get("Origin", "null")
    if sender != "null" and urlsplit(sender).netloc != request.host:
        raise SealError("sent by another site")
    await _body(request)
    fields = {
        name: value
        for name, value in (await request.post()).items()
        if isinstance(value, str)
    }
    keys = request.config_dict[TOKEN_KEYS]
    if not sessions.is_form_token(fields.get(FORM_TOKEN, ""), session, keys=keys):
        raise SealError("not from a form of this session")
    return session, fields


def form_token(request: web.Request, session: Session) -> str:
    """Return what the forms of *session* send back."""
    return sessions.form_token(session, key=request.config_dict[TOKEN_KEYS][0])


async def _asked(request: web.Request) -> _Asked:
    try:
        asked = msgspec.convert(parse(await _body(request)), _Asked)
    except NotStrictError as error:
        raise bad_request(f"the body is not JSON: {error}") from None
    except msgspec.ValidationError as error:
        raise bad_request(f"the body is not as expected: {error}") from None
    if not (0 < len(asked.admin) <= ADMIN_CHARS_MAX and asked.admin.isprintable()):
        raise bad_request(f"admin is not 1 to {ADMIN_CHARS_MAX} printable characters")
    return asked


async def _body(request: web.Request) -> bytes:
    if (request.content_length or 0) > BODY_BYTES_MAX:
        raise _too_large()
    try:
        async with asyncio.timeout(BODY_DEADLINE_S):
            body = await request.read()
    except TimeoutError:
        raise Problem(
            status=408,
            slug="too-slow",
            detail="the body did not arrive in time",
            headers={"Connection": "close"},
        ) from None
    if len(body) > BODY_BYTES_MAX:
        raise _too_large()
    return body


def _too_large() -> Problem:
    return Problem(
        status=413,
        slug="too-large",
        detail=f"the body has more than {BODY_BYTES_MAX} bytes",
        headers={"Connection": "close"},
    )
