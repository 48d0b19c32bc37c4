"""Reading a request's body within its limit and its deadline, and never inflating it."""

from __future__ import annotations

import asyncio
from typing import Final

import attrs
from aiohttp import HttpVersion11, web
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestPayloadError

from ledger.problems import Problem

# Why a body is refused; the connection ends with it, as what follows may be its rest.
_REASONS: Final = {
    400: ("bad-request", "the body is not what its headers say"),
    408: ("too-slow", "the body took too long to arrive"),
    413: ("too-large", "the body is over the limit"),
    415: ("encoded-body", "send the body as it is, without Content-Encoding"),
    417: ("expectation", "only 100-continue can be expected here"),
}


@attrs.frozen(kw_only=True)
class BodyLimits:
    """How large a body may be, in bytes, and how long it may take, in seconds."""

    size: int = 1024 * 1024
    deadline_s: float = 5


async def read_body(request: web.BaseRequest, limits: BodyLimits) -> bytes:
    """Return the body's exact bytes.

    Raises:
        Problem: 413, 415 or 417 before anything is read; 408, 413 or 400 on the way.
        ConnectionError: The client went away.
    """
    headers = request.headers
    if "Content-Encoding" in headers:
        raise refusal(415)
    length = headers.get("Content-Length")
    if length is not None and int(length) > limits.size:
        raise refusal(413)
    content = request.content
    if "Expect" in headers:
        _go_on(request)
    try:
        if content.is_eof():  # all of it came with the header
            body = content.read_nowait()
        else:
            async with asyncio.timeout(limits.deadline_s):
                body = await _gather(content, limits.size)
    except TimeoutError:
        raise refusal(408) from None
    except RequestPayloadError:
        raise refusal(400) from None
    if len(body) > limits.size:
        raise refusal(413)
    return body


def refusal(status: int) -> Problem:
    """Return why a body is refused with *status*."""
    slug, detail = _REASONS[status]
    return Problem(status=status, slug=slug, detail=detail, headers={"Connection": "close"})


async def leave_expectations(_request: web.Request) -> None:
    """Stand in for aiohttp's handler, which asks for a body before it is judged."""


def _go_on(request: web.BaseRequest) -> None:
    if request.headers["Expect"].lower() != "100-continue":
        raise refusal(417)
    if request.version == HttpVersion11 and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def _gather(content: StreamReader, limit: int) -> bytes:
    chunks = bytearray()
    while chunk := await content.readany():
        chunks += chunk
        if len(chunks) > limit:
            raise refusal(413)
    return bytes(chunks)
