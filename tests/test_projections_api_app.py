"""The read API, asked over HTTP as the product and the auditors ask it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import attrs
import psycopg
import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from ledger.checkpoint import Checkpoint
from ledger.database import Role, connect
from ledger.events import (
    AccountLinked,
    Command,
    Event,
    SeatReleased,
    SeatsCounted,
    StripeEvent,
    Verdict,
)
from ledger.postgres import PostgresLog
from ledger.tokens import mint
from projections.api.app import Api, application
from projections.book_report import PARTS
from projections.everyone import everyone
from projections.models.registry import PROJECTIONS
from projections.models.subscriptions import SUBSCRIPTIONS
from projections.projector import process
from projections.reading import Reader

NOW: Final = datetime(2099, 11, 1, 12, tzinfo=UTC)
KEY: Final = b"0123456789abcdef"


def shown(
    name: str, hours_ago: int, status: str, account: str = "cus_1", **fields: object
) -> StripeEvent:
    at = NOW - timedelta(hours=hours_ago)
    item = {
        "id": "si_1",
        "quantity": 3,
        "price": {"id": "price_1", "recurring": {"interval": "month"}},
        "current_period_start": int(NOW.timestamp()),
        "current_period_end": int((NOW + timedelta(days=30)).timestamp()),
    }
    subscription = {
        "status": status,
        "currency": "usd",
        "items": {"data": [item]},
        **fields,
    }
    body = {"id": name, "ratio": 1.10, "data": {"object": subscription}}
    return StripeEvent(
        event_id=name,
        body=json.dumps(body).encode(),
        account=account,
        object_id=f"sub_{account}",
        occurred_at=at,
        stripe_type="customer.subscription.updated",
    )


def command(name: str) -> Command:
    return Command(id=f"cmd:{name}", fingerprint="")


HISTORY: Final[list[Event]] = [
    shown("evt_1", 48, "active"),
    shown("evt_2", 2, "past_due"),
    SeatsCounted(
        account="shop-17",
        command=command("count"),
        users=("u_1", "u_2"),
        effective_at=NOW - timedelta(hours=3),
    ),
    AccountLinked(account="shop-17", command=command("link"), customer="cus_1"),
    SeatsCounted(account="shop-99", command=command("loose"), count=4),
    shown("evt_3", 1, "trialing", account="cus_2"),
    StripeEvent(event_id="body:1", body=b"\xff\x00 no JSON", verdict=Verdict.QUARANTINED),
    StripeEvent(
        event_id="evt_4",
        body=b'{"id": "evt_4"}',
        account="cus_3",
        stripe_type="account.updated",
    ),
]


@attrs.define
class Door:
    """The API with its log, and a clock that stands until it is moved."""

    client: TestClient[Any, Any]
    log: PostgresLog
    conninfo: str
    now: datetime = NOW

    async def append(self, *events: Event) -> int:
        receipts = await self.log.append(events)
        return receipts[-1].position

    async def project(self) -> None:
        await process.catch_up(self.conninfo, self.log)

    async def get(
        self,
        path: str,
        scope: str = "read",
        account: str | None = None,
        method: str = "GET",
        **headers: str,
    ) -> ClientResponse:
        token = mint(key=KEY, scopes=[scope], account=account, expires_at=None, now=NOW)
        sent = {"Authorization": f"Bearer {token}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(method, path, headers=sent)

    async def stop(self) -> None:
        """Stop as a process does that was told to."""
        await self.client.server.close()

    async def billing(self, account: str, question: str = "") -> dict[str, Any]:
        answer = await self.get(f"/v1/accounts/{account}/billing{question}")
        assert answer.status == 200, await answer.text()
        body: dict[str, Any] = await answer.json()
        return body


@pytest.fixture
async def door(ledger_database18: str) -> AsyncIterator[Door]:
    async with PostgresLog.open(ledger_database18, role=Role.APPENDER) as log:
        reader = Reader(ledger_database18)
        await reader.open()
        found: list[Door] = []
        api = Api(
            reader=reader,
            log=log,
            ledger_id=log.ledger_id,
            mode=log.mode,
            clock=lambda: found[0].now,
        )
        async with TestClient(TestServer(application(api, [KEY]))) as client:
            found.append(Door(client, log, ledger_database18))
            await log.append(HISTORY)
            await found[0].project()
            yield found[0]
        await reader.close()


async def test_billing_has_every_field_of_the_contract(door: Door) -> None:
    body = await door.billing("cus_1")

    meta = body.pop("meta")
    assert body == {
        "account": "cus_1",
        "linked_account": "shop-17",
        "currency": "usd",
        "status": "past_due",
        "badge": {"text": "Past due", "tone": "warning"},
        "access": {
            "level": "full",
            "reason": "payment_failed",
            "since": "2099-11-01T10:00:00Z",
            "next_change": None,
        },
        "subscription": {
            "id": "sub_cus_1",
            "status": "past_due",
            "plan": "price_1",
            "interval": "month",
            "current_period": {
                "start": "2099-11-01T12:00:00Z",
                "end": "2099-12-01T12:00:00Z",
                "estimate": False,
            },
            "cancel_at_period_end": False,
            "cancel_at": None,
            "canceled_at": None,
            "ended_at": None,
            "trial_end": None,
            "pause": None,
            "next_charge": None,
            "scheduled_changes": [],
            "items": [{"id": "si_1", "price": "price_1", "quantity": 3}],
        },
        "subscriptions": [{"id": "sub_cus_1", "status": "past_due", "primary": True}],
        "seats": {
            "included": 0,
            "active": 2,
            "billed": 2,
            "extra": 2,
            "freed_next_cycle": 0,
            "wanted": 2,
            "stripe_quantity": 3,
            "drift": -1,
            "source": "product",
            "terms": "inferred",
        },
        "period_total": {
            "subscription": "sub_cus_1",
            "period": {"start": "2099-11-01T12:00:00Z", "end": "2099-12-01T12:00:00Z"},
            "currency": "usd",
            **dict.fromkeys(("base", "seats", "other", "discount", "tax"), 0),
            **dict.fromkeys(("tax_included", "total", "credited"), 0),
            "estimate": False,
            "lines": [],
        },
        "dunning": None,
        "invoices": [],
        "payment_methods": [],
        "billing_contact": None,
        "tax_ids": [],
        "tax_exempt": None,
        "notices": [],
        "findings": [
            {
                "code": "price_unknown",
                "severity": "warning",
                "message": "price_1 of sub_cus_1: its amount is in no event so far; bl "
                "import asks Stripe for it",
                "evidence": body["findings"][0]["evidence"],
            }
        ],
    }
    assert meta == {
        "position": 8,
        "as_of": "2099-11-01T12:00:00Z",
        "known_at": None,
        "lag_ms": 0,
        "replica_lag_ms": None,
        "reconciled_at": None,
        "wrongful_pauses": [],
        "stale": False,
    }


async def test_a_linked_account_answers_by_either_name(door: Door) -> None:
    by_product = await door.billing("shop-17")

    assert by_product == await door.billing("cus_1")


async def test_an_unlinked_account_of_the_product_stands_alone(door: Door) -> None:
    body = await door.billing("shop-99")

    assert (body["account"], body["linked_account"]) == ("shop-99", None)
    assert (body["status"], body["access"]["level"]) == ("none", "none")
    assert body["seats"]["active"] == 4
    assert [each["code"] for each in body["findings"]] == ["unlinked"]


async def test_a_moved_link_takes_its_seats_along(door: Door) -> None:
    await door.append(
        AccountLinked(account="shop-17", command=command("moved"), customer="cus_2")
    )
    await door.project()

    assert (await door.billing("cus_1"))["linked_account"] is None
    moved = await door.billing("cus_2")
    assert (moved["linked_account"], moved["seats"]["active"]) == ("shop-17", 2)


async def test_a_customer_without_any_subscription_is_none_and_empty(door: Door) -> None:
    body = await door.billing("cus_3")

    assert (body["status"], body["badge"], body["subscription"]) == ("none", None, None)
    assert (body["seats"], body["subscriptions"]) == (None, [])


async def test_A01_no_token_or_anothers_account_gives_nothing_away(door: Door) -> None:
    bare = await door.client.get("/v1/accounts/cus_1/billing")
    assert bare.status == 401

    answers = [
        await door.get(f"/v1/accounts/{account}/billing", account="cus_2")
        for account in ("cus_1", "cus_nobody", "shop-17", "%00", "%ff", "x" * 300)
    ]
    assert [answer.status for answer in answers] == [404] * 6
    assert len({await answer.text() for answer in answers}) == 1
    wrong_scope = await door.get("/v1/accounts/cus_1/billing", scope="audit")
    assert wrong_scope.status == 403
    for account in ("cus_1", "shop-17"):
        own = await door.get("/v1/accounts/cus_1/billing", account=account)
        assert own.status == 200


async def test_A02_at_least_waits_and_then_says_where_it_is(door: Door) -> None:
    position = await door.append(shown("evt_5", 0, "active"))
    path = f"/v1/accounts/cus_1/billing?at_least={position}"

    refused = await door.get(path, Prefer="wait=0")
    asked = asyncio.create_task(door.get(path, Prefer="wait=5"))
    await asyncio.sleep(0.05)
    await door.project()
    answer = await asked

    assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
    assert (await refused.json())["current"] == position - 1
    assert answer.status == 200
    assert (await answer.json())["status"] == "active"
    assert answer.headers["Ledger-Position"] == str(position)


async def test_A03_an_etag_changes_when_anything_but_meta_does(door: Door) -> None:
    path = "/v1/accounts/cus_1/billing"
    first = await door.get(path)
    await door.append(shown("evt_other", 0, "unpaid", account="cus_2"))
    await door.project()
    door.now += timedelta(minutes=5)

    same = await door.get(path, If_None_Match=first.headers["ETag"])
    await door.append(shown("evt_6", 0, "active"))
    await door.project()
    changed = await door.get(path, If_None_Match=first.headers["ETag"])

    assert (same.status, await same.read()) == (304, b"")
    assert same.headers["ETag"] == first.headers["ETag"]
    assert changed.status == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


async def test_A03_an_etag_changes_when_a_date_passes(door: Door) -> None:
    soon = NOW + timedelta(minutes=10)
    await door.append(
        SeatReleased(
            account="cus_1", command=command("soon"), user="u_1", effective_at=soon
        )
    )
    await door.project()
    before = await door.get("/v1/accounts/cus_1/billing")
    door.now = soon
    after = await door.get(
        "/v1/accounts/cus_1/billing", If_None_Match=before.headers["ETag"]
    )

    assert (await before.json())["seats"]["active"] == 2
    assert (await after.json())["seats"]["active"] == 1


@pytest.mark.parametrize(
    ("moment", "status", "active"),
    [
        ("2099-11-01T12:00:00Z", "past_due", 2),
        ("2099-11-01T11:00:00+02:00", "active", 2),
        ("2099-11-01T08:59:59.5Z", "active", None),
        ("2099-10-01T00:00:00Z", "none", 0),
        ("2100-01-01T00:00:00Z", "past_due", 2),
    ],
)
async def test_A05_as_of_tells_what_was_true_then(
    door: Door, moment: str, status: str, active: int | None
) -> None:
    body = await door.billing("cus_1", f"?as_of={moment}")

    assert body["status"] == status
    seats = body["seats"]
    assert (seats["active"] if seats else 0) == active


@pytest.mark.parametrize(
    ("question", "hint"),
    [
        ("asof=2099-11-01T00:00:00Z", "as_of"),
        ("limit=3", "as_of, at_least"),
        ("as_of=yesterday", "2026-11-01T00:00:00Z"),
        ("as_of=2099-11-01", "2026-11-01T00:00:00Z"),
        ("as_of=2099-02-30T00:00:00Z", "calendar"),
        ("as_of=0001-01-01T00:00:00%2B14:00", "calendar"),
        ("at_least=-1", "position"),
        ("at_least=1e3", "position"),
        ("at_least=1&at_least=2", "twice"),
    ],
)
async def test_A07_a_question_that_cannot_be_read_is_a_400_with_a_hint(
    door: Door, question: str, hint: str
) -> None:
    answer = await door.get(f"/v1/accounts/cus_1/billing?{question}")

    assert answer.status == 400
    assert answer.content_type == "application/problem+json"
    assert hint in (await answer.json())["detail"]


async def test_A09_errors_are_problems_without_traces(door: Door) -> None:
    for path, status in [("/nowhere", 404), ("/v1/accounts/cus_1/billing/x", 404)]:
        answer = await door.get(path)
        assert (answer.status, answer.content_type) == (status, "application/problem+json")
    posted = await door.client.post("/v1/status")
    assert (posted.status, posted.content_type) == (405, "application/problem+json")


async def test_an_event_is_shown_whole_with_its_digest(door: Door) -> None:
    stored = HISTORY[0]
    assert isinstance(stored, StripeEvent)

    answer = await door.get("/v1/events/evt_1", scope="audit")
    text = await answer.text()
    by_position = await door.get("/v1/events/1", scope="audit")

    assert text == await by_position.text()
    assert '"ratio": 1.1,' in text
    body = json.loads(text)
    assert body["body"] == json.loads(stored.body)
    assert body["sha256"] == hashlib.sha256(stored.body).hexdigest()
    assert (body["position"], body["account"], body["verdict"]) == (1, "cus_1", "accepted")
    assert body["type"] == "customer.subscription.updated"


async def test_a_body_that_is_no_json_is_shown_in_base64(door: Door) -> None:
    body = await (await door.get("/v1/events/body:1", scope="audit")).json()

    assert body["body_encoding"] == "base64"
    assert base64.b64decode(body["body"]) == b"\xff\x00 no JSON"


async def test_an_event_of_our_own_shows_what_the_product_said(door: Door) -> None:
    body = await (await door.get("/v1/events/3", scope="audit")).json()

    assert (body["topic"], body["body"]["users"]) == ("seats_counted", ["u_1", "u_2"])


async def test_events_need_scope_audit_and_stay_within_the_tokens_account(
    door: Door,
) -> None:
    expected = {"evt_1": 200, "3": 200, "evt_3": 404, "body:1": 404, "999": 404}
    for name, status in expected.items():
        answer = await door.get(f"/v1/events/{name}", scope="audit", account="cus_1")
        assert (name, answer.status) == (name, status)
    assert (await door.get("/v1/events/evt_1")).status == 403


async def test_status_tells_how_far_everything_is(door: Door) -> None:
    await door.append(shown("evt_7", 0, "active"))

    body = await (await door.get("/v1/status")).json()

    assert (body["position"], body["lag"], body["mode"]) == (9, 1, "test")
    assert body["ledger"] == door.log.ledger_id
    assert [each["name"] for each in body["projections"]] == [
        each.name for each in PROJECTIONS
    ]
    assert body["projections"][0] == {
        "name": "subscriptions",
        "version": SUBSCRIPTIONS.version,
        "position": 8,
        "lag": 1,
        "parked": 0,
    }
    assert body["untranslated"] == {"account.updated": 1}
    assert body["waiting"] == 0
    assert (await door.get("/v1/status", account="cus_1")).status == 404


async def test_checkpoint_is_the_end_of_the_log_as_bl_verify_reads_it(door: Door) -> None:
    body = await (await door.get("/v1/checkpoint", "audit")).json()

    head = await door.log.head()
    taken = Checkpoint.parse(body["checkpoint"])
    assert (taken.ledger_id, taken.position, taken.hash) == (
        head.ledger_id,
        head.position,
        head.hash,
    )
    assert (body["position"], body["hash"]) == (head.position, head.hash.hex())
    assert (await door.get("/v1/checkpoint")).status == 403
    assert (await door.get("/v1/checkpoint", "audit", "cus_1")).status == 404


async def test_a_parked_account_answers_with_the_last_known_marked_stale(
    door: Door,
) -> None:
    async with await connect(door.conninfo, Role.PROJECTOR) as connection:
        await connection.execute(
            "INSERT INTO read_models.parked (projection, generation, account, position, "
            "error, message) VALUES ('subscriptions', 1, 'cus_1', 2, 'E', 'm')"
        )

    assert (await door.billing("shop-17"))["meta"]["stale"] is True
    assert (await door.billing("cus_2"))["meta"]["stale"] is False


async def test_P05_a_rebuild_goes_unnoticed_by_who_reads_meanwhile(door: Door) -> None:
    before = [await door.billing("cus_1") for _ in range(8)]
    rebuilding = asyncio.create_task(_rebuild_all(door))
    during = []
    while not rebuilding.done():
        during.append(await door.billing("cus_1"))
    await rebuilding

    after = [await door.billing("cus_1") for _ in range(8)]

    assert all(body == before[0] for body in [*before, *during, *after])


async def _rebuild_all(door: Door) -> None:
    for each in PROJECTIONS:
        await process.rebuild(door.conninfo, door.log, each)


async def test_a_lag_is_told_in_milliseconds(door: Door) -> None:
    await door.append(shown("evt_8", 0, "active", account="cus_2"))
    door.now = datetime.now(UTC) + timedelta(seconds=7)

    meta = (await door.billing("cus_1"))["meta"]

    assert 7000 <= meta["lag_ms"] < 60_000


async def test_a_database_that_is_away_is_a_503(door: Door) -> None:
    async with await connect(door.conninfo, Role.PROJECTOR) as connection:
        await connection.execute("ALTER TABLE read_models.bookmarks RENAME TO away")

    answer = await door.get("/v1/accounts/cus_1/billing")

    assert (answer.status, answer.content_type) == (503, "application/problem+json")
    assert "Retry-After" in answer.headers


LEDGER_WIDE: Final = (
    ("/v1/events", "audit"),
    ("/v1/events?after=2", "audit"),
    ("/v1/events/3", "audit"),
    ("/v1/movements", "read"),
    ("/v1/status", "read"),
)


@pytest.mark.parametrize(("path", "scope"), LEDGER_WIDE)
async def test_what_is_no_accounts_has_a_tag_and_a_position_and_waits_as_well(
    door: Door, path: str, scope: str
) -> None:
    first = await door.get(path, scope)
    again = await door.get(path, scope, If_None_Match=first.headers["ETag"])
    and_then = "&" if "?" in path else "?"
    covered = await door.get(f"{path}{and_then}at_least=8", scope)
    beyond = await door.get(f"{path}{and_then}at_least=9", scope, Prefer="wait=0")

    assert (first.status, again.status, await again.read()) == (200, 304, b"")
    assert first.headers["Ledger-Position"] == ("3" if path.endswith("/3") else "8")
    assert (covered.status, beyond.status) == (200, 503)
    assert (await beyond.json())["current"] == 8
    assert beyond.headers["Retry-After"] == "1"


async def test_events_of_an_account_that_nobody_knows_are_404(door: Door) -> None:
    unknown = await door.get("/v1/events?account=cus_nobody", "audit")
    event = await door.get("/v1/events/evt_nobody", "audit")

    assert (unknown.status, event.status) == (404, 404)
    assert (await unknown.json())["detail"] == "there is no such account"
    assert (await event.json())["detail"] == "there is no such event"


async def test_a_wrong_method_or_address_says_what_there_is(door: Door) -> None:
    posted = await door.get("/v1/status", method="POST")
    lost = await door.get("/v2/status")

    assert (posted.status, posted.headers["Allow"]) == (405, "GET, HEAD")
    assert (await posted.json())["detail"] == "this address takes GET, HEAD"
    assert (lost.status, (await lost.json())["status"]) == (404, 404)
    assert "/v1/openapi.json" in (await lost.json())["detail"]


async def test_others_are_served_while_all_customers_are_gone_through(door: Door) -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    waiting = asyncio.create_task(others())
    reader = Reader(door.conninfo)
    await reader.open()
    seen = [turns async for _ in everyone(reader, PARTS)]
    waiting.cancel()
    await reader.close()

    assert len(seen) >= 2
    assert all(later > before for before, later in pairwise(seen))


async def test_a_connection_that_was_cut_a_moment_ago_costs_no_answer(door: Door) -> None:
    path = "/v1/accounts/cus_1/billing?as_of=2099-11-02T00:00:00Z"
    for _ in range(3):
        assert (await door.get(path)).status == 200
        async with await psycopg.AsyncConnection.connect(door.conninfo) as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() "
                "AND application_name SIMILAR TO '%(projector|reader)%'"
            )
        assert (await door.get(path)).status == 200
