"""The description of all that one address serves: held against routes and real answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import schemathesis
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, given, settings
from jsonschema_rs import Draft202012Validator
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from doors import SECRET, event, settings_of, signed
from ledger.clock import utc_now
from ledger.database import Role
from ledger.postgres import PostgresLog
from ledger.tokens import Scope, mint
from projections.api.app import Api
from projections.openapi.document import document
from projections.openapi.operations import OPERATIONS as READING
from projections.projector import process
from projections.reading import Reader
from replay.serving import application
from webhooks.app import Door
from webhooks.hosted import Hosted
from webhooks.hosted_routes import opened
from webhooks.operations import OPERATIONS

KEY: Final = b"0123456789abcdef"
CHECKS: Final = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
SEATS: Final = "/v1/accounts/{account}/"


def all_of(client: TestClient[Any, Any]) -> web.Application:
    server = client.server
    assert isinstance(server, TestServer)
    return server.app


@pytest.fixture
async def client(ledger_database18: str) -> AsyncIterator[TestClient[Any, Any]]:
    settings_ = settings_of()
    door, hosted = Door(settings_), Hosted(settings_)
    door.token_keys.append(KEY)
    token = mint(key=KEY, scopes=list(Scope), account=None, expires_at=None, now=utc_now())
    reader = Reader(ledger_database18)
    await reader.open()
    async with PostgresLog.open(ledger_database18, role=Role.APPENDER) as log:
        api = Api(
            reader=reader,
            log=log,
            ledger_id=log.ledger_id,
            mode=log.mode,
            beside=OPERATIONS,
        )
        door.open(log, names=api.names)
        await process.catch_up(ledger_database18, log)
        async with opened(hosted, log, api):
            headers = {"Authorization": f"Bearer {token}"}
            server = TestServer(application(door, api, hosted))
            async with TestClient(server, headers=headers) as client:
                yield client
    await reader.close()


async def test_every_route_of_a_program_is_described_and_no_other(
    client: TestClient[Any, Any],
) -> None:
    served = {
        (route.method.lower(), route.resource.canonical)
        for route in all_of(client).router.routes()
        if route.resource is not None
        and route.method != "HEAD"
        and not route.resource.canonical.startswith("/billing/")
    }
    described = {(each.method, each.path) for each in (*READING, *OPERATIONS)}

    # A delivery may not be anything but posted, and that is said by the receiver itself.
    assert {(m, p) for m, p in served if m != "*"} | {("post", "/webhooks/stripe")} == (
        described
    )
    names = [each.name for each in (*READING, *OPERATIONS)]
    assert len(set(names)) == len(names)


SENT: Final[list[tuple[str, str, object, int]]] = [
    ("post", "seat-changes", {"user": "u_7", "active": True, "actor": "u_1"}, 201),
    ("post", "seat-changes", {"user": "u_7", "active": True, "actor": "u_1"}, 200),
    ("post", "seat-changes", {"user": "u_8", "active": True}, 422),
    ("post", "seat-changes:batch", [{"user": "u_7", "active": False}], 201),
    (
        "post",
        "seat-changes:batch",
        [{"user": "u_7", "active": False}, {"user": "u_8", "active": True}],
        422,
    ),
    ("put", "seats", {"count": 12}, 201),
    ("post", "link", {"customer": "cus_1"}, 201),
    ("post", "page-sessions", {"admin": "u_1"}, 201),
    ("post", "portal-sessions", {"return_url": "https://x.example", "admin": "u"}, 501),
    (
        "post",
        "checkout-sessions",
        {"price": "p", "success_url": "s", "cancel_url": "c", "admin": "u"},
        501,
    ),
]


async def test_every_answer_to_what_is_sent_is_as_described(
    client: TestClient[Any, Any],
) -> None:
    described = await (await client.get("/v1/openapi.json")).json()
    whole = {"components": described["components"]}

    def faults(path: str, method: str, status: int, body: object) -> list[str]:
        found = described["paths"][path][method]["responses"][str(status)]["content"]
        (schema,) = (each["schema"] for each in found.values())
        validator = Draft202012Validator({**whole, **schema})
        return [each.message for each in validator.iter_errors(body)]

    for method, name, body, status in SENT:
        answer = await client.request(
            method,
            f"/v1/accounts/shop-17/{name}",
            json=body,
            headers={"Idempotency-Key": name},
        )
        told = await answer.json(content_type=None)
        assert (name, answer.status) == (name, status)
        assert faults(SEATS + name, method, status, told) == []
    delivery = event("evt_1")
    answer = await client.post(
        "/webhooks/stripe",
        data=delivery,
        headers={"Stripe-Signature": signed(delivery, secret=SECRET)},
    )
    assert faults("/webhooks/stripe", "post", answer.status, await answer.json()) == []
    for probe in ("/healthz", "/readyz"):
        told = await (await client.get(probe)).json()
        assert faults(probe, "get", 200, told) == []


async def test_A07_A09_what_is_sent_at_random_meets_no_fault_and_nothing_undocumented(
    client: TestClient[Any, Any],
) -> None:
    base = str(client.make_url("/")).rstrip("/")
    schema = schemathesis.openapi.from_dict(document("1", OPERATIONS))
    token = client.session.headers["Authorization"]
    tried: set[str] = set()

    def knock() -> None:
        for found in schema.get_all_operations():
            assert isinstance(found, Ok)
            operation = found.ok()
            if operation.method == "get":
                continue

            @given(case=operation.as_strategy())
            @settings(
                max_examples=10,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            def ask(case: schemathesis.Case[Any]) -> None:
                sent = {"Authorization": token}
                answer = case.call_and_validate(base_url=base, headers=sent, checks=CHECKS)
                assert answer.status_code < 500 or answer.status_code == 501
                tried.add(case.path)

            ask()

    await asyncio.to_thread(knock)
    assert len(tried) == sum(each.method != "get" for each in (*READING, *OPERATIONS))
