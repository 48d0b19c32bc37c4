"""A list of Stripe's, page by page: each object once, none left out unnoticed.

The next page is fetched while one is worked on. What stood in the page before does not
count again. A page that is short though more follows, and the last one, are asked for a
second time, and what either showed counts. After a full page that claims to be the last
one more is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Final

import attrs
import msgspec

from webhooks.stripe_client import Answer, Parameters, StripeClient
from webhooks.stripe_errors import NotThereError, StripeUnavailableError

LIMIT: Final = 100


class _Identified(msgspec.Struct):
    id: str
    created: int | None = None


class _Unnamed(msgspec.Struct):
    """What stands in a list and is no object: it has no id to go on after."""

    id: str = ""
    created: int | None = None


class _List(msgspec.Struct):
    data: list[msgspec.Raw]
    has_more: bool = False


@attrs.frozen(kw_only=True)
class Shown:
    """An object of a page: its id, its creation, its bytes as they stood there.

    Attributes:
        id: Empty where it is no object at all.
    """

    id: str
    created: int | None
    raw: bytes


@attrs.frozen(kw_only=True)
class Page:
    """A page.

    Attributes:
        asked_at: As in `Answer`.
        repeated: How many objects were there already.
        mended: How many objects only the second look showed.
    """

    objects: Sequence[Shown]
    asked_at: datetime
    api_version: str | None
    has_more: bool = False
    repeated: int = 0
    mended: int = 0


_LIST: Final = msgspec.json.Decoder(_List)
_IDENTIFIED: Final = msgspec.json.Decoder(_Identified)


async def pages(
    client: StripeClient,
    path: str,
    parameters: Parameters,
    *,
    after: str | None = None,
    limit: int = LIMIT,
) -> AsyncGenerator[Page]:
    """Yield the pages of a list, the newest objects first.

    Args:
        after: The object after which it goes on; None is the beginning.

    Raises:
        StripeUnavailableError: Stripe does not answer, or shows one page for ever.
    """
    cursors: tuple[str, ...] = () if after is None else (after,)
    seen: frozenset[str] = frozenset(cursors)
    coming = asyncio.ensure_future(_page(client, path, parameters, cursors, limit))
    try:
        while True:
            page = await coming
            fresh = [each for each in page.objects if each.id not in seen]
            repeated = len(page.objects) - len(fresh)
            named = [each.id for each in fresh if each.id]
            if page.has_more:
                if not named:
                    raise StripeUnavailableError(
                        f"Stripe shows one page of /v1/{path} again and again; try later"
                    )
                seen = frozenset(each.id for each in page.objects if each.id)
                cursors = tuple(reversed(named))
                coming = asyncio.ensure_future(
                    _page(client, path, parameters, cursors, limit)
                )
            yield attrs.evolve(page, objects=fresh, repeated=page.repeated + repeated)
            if not page.has_more:
                return
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


async def _page(
    client: StripeClient,
    path: str,
    parameters: Parameters,
    cursors: Sequence[str],
    limit: int,
) -> Page:
    """Return the page after the first of *cursors* that Stripe still knows."""
    asked = {**parameters, "limit": str(limit)}
    known = list(cursors)
    while True:
        if known:
            asked["starting_after"] = known[0]
        try:
            page = await _whole(client, path, asked, limit)
        except NotThereError as error:
            # The cursor was deleted meanwhile: the object before it leads on as well.
            if error.param != "starting_after" or len(known) < 2:  # noqa: PLR2004
                raise
            known.pop(0)
            continue
        return page


async def _whole(client: StripeClient, path: str, asked: Parameters, limit: int) -> Page:
    first = await client.get(path, asked, _LIST.decode)
    objects = _objects(first)
    page = Page(
        objects=objects,
        asked_at=first.asked_at,
        api_version=first.api_version,
        has_more=first.content.has_more,
    )
    unique = _unique(objects)
    if len(unique) == limit or (not objects and not page.has_more):
        return attrs.evolve(
            page,
            objects=unique,
            repeated=len(objects) - len(unique),
            has_more=page.has_more or len(unique) == limit,
        )
    again = await client.get(path, asked, _LIST.decode)
    both = _merged(unique, _unique(_objects(again)))
    return attrs.evolve(
        page,
        objects=both,
        repeated=len(objects) - len(unique),
        mended=len(both) - len(unique),
        has_more=first.content.has_more or again.content.has_more,
    )


def _objects(answer: Answer[_List]) -> list[Shown]:
    found = []
    for raw in answer.content.data:
        try:
            head: _Identified | _Unnamed = _IDENTIFIED.decode(raw)
        except msgspec.MsgspecError:
            head = _Unnamed()
        found.append(Shown(id=head.id, created=head.created, raw=bytes(raw)))
    return found


def _unique(objects: Sequence[Shown]) -> list[Shown]:
    return list({each.id or each.raw: each for each in objects}.values())


def _merged(first: list[Shown], again: list[Shown]) -> list[Shown]:
    """Return what either look showed, the newest first."""
    longer, other = (again, first) if len(again) > len(first) else (first, again)
    known = {each.id for each in longer}
    missed = [each for each in other if each.id not in known]
    if not missed:
        return longer
    return sorted(longer + missed, key=lambda each: -(each.created or 0))
