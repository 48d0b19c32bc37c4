"""Answers to requests that read: lists, objects, and lists within objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs
import msgspec

from replay.simulator.api import errors
from replay.simulator.api.asking import Asked
from replay.simulator.api.expansion import Expansion
from replay.simulator.api.pages import Page, listing, page, page_within
from replay.simulator.api.resources import (
    BELONGING,
    BY_NAME,
    BY_PATH,
    WITHIN,
    Belonging,
    Resource,
    Within,
)
from replay.simulator.api.shelf import Kept, Rendered, Shelf

_BELOW: Final = {each.path: each for each in (*BELONGING, *WITHIN)}


@attrs.frozen(kw_only=True)
class Place:
    """What an address leads to.

    Attributes:
        resource: What is answered, or what holds it.
        object_id: Of one object; None for a whole list.
        below: What is asked of that object, beside itself.
    """

    resource: Resource
    object_id: str | None = None
    below: Belonging | Within | None = None

    @property
    def permission(self) -> str:
        """What a restricted key needs to read it."""
        shown = self.resource
        if isinstance(self.below, Belonging):
            shown = BY_NAME[self.below.name]
        return f"rak_{shown.permission}_read"

    @property
    def is_list(self) -> bool:
        """Whether a page is answered."""
        return self.object_id is None or self.below is not None


def place(path: str) -> Place | None:
    """Return what a path below ``/v1/`` leads to; None if it leads nowhere."""
    match path.strip("/").split("/"):
        case [collection]:
            resource = BY_PATH.get(collection)
            return Place(resource=resource) if resource and resource.listed else None
        case [collection, object_id]:
            resource = BY_PATH.get(collection)
            return Place(resource=resource, object_id=object_id) if resource else None
        case [collection, object_id, rest]:
            below = _BELOW.get(f"{collection}/{{id}}/{rest}")
            if below is None:
                return None
            resource = BY_PATH[collection]
            return Place(resource=resource, object_id=object_id, below=below)
        case _:
            return None


@attrs.frozen(kw_only=True)
class Reader:
    """Reads one shelf for one request.

    Attributes:
        url: The path, as lists repeat it.
    """

    shelf: Shelf
    url: str
    request: Asked

    def whole(self, asked_for: Place) -> bytes:
        """Return an object, or a page that nothing is wrong with."""
        if asked_for.is_list:
            found, has_more = self.listed(asked_for)
            return listing(self.url, self.bodies(found), has_more=has_more)
        return self._one(asked_for.resource, asked_for.object_id or "")

    def listed(self, asked_for: Place) -> tuple[Sequence[Kept | Rendered], bool]:
        """Return the objects of a page, and whether there are more."""
        if asked_for.object_id is None:
            return _found(page(self.shelf, asked_for.resource, self.request))
        owner = self._kept(asked_for.resource, asked_for.object_id)
        if isinstance(asked_for.below, Belonging):
            by = {asked_for.below.by: (owner.id,)}
            narrowed = attrs.evolve(self.request, plain={**self.request.plain, **by})
            return _found(page(self.shelf, BY_NAME[asked_for.below.name], narrowed))
        key = asked_for.below.key if asked_for.below else ""
        apart = owner.apart or {}
        content = apart[key] if key in apart else owner.rendered()[key]
        return page_within(content["data"], self.request)

    def before(self, asked_for: Place) -> bytes | None:
        """Return the object that the page is asked for after; None on the first page."""
        cursor = self.request.starting_after
        kept = self.shelf.find(asked_for.resource.name, cursor) if cursor else None
        return kept.body if kept else None

    def bodies(self, found: Sequence[Kept | Rendered]) -> list[bytes]:
        """Return objects as JSON, expanded as the request asks."""
        expansion = self._expansion(in_list=True)
        if not self.request.expand:
            return [_body(each) for each in found]
        return [msgspec.json.encode(expansion.expanded(_content(each))) for each in found]

    def _one(self, resource: Resource, object_id: str) -> bytes:
        for name in self.request.names:
            raise errors.unknown_parameter(name)
        kept = self._kept(resource, object_id)
        if not self.request.expand:
            return kept.body
        return msgspec.json.encode(self._expansion(in_list=False).expanded(kept.rendered()))

    def _kept(self, resource: Resource, object_id: str) -> Kept:
        kept = self.shelf.find(resource.name, object_id)
        if kept is None or (kept.deleted and not resource.keeps_deleted):
            raise errors.no_such(resource.name, object_id, param="id")
        return kept

    def _expansion(self, *, in_list: bool) -> Expansion:
        return Expansion(shelf=self.shelf, paths=self.request.expand, in_list=in_list)


def _found(chosen: Page) -> tuple[Sequence[Kept], bool]:
    return chosen.objects, chosen.has_more


def _body(each: Kept | Rendered) -> bytes:
    return each.body if isinstance(each, Kept) else msgspec.json.encode(each)


def _content(each: Kept | Rendered) -> Any:  # noqa: ANN401 -- JSON
    return each.rendered() if isinstance(each, Kept) else each
