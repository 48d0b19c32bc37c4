"""Long lists a page at a time, newest first, by opaque cursors.

A cursor names the last entry that was shown, not how many there were: what is appended
meanwhile neither repeats an entry nor hides one.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

import attrs
import msgspec
from aiohttp import web

from ledger.problems import Problem, bad_request

T = TypeVar("T")
Key = tuple[str, ...]
"""What sorts entries; greater is newer, and no two are the same."""


@attrs.frozen
class Page(Generic[T]):
    """Some entries, newest first, and the cursor of those that follow; None at the end."""

    entries: Sequence[T]
    next: str | None


def page(
    entries: Sequence[T], key: Callable[[T], Key], cursor: str | None, limit: int
) -> Page[T]:
    """Return up to *limit* of *entries*, given in any order, that follow *cursor*."""
    after = None if cursor is None else read(cursor)
    newest_first = sorted(entries, key=key, reverse=True)
    left = [each for each in newest_first if after is None or key(each) < after]
    shown = left[:limit]
    return Page(shown, written(key(shown[-1])) if len(left) > limit else None)


def written(key: Key) -> str:
    """Write the cursor that names the entry of *key*."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def read(cursor: str) -> Key:
    """Read what `written` wrote.

    Raises:
        Problem: It did not write this (400).
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        return msgspec.json.decode(raw, type=Key)
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise unknown_cursor() from None


def unknown_cursor() -> Problem:
    """Say that a cursor is none of ours."""
    return bad_request("cursor is none that this API gave", parameter="cursor")


def listed(data: Sequence[Any], following: str | None) -> dict[str, Any]:
    """Return the members that every list has."""
    return {"data": list(data), "has_more": following is not None, "next": following}


def links(request: web.Request, following: str | None) -> dict[str, str]:
    """Return the header that leads to the next page, if there is one."""
    if following is None:
        return {}
    query = [(name, value) for name, value in request.query.items() if name != "cursor"]
    target = f"{request.rel_url.raw_path}?{urlencode([*query, ('cursor', following)])}"
    return {"Link": f'<{target}>; rel="next"'}
