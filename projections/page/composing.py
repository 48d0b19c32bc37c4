"""The page put together: a document, what happened lately, and who looks at it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from projections.page.activity import Happened
from projections.page.answers import html
from projections.page.document import Document
from projections.page.drawn import drawn
from projections.page.freshness import freshness
from projections.page.offers import Offer
from projections.page.texts import cut
from projections.page.view import page

NAME_CHARS_MAX: Final = 60


def composed(
    request: web.Request,
    document: Document,
    *,
    path: str,
    token: str,
    tag: str,
    activity: Sequence[Happened] = (),
    offers: Sequence[Offer] = (),
) -> web.Response:
    """Answer with the page of *document*.

    Args:
        path: Of the page; its forms and links go below it.
        token: What its forms send back.
    """
    now = document.meta.as_of
    return html(
        request,
        "billing.html",
        now,
        page=page(document),
        name=name_of(document),
        path=path,
        token=token,
        tag=tag,
        fresh=freshness(document),
        activity=activity,
        drawing=drawn(document.dunning, now),
        offers=offers,
    )


def name_of(document: Document) -> str:
    """Return the account's name for a title, where nothing can be isolated."""
    return cut(document.linked_account or document.account, NAME_CHARS_MAX)
