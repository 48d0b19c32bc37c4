"""Whatever goes wrong behind an HTTP door is answered as RFC 9457 says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import ClientSession, web

from ledger.errors import NotFoundError, UnavailableError
from ledger.problems import CLOCK, TOKEN_KEYS, Problem, bad_request, problems, require
from ledger.tokens import Scope, TokenError, mint

KEY = b"a key for tests, long enough"
NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
FAULTS = {
    "problem": Problem(status=409, slug="in-flight", detail="wait", extra={"position": 7}),
    "bad": bad_request("say active", field="active"),
    "missing": NotFoundError("no event 9"),
    "down": UnavailableError("the database is away"),
    "token": TokenError("the token has expired"),
    "bug": KeyError("secret-of-ours"),
}


async def fail(request: web.Request) -> web.Response:
    raise FAULTS[request.match_info["kind"]]


async def guarded(request: web.Request) -> web.Response:
    grant = require(request, Scope.READ)
    return web.json_response({"account": grant.account})


@pytest.fixture
async def door() -> AsyncIterator[str]:
    app = web.Application(middlewares=[problems])
    app[TOKEN_KEYS] = [KEY]
    app[CLOCK] = lambda: NOW
    app.add_routes([web.get("/fail/{kind}", fail), web.get("/guarded", guarded)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.parametrize(
    ("path", "status", "members", "headers"),
    [
        ("/fail/problem", 409, {"detail": "wait", "position": 7}, {}),
        ("/fail/bad", 400, {"detail": "say active", "field": "active"}, {}),
        ("/fail/missing", 404, {"detail": "no event 9"}, {}),
        ("/fail/down", 503, {"detail": "the database is away"}, {"Retry-After": "1"}),
        ("/fail/token", 401, {"detail": "the token has expired"}, {}),
        ("/fail/bug", 500, {"title": "Internal Server Error"}, {}),
        ("/nowhere", 404, {"title": "Not Found"}, {}),
    ],
)
async def test_an_error_is_answered_as_a_problem(
    door: str, path: str, status: int, members: dict[str, object], headers: dict[str, str]
) -> None:
    async with ClientSession() as session, session.get(door + path) as answer:
        body = await answer.json(content_type="application/problem+json")

        assert answer.status == body["status"] == status
        assert members.items() <= body.items()
        assert headers.items() <= answer.headers.items()


async def test_a_wrong_method_says_which_are_allowed(door: str) -> None:
    async with ClientSession() as session, session.delete(door + "/guarded") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET, HEAD"
        assert answer.content_type == "application/problem+json"


async def test_a_fault_of_ours_is_logged_and_its_text_is_not_answered(
    door: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with ClientSession() as session, session.get(door + "/fail/bug") as answer:
        text = await answer.text()

    assert "secret-of-ours" not in text
    assert "Traceback" not in text
    assert [record.message for record in caplog.records] == ["request_failed"]


@pytest.mark.parametrize(
    ("header", "status", "challenge"),
    [
        (None, 401, 'Bearer realm="billing-ledger"'),
        ("Basic abc", 401, 'Bearer realm="billing-ledger"'),
        ("Bearer", 401, 'Bearer realm="billing-ledger"'),
        ("Bearer nonsense", 401, 'error="invalid_token"'),
        ("Bearer {page}", 403, 'error="insufficient_scope", scope="read"'),
        ("Bearer {expired}", 401, 'error="invalid_token"'),
        ("Bearer {read}", 200, None),
        ("bearer {read}", 200, None),
    ],
)
async def test_a_door_opens_to_a_token_with_its_scope(
    door: str, header: str | None, status: int, challenge: str | None
) -> None:
    def token(scope: str, expires_at: datetime | None = None, now: datetime = NOW) -> str:
        return mint(key=KEY, scopes=[scope], account=None, expires_at=expires_at, now=now)

    tokens = {
        "page": token("page"),
        "read": token("read"),
        "expired": token("read", NOW, NOW - timedelta(days=1)),
    }
    headers = {} if header is None else {"Authorization": header.format(**tokens)}

    async with (
        ClientSession(headers=headers) as session,
        session.get(door + "/guarded") as answer,
    ):
        assert answer.status == status
        assert challenge is None or challenge in answer.headers["WWW-Authenticate"]
