"""The description of the read API: what is answered is what it says, and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import pytest
import schemathesis
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, given, settings
from jsonschema_rs import Draft202012Validator
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from ledger.database import Role
from ledger.envelope import stripe_event
from ledger.events import AccountLinked, Command, Event, SeatsCounted
from ledger.postgres import PostgresLog
from ledger.tokens import Scope, mint
from projections.api import app as read_api
from projections.api.app import Api, application
from projections.openapi.document import document
from projections.openapi.operations import OPERATIONS
from projections.projector import process
from projections.reading import Reader
from replay.simulator.occurrences import StripeOccurrence
from replay.simulator.simulation import simulate

KEY: Final = b"0123456789abcdef"
START: Final = datetime(2025, 1, 1, tzinfo=UTC)
CHECKS: Final = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
QUESTIONS: Final = ["", "?known_at=300", "?as_of=2025-03-01T00:00:00Z"]


def no_float(digits: str) -> None:
    pytest.fail(f"{digits} is no whole number")


def closed(schema: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Return *schema* with every object that names its members allowed no other."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: closed(each) for name, each in schema.items()}
    if isinstance(schema.get("properties"), dict):
        made["additionalProperties"] = False
    return made


def happened() -> list[Event]:
    told: list[Event] = [
        stripe_event(each.body, ledger_livemode=False)
        for each in simulate(seed=9, accounts=12, months=6, start=START)
        if isinstance(each, StripeOccurrence)
    ]
    customer = next(each.account for each in told if (each.account or "")[:4] == "cus_")
    link = Command(id="cmd:link", fingerprint="")
    count = Command(id="cmd:count", fingerprint="")
    return [
        *told,
        AccountLinked(account="shop-1", command=link, customer=customer or ""),
        SeatsCounted(account="shop-1", command=count, users=("u_1", "u_2")),
    ]


@pytest.fixture
async def client(ledger_database18: str) -> AsyncIterator[TestClient[Any, Any]]:
    async with PostgresLog.open(ledger_database18, role=Role.APPENDER) as log:
        await log.append(happened())
        await process.catch_up(ledger_database18, log)
        reader = Reader(ledger_database18)
        await reader.open()
        api = Api(reader=reader, log=log, ledger_id=log.ledger_id, mode=log.mode)
        token = mint(key=KEY, scopes=list(Scope), account=None, expires_at=None, now=START)
        headers = {"Authorization": f"Bearer {token}"}
        server = TestServer(application(api, [KEY]))
        async with TestClient(server, headers=headers) as client:
            yield client
        await reader.close()


def test_every_route_stands_in_the_description_and_no_other() -> None:
    routes = read_api.routes(Api(reader=None, log=None, ledger_id="x", mode="test"))  # type: ignore[arg-type]
    served = {
        (each.method.lower(), each.path) for each in routes if each.path[:4] == "/v1/"
    }

    assert served == {(each.method, each.path) for each in OPERATIONS}
    assert len({each.name for each in OPERATIONS}) == len(OPERATIONS)


def asked(accounts: list[str]) -> Iterator[tuple[str, str]]:
    for each in OPERATIONS:
        if each.method != "get":
            continue
        path = each.path.replace("{start}", "current").replace("{event}", "1")
        if "{account}" not in path:
            yield each.name, path
            continue
        for account in accounts:
            yield from (
                (each.name, path.replace("{account}", account) + question)
                for question in QUESTIONS
            )


async def test_A06_every_answer_is_what_its_schema_says_and_no_amount_is_a_float(
    client: TestClient[Any, Any],
) -> None:
    described = await (await client.get("/v1/openapi.json")).json()
    by_name = {
        operation["get"]["operationId"]: operation["get"]["responses"]["200"]["content"]
        for operation in described["paths"].values()
        if "get" in operation
    }
    whole = closed({"components": described["components"]})
    validators = {
        name: Draft202012Validator(
            {**whole, **closed(content["application/json"]["schema"])}
        )
        for name, content in by_name.items()
        if "application/json" in content
    }
    events = await (await client.get("/v1/events?limit=100")).json()
    accounts = {each["account"] for each in events["data"]} - {None}
    answered: set[str] = set()

    for name, path in asked(sorted(each for each in accounts if ":" not in each)[:8]):
        answer = await client.get(
            path
            + ("&" if "?" in path else "?") * (name == "explain")
            + "figure=total" * (name == "explain")
        )
        if answer.status == 404 or name not in validators:
            continue
        text = await answer.text()
        assert answer.status == 200, (path, text)
        body = json.loads(text, parse_float=no_float)
        faults = list(validators[name].iter_errors(body))
        assert faults == [], (
            path,
            [(f.instance_path, f.message[:200]) for f in faults[:3]],
        )
        answered.add(name)

    assert answered == set(validators)


async def test_A07_A09_schemathesis_finds_no_fault_and_nothing_undocumented(
    client: TestClient[Any, Any],
) -> None:
    """No 5xx, no status, media type or body but those that the description names."""
    base = str(client.make_url("/")).rstrip("/")
    schema = schemathesis.openapi.from_dict(document("1"))
    token = client.session.headers["Authorization"]
    sent = {"Authorization": token, "Prefer": "wait=0"}
    tried = 0

    def knock() -> None:
        nonlocal tried
        for found in schema.get_all_operations():
            assert isinstance(found, Ok)
            operation = found.ok()

            @given(case=operation.as_strategy())
            @settings(
                max_examples=6,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            def ask(case: schemathesis.Case[Any]) -> None:
                nonlocal tried
                answer = case.call_and_validate(base_url=base, headers=sent, checks=CHECKS)
                # What lies beyond the log is not there yet, which is no fault.
                waits = "at_least" in case.query
                assert answer.status_code < 500 or (answer.status_code == 503 and waits)
                tried += 1

            ask()

    await asyncio.to_thread(knock)
    assert tried > len(OPERATIONS) * 3
