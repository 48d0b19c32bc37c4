"""Invoices with all of their lines: Stripe shows the first ten, and the rest by the page.

The lines stand in one list again, each as it was shown, as if they had all been there.
"""

from __future__ import annotations

from typing import Final

import msgspec

from webhooks.stripe_client import StripeClient
from webhooks.stripe_errors import NotThereError
from webhooks.stripe_pages import pages


class _Line(msgspec.Struct):
    id: str


class _Lines(msgspec.Struct):
    has_more: bool = False


class _Invoice(msgspec.Struct):
    id: str
    lines: _Lines | None = None


_INVOICE: Final = msgspec.json.Decoder(_Invoice)
_LINE: Final = msgspec.json.Decoder(_Line)
_PARTS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


def is_cut(raw: bytes) -> bool:
    """Tell whether the invoice at *raw* has more lines than it shows."""
    # Few have; what is not there need not be read.
    if b'"has_more":true' not in raw.replace(b" ", b""):
        return False
    try:
        lines = _INVOICE.decode(raw).lines
    except msgspec.MsgspecError:
        return False
    return lines is not None and lines.has_more


async def whole(client: StripeClient, raw: bytes) -> bytes:
    """Return the invoice at *raw* with the lines that it leaves out.

    One that is gone meanwhile stays as it is.

    Raises:
        StripeUnavailableError: Stripe does not answer.
    """
    if not is_cut(raw):
        return raw
    parts = _PARTS.decode(raw)
    shown = _PARTS.decode(parts["lines"])
    data = _LIST.decode(shown["data"])
    path = f"invoices/{_INVOICE.decode(raw).id}/lines"
    after = _LINE.decode(data[-1]).id if data else None
    try:
        async for page in pages(client, path, {}, after=after):
            data += [msgspec.Raw(each.raw) for each in page.objects]
    except NotThereError:
        return raw
    listed = {
        **shown,
        "data": msgspec.Raw(msgspec.json.encode(data)),
        "has_more": msgspec.Raw(b"false"),
    }
    return msgspec.json.encode({**parts, "lines": listed})
