"""Answers of the read API as HTTP: bodies, tags, and for how long they may be kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import attrs
import msgspec
from aiohttp import web

from ledger.moments import rfc3339
from projections.api.questions import etag_matches
from projections.models.registry import PROJECTIONS
from projections.views import View

Json = dict[str, Any]

FOR_GOOD_S: Final = 365 * 86_400
# What the same events come to may change with a release, and only then.
_VERSIONS: Final = " ".join(f"{each.name}.{each.version}" for each in PROJECTIONS)


@attrs.frozen
class Written:
    """All of an answer but ``meta``, as JSON, and the tag that it goes by."""

    json: bytes
    tag: str

    @classmethod
    def of(cls, body: Json, *, final: bool = False) -> Written:
        """Write *body*; one that is *final* is tagged by what computes it as well."""
        told = msgspec.json.encode(body)
        tagged = told + _VERSIONS.encode() if final else told
        return cls(told, f'"{hashlib.sha256(tagged).hexdigest()[:32]}"')

    def with_meta(self, meta: Json) -> bytes:
        """Return all of the answer."""
        return b'%b,"meta":%b}' % (self.json[:-1], msgspec.json.encode(meta))


def answered(
    request: web.Request,
    body: Json | Written,
    view: View,
    *,
    fresh_s: int = 0,
    headers: Mapping[str, str] | None = None,
    beside: Json | None = None,
) -> web.Response:
    """Answer with *body* and ``meta``, or that the caller has it already.

    Args:
        fresh_s: For how long the caller need not ask again.
        beside: What else stands in ``meta``.
    """
    told = body if isinstance(body, Written) else Written.of(body, final=view.final)
    tag = told.tag
    sent = {
        "ETag": tag,
        "Ledger-Position": str(view.position),
        "Cache-Control": _caching(view, fresh_s),
        "Vary": "Authorization",
        **(headers or {}),
    }
    if etag_matches(request, tag):
        return web.Response(status=304, headers=sent)
    whole = told.with_meta({**meta(view), **(beside or {})})
    return web.Response(body=whole, content_type="application/json", headers=sent)


def drawn(request: web.Request, drawing: str, view: View) -> web.Response:
    """Answer with a *drawing*, or that the caller has it already."""
    tag = Written.of({"drawing": drawing}, final=view.final).tag
    sent = {
        "ETag": tag,
        "Ledger-Position": str(view.position),
        "Cache-Control": _caching(view, 0),
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
        "Vary": "Authorization",
    }
    if etag_matches(request, tag):
        return web.Response(status=304, headers=sent)
    return web.Response(text=drawing, content_type="image/svg+xml", headers=sent)


def told(
    request: web.Request,
    body: Json,
    position: int | None = None,
    *,
    beside: Json | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """Answer with what is no account's, or that the caller has it already.

    Args:
        position: Up to where the answer covers the log; None where that is no matter.
        beside: What stands in ``meta``, and counts for no tag.
    """
    answer = Written.of(body)
    sent = {
        "ETag": answer.tag,
        **({} if position is None else {"Ledger-Position": str(position)}),
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Accept",
        **(headers or {}),
    }
    if etag_matches(request, answer.tag):
        return web.Response(status=304, headers=sent)
    if beside is None:
        whole = answer.json
    else:
        whole = b'%b,"meta":%b}' % (answer.json[:-1], msgspec.json.encode(beside))
    return web.Response(body=whole, content_type="application/json", headers=sent)


def written(body: Json, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer with *body* as JSON."""
    return web.Response(
        body=msgspec.json.encode(body), content_type="application/json", headers=headers
    )


def _caching(view: View, fresh_s: int) -> str:
    if view.final:
        return f"private, max-age={FOR_GOOD_S}, immutable"
    if fresh_s > 0:
        return f"private, max-age={fresh_s}"
    return "private, no-cache"


def meta(view: View) -> Json:
    """Return of when the answer of *view* is."""
    reconciled = view.account.reconciled
    compared_at = None if reconciled is None else reconciled.ended_at
    return {
        "position": view.position,
        "as_of": rfc3339(view.now),
        "known_at": None if view.known_at is None else rfc3339(view.known_at),
        "lag_ms": view.lag_ms,
        "replica_lag_ms": view.replica_lag_ms,
        "reconciled_at": None if compared_at is None else rfc3339(compared_at),
        "wrongful_pauses": [each.body for each in view.wrongful],
        "stale": view.stale,
    }
