"""What an HTTP door answers when it cannot do what was asked (RFC 9457).

{"type": "urn:billing-ledger:problem:wrong-scope", "title": "Forbidden", "status": 403,
 "detail": "this needs a token with scope audit"}
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Final

import attrs
import msgspec
from aiohttp import web
from aiohttp.web_protocol import RequestPayloadError

from ledger.clock import utc_now
from ledger.errors import LedgerError, NotFoundError, UnavailableError
from ledger.rates import Rates
from ledger.row import UnstorableError
from ledger.tokens import Grant, Scope, TokenError, verify
from ledger.traffic import REASON, TRAFFIC

TOKEN_KEYS: Final[web.AppKey[Sequence[bytes]]] = web.AppKey("token_keys")
RATES: Final[web.AppKey[Rates]] = web.AppKey("rates")
CLOCK: Final[web.AppKey[Callable[[], datetime]]] = web.AppKey("clock")

_TYPE: Final = "urn:billing-ledger:problem:"
_CHALLENGE: Final = 'Bearer realm="billing-ledger"'
_RETRY: Final = {"Retry-After": "1"}
_logger = logging.getLogger(__name__)


@attrs.define(eq=False, kw_only=True)
class Problem(LedgerError):  # noqa: N818 - the word of RFC 9457
    """A request that is answered with *status* and says why.

    Attributes:
        detail: What the caller can do about it; never what it sent, never a trace.
        slug: Names the kind of problem for programs; None is just the status.
        extra: Further members of the body.
        headers: Sent with it, such as ``Retry-After``.
    """

    status: int
    detail: str
    slug: str | None = None
    extra: Mapping[str, object] = attrs.Factory(dict)
    headers: Mapping[str, str] = attrs.Factory(dict)

    def __str__(self) -> str:
        return self.detail


def bad_request(detail: str, **extra: object) -> Problem:
    """Say what is wrong with a request that cannot be read."""
    return Problem(status=400, slug="bad-request", detail=detail, extra=extra)


def written(problem: Problem) -> bytes:
    """Return the body of *problem*."""
    return msgspec.json.encode(
        {
            "type": "about:blank" if problem.slug is None else _TYPE + problem.slug,
            "title": HTTPStatus(problem.status).phrase,
            "status": problem.status,
            "detail": problem.detail,
            **problem.extra,
        }
    )


def response(problem: Problem) -> web.Response:
    """Write *problem* as ``application/problem+json``."""
    answer = web.Response(
        status=problem.status,
        body=written(problem),
        content_type="application/problem+json",
        headers={**problem.headers, "Cache-Control": "no-store"},
    )
    answer[REASON] = problem.slug or str(problem.status)
    if problem.headers.get("Connection") == "close":
        answer.force_close()
    return answer


@web.middleware
async def problems(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer every error of *handler* as a problem, and count what became of requests.

    What is unforeseen is logged, and answered with 500.
    """
    traffic = request.app.get(TRAFFIC)
    if traffic is None:
        return await _answered(request, handler)
    loop = asyncio.get_running_loop()
    started = loop.time()
    answer = await _answered(request, handler)
    traffic.note(request, answer, loop.time() - started)
    return answer


async def _answered(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except ConnectionError:
        raise
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return response(_of_aiohttp(error))
    except Exception as error:  # noqa: BLE001 - the process loop; nothing is swallowed
        return response(problem_of(error))


def problem_of(error: Exception) -> Problem:
    """Return what to answer for *error*; an unforeseen one is logged with its trace."""
    if isinstance(error, Problem):
        return error
    for kind, build in _BUILDERS.items():
        if isinstance(error, kind):
            return build(error)
    _logger.error("request_failed", exc_info=error)
    return Problem(status=500, slug="fault", detail="this is our fault and has been logged")


def require(request: web.Request, scope: Scope) -> Grant:
    """Return the grant of the request's bearer token, which must hold *scope*.

    Raises:
        TokenError: The token does not hold (401).
        Problem: There is no token (401), it lacks *scope* (403), or too much was asked
            with it (429).
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Problem(
            status=401,
            slug="no-token",
            detail="send a token made by `bl token` as Authorization: Bearer",
            headers={"WWW-Authenticate": _CHALLENGE},
        )
    config = request.config_dict
    now = config.get(CLOCK, utc_now)()
    grant = verify(token.strip(), keys=config[TOKEN_KEYS], now=now)
    rates = config.get(RATES)
    wait_s = 0 if rates is None else rates.wait_s(token, asyncio.get_running_loop().time())
    if wait_s:
        raise Problem(
            status=429,
            slug="too-many-requests",
            detail=f"too many requests with this token; try again in {wait_s} s",
            headers={"Retry-After": str(wait_s)},
        )
    if scope not in grant.scopes:
        raise Problem(
            status=403,
            slug="wrong-scope",
            detail=f"this needs a token with scope {scope}",
            headers={
                "WWW-Authenticate": f'{_CHALLENGE}, error="insufficient_scope", '
                f'scope="{scope}"'
            },
        )
    return grant


def no_parameters(request: web.Request) -> None:
    """Refuse a query where a request says everything in its path and body.

    Raises:
        Problem: There is one (400).
    """
    for name in request.query:
        raise bad_request("there are no parameters here", parameter=name[:64])


def unknown_account() -> Problem:
    """Answer alike for an account that is not there and one a token may not see."""
    return Problem(status=404, slug="not-found", detail="there is no such account")


def nothing_here() -> Problem:
    """Answer for what is no account's, to a token of one account."""
    return Problem(status=404, slug="not-found", detail="there is nothing here")


def _of_aiohttp(error: web.HTTPException) -> Problem:
    allowed = error.headers.get("Allow")
    if allowed is not None:
        methods = ", ".join(sorted(allowed.split(",")))
        return Problem(
            status=error.status,
            slug="method",
            detail=f"this address takes {methods}",
            headers={"Allow": methods},
        )
    if error.status == HTTPStatus.NOT_FOUND:
        detail = "there is nothing at this address; see /v1/openapi.json"
        return Problem(status=error.status, slug="not-found", detail=detail)
    status = HTTPStatus(error.status)
    return Problem(status=status, detail=status.description or status.phrase)


def _of_token(error: Exception) -> Problem:
    return Problem(
        status=401,
        slug="invalid-token",
        detail=str(error),
        headers={"WWW-Authenticate": f'{_CHALLENGE}, error="invalid_token"'},
    )


def _of_unavailable(error: Exception) -> Problem:
    return Problem(
        status=503,
        slug="unavailable",
        detail=str(error) or "not now; nothing was acknowledged, so try again",
        headers=_RETRY,
    )


def _of_not_found(error: Exception) -> Problem:
    return Problem(status=404, slug="not-found", detail=str(error) or "not found")


def _of_broken_body(_error: Exception) -> Problem:
    return Problem(
        status=400,
        slug="bad-request",
        detail="the body is not what its headers say",
        headers={"Connection": "close"},
    )


def _of_unstorable(_error: Exception) -> Problem:
    return bad_request("something of it does not fit the log; shorten or correct it")


_BUILDERS: Final[dict[type[Exception], Callable[[Exception], Problem]]] = {
    TokenError: _of_token,
    UnavailableError: _of_unavailable,
    NotFoundError: _of_not_found,
    RequestPayloadError: _of_broken_body,
    UnstorableError: _of_unstorable,
}
