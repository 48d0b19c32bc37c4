"""The page's own files: read once, named by their content, compressed once.

/billing/-/page.3f9a1c04b2d7.css      kept by browsers for good; another content is
                                      another name
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final

import attrs
from aiohttp import web

PREFIX: Final = "/billing/-/"
ROUTE: Final = PREFIX + r"{name:[a-z]+\.[0-9a-f]{12}\.[a-z]+}"
FOR_GOOD: Final = "public, max-age=31536000, immutable"
_FILES: Final = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "htmx.min.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


@attrs.frozen
class Asset:
    """A file as it is sent."""

    path: str
    content_type: str
    plain: bytes
    packed: bytes


@cache
def assets() -> Mapping[str, Asset]:
    """Return every file by its own name."""
    folder = resources.files("projections.page") / "static"
    found = {}
    for name, content_type in _FILES.items():
        plain = (folder / name).read_bytes()
        digest = hashlib.sha256(plain).hexdigest()[:12]
        stem, _, kind = name.replace(".min", "").rpartition(".")
        found[name] = Asset(
            path=f"{PREFIX}{stem}.{digest}.{kind}",
            content_type=content_type,
            plain=plain,
            packed=gzip.compress(plain, 9, mtime=0),
        )
    return MappingProxyType(found)


async def served(request: web.Request) -> web.Response:
    """Answer with a file, for whoever asks: there is nothing of an account in it."""
    asset = next((each for each in assets().values() if each.path == request.path), None)
    if asset is None:
        raise web.HTTPNotFound
    return sent(
        request,
        asset.plain,
        asset.content_type,
        {"Cache-Control": FOR_GOOD, "X-Content-Type-Options": "nosniff"},
        packed=asset.packed,
    )


def sent(
    request: web.Request,
    body: bytes,
    content_type: str,
    headers: Mapping[str, str],
    *,
    packed: bytes | None = None,
) -> web.Response:
    """Answer with *body*, compressed where the browser takes that."""
    told = {**headers, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, 6, mtime=0) if packed is None else packed
        told["Content-Encoding"] = "gzip"
    return web.Response(body=body, content_type=content_type, charset="utf-8", headers=told)
