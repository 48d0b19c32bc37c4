"""Invoices with more lines than Stripe shows at once."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from webhooks.stripe_client import StripeClient
from webhooks.whole_invoices import is_cut, whole

LINES: Final = [{"id": f"il_{number}", "amount": number} for number in range(237)]


def invoice(shown: int) -> dict[str, Any]:
    listed = {"object": "list", "data": LINES[:shown], "has_more": shown < len(LINES)}
    return {"id": "in_1", "object": "invoice", "lines": listed, "total": 1e0}


async def lines(request: web.Request) -> web.Response:
    after = request.query["starting_after"]
    begun = next(at for at, line in enumerate(LINES) if line["id"] == after) + 1
    end = begun + int(request.query["limit"])
    more = end < len(LINES)
    return web.json_response({"data": LINES[begun:end], "has_more": more})


@pytest.mark.parametrize(("shown", "answers"), [(10, True), (10, False), (237, True)])
async def test_the_lines_that_are_left_out_are_fetched(
    shown: int, *, answers: bool
) -> None:
    """One that is gone meanwhile stays as it was shown."""
    application = web.Application()
    if answers:
        application.router.add_get("/v1/invoices/in_1/lines", lines)
    raw = msgspec.json.encode(invoice(shown))
    async with (
        TestServer(application) as server,
        StripeClient(key="sk_test_x", base=str(server.make_url("/"))) as client,
    ):
        found = await whole(client, raw)

    assert msgspec.json.decode(found) == invoice(237 if answers else shown)
    assert is_cut(found) is not answers
