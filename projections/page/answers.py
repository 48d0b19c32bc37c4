"""The page's answers over HTTP: HTML that no other site can frame, script or keep.

Nothing inline, nothing from elsewhere, nothing stored, and no address told to others.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import cache
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from ledger.problems import Problem, problem_of, unknown_account
from projections.page.assets import assets, sent
from projections.page.markup import Writer
from projections.page.readers import DEFAULT, Reader, locale_of, reader, zone_of
from projections.page.seals import SealError

Handler = Callable[[web.Request], Awaitable[web.Response]]

ZONE: Final = "bl_zone"
ZONE_KEPT_S: Final = 365 * 86_400
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
}
_logger = logging.getLogger(__name__)


def html(
    request: web.Request, template: str, now: datetime, /, **shown: object
) -> web.Response:
    """Answer with *template*, written for who sent *request*."""
    text = written(template, reader_of(request), now, **shown)
    response = sent(request, text.encode(), "text/html", HEADERS)
    zone = zone_of(request.query.get("tz"))
    if zone is not None:
        response.set_cookie(ZONE, zone.key, max_age=ZONE_KEPT_S, path="/billing")
    return response


def written(template: str, reader: Reader, now: datetime, /, **shown: object) -> str:
    """Return *template* as HTML for *reader*."""
    return (
        _environment()
        .get_template(template)
        .render(w=Writer(reader, now), zone=reader.zone.key, assets=assets(), **shown)
    )


def reader_of(request: web.Request) -> Reader:
    """Return whom to write figures and dates for."""
    zone = request.query.get("tz") or unquote(request.cookies.get(ZONE, ""))
    return reader(request.headers.get("Accept-Language", ""), zone)


def message(
    request: web.Request, status: int, now: datetime, /, **shown: object
) -> web.Response:
    """Answer with a page that says one thing."""
    told = {"path": None, "onward": None, "again": False, **shown}
    response = html(request, "message.html", now, **told)
    response.set_status(status)
    return response


def seen(handler: Handler, now_of: Callable[[web.Request], datetime]) -> Handler:
    """Return *handler* with every error told to a person, not to a program."""

    async def answer(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except (ConnectionError, web.HTTPException):
            raise
        except SealError:
            problem = unknown_account()
        except Exception as error:  # noqa: BLE001 - the process loop; nothing is swallowed
            problem = problem_of(error)
        return _told(request, problem, now_of(request))

    return answer


def _told(request: web.Request, problem: Problem, now: datetime) -> web.Response:
    status = HTTPStatus(problem.status)
    usual = _MESSAGES.get(status, _MESSAGES[HTTPStatus.BAD_REQUEST])
    title, text = _OF_STRIPE.get(problem.slug or "", usual)
    sent = request.method == "POST"
    # Who sent a form that could be read has a page to go back to.
    back = request.rel_url.raw_path.rpartition("/")[0]
    response = message(
        request,
        status,
        now,
        title=title,
        text=text,
        again=status == HTTPStatus.SERVICE_UNAVAILABLE and not sent,
        path=back if sent and status != HTTPStatus.NOT_FOUND else None,
    )
    response.headers.update(problem.headers)
    return response


def prepare() -> None:
    """Have all at hand that the first page would otherwise wait for."""
    environment = _environment()
    for name in environment.list_templates():
        environment.get_template(name)
    assets()
    locale_of(DEFAULT)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("projections.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


_OF_STRIPE: Final = {
    "stripe-unavailable": (
        "Stripe does not answer just now",
        "Nothing has changed. Go back and try again in a moment.",
    ),
    "no-customer": (
        "There is nothing to manage yet",
        "Stripe does not know this account yet: subscribe first.",
    ),
    "subscription-live": (
        "A subscription runs already",
        "Go back to change it or to see when it renews.",
    ),
}
_MESSAGES: Final = {
    HTTPStatus.NOT_FOUND: (
        "There is nothing here",
        "A visit to billing ends after half an hour: open it again from the product.",
    ),
    HTTPStatus.BAD_REQUEST: (
        "That cannot be answered",
        "Something in this address cannot be read: open billing again from the product.",
    ),
    HTTPStatus.NOT_IMPLEMENTED: (
        "This is not set up here",
        "Stripe's pages are not connected to this product yet; its support can help.",
    ),
    HTTPStatus.CONFLICT: (
        "There is something to finish first",
        "A subscription runs already, or there is none to manage yet. Go back to see.",
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        "Stripe did not accept that",
        "Nothing has changed. Please tell the product's support.",
    ),
    HTTPStatus.BAD_GATEWAY: (
        "Stripe does not know us",
        "Nothing has changed. Please tell the product's support.",
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "Not just now",
        "The figures cannot be reached at this moment. Nothing is lost; try again soon.",
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: (
        "This is our fault",
        "Something went wrong here and has been noted. Your billing is not affected.",
    ),
}
