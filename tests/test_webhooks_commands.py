"""Seat intake and linking: by token, once per key, and clear about what is wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from doors import TOKEN_KEY, Reply, Served, exchange, post, served
from ledger.events import (
    AccountLinked,
    Event,
    SeatAssigned,
    SeatReleased,
    SeatsCounted,
)
from ledger.log import Receipt
from ledger.tokens import mint
from ledger.twin import MemoryLog

SEAT = {"user": "u_7", "active": True}


@pytest.fixture
async def door() -> AsyncIterator[Served]:
    async with served() as door:
        yield door


def token(scope: str = "seats:write", account: str | None = None) -> str:
    now = datetime.now(UTC)
    return mint(
        key=TOKEN_KEY,
        scopes=[scope],
        account=account,
        expires_at=now + timedelta(hours=1),
        now=now,
    )


async def ask(
    door: Served,
    route: str,
    body: object,
    *,
    key: str | None = "k1",
    account: str = "shop-17",
    bearer: str | None = None,
    headers: Sequence[str] = (),
) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"Authorization: Bearer {token() if bearer is None else bearer}", *headers]
    if key is not None:
        lines.append(f"Idempotency-Key: {key}")
    request = post(
        raw,
        method="PUT" if route == "seats" else "POST",
        path=f"/v1/accounts/{account}/{route}",
        signatures=[],
        headers=lines,
    )
    return await exchange(door.port, request)


async def events(door: Served) -> list[Event]:
    return [recorded.event for recorded in await door.stored()]


async def test_a_change_is_appended_and_answered_with_its_position(door: Served) -> None:
    body = {**SEAT, "actor": "u_1", "effective_at": "2026-11-01T09:00:00+01:00"}

    answer = await ask(door, "seat-changes", body)

    assert answer.status == 201
    assert answer.json == {"position": 1}
    assert answer.headers["Ledger-Position"] == "1"
    (event,) = await events(door)
    assert isinstance(event, SeatAssigned)
    assert (event.account, event.user, event.actor) == ("shop-17", "u_7", "u_1")
    assert event.effective_at == datetime(2026, 11, 1, 8, tzinfo=UTC)


async def test_a_release_a_batch_a_set_a_number_and_a_link_become_their_events(
    door: Served,
) -> None:
    batch = [SEAT, {"user": "u_8", "active": False}]
    for key, route, body in [
        ("a", "seat-changes", {"user": "u_9", "active": False}),
        ("b", "seat-changes:batch", batch),
        ("c", "seats", {"users": ["u_1", "u_7", "u_1"]}),
        ("d", "seats", {"count": 12}),
        ("e", "link", {"customer": "cus_JT01"}),
    ]:
        assert (await ask(door, route, body, key=key)).status == 201

    released, first, second, users, count, link = await events(door)
    assert isinstance(released, SeatReleased)
    assert isinstance(first, SeatAssigned)
    assert isinstance(second, SeatReleased)
    assert [first.command.version, second.command.version] == [1, 2]
    assert isinstance(users, SeatsCounted)
    assert isinstance(count, SeatsCounted)
    assert (users.users, users.count, count.users, count.count) == (
        ("u_1", "u_7"),
        None,
        None,
        12,
    )
    assert isinstance(link, AccountLinked)
    assert (link.account, link.customer) == ("shop-17", "cus_JT01")


async def test_O15_the_same_request_again_is_replayed_and_another_is_refused(
    door: Served,
) -> None:
    first = await ask(door, "seat-changes", SEAT)
    again = await ask(door, "seat-changes", SEAT)
    other = await ask(door, "seat-changes", {**SEAT, "active": False})
    spaced = await ask(door, "seat-changes", json.dumps(SEAT, indent=1).encode())
    elsewhere = await ask(door, "seat-changes", SEAT, account="shop-18")
    route = await ask(door, "seat-changes:batch", [SEAT])

    assert (first.status, again.status) == (201, 200)
    assert again.json == first.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert (other.status, spaced.status) == (422, 422)
    assert (elsewhere.status, route.status) == (201, 201)
    assert len(await door.stored()) == 3


async def test_O15_a_longer_batch_under_a_used_key_is_refused_whole(door: Served) -> None:
    await ask(door, "seat-changes:batch", [SEAT])

    longer = await ask(door, "seat-changes:batch", [SEAT, {**SEAT, "user": "u_8"}])

    assert longer.status == 422
    assert len(await door.stored()) == 1


async def test_O15_a_thousand_at_once_append_one_event(door: Served) -> None:
    answers = await asyncio.gather(*(ask(door, "seat-changes", SEAT) for _ in range(200)))

    assert {answer.status for answer in answers} <= {200, 201, 409}
    assert [answer.status for answer in answers].count(201) == 1
    assert len(await door.stored()) == 1


class SlowLog(MemoryLog):
    """A log that takes its time."""

    async def append_together(self, events: Sequence[Event]) -> Sequence[Receipt]:
        await asyncio.sleep(0.3)
        return await super().append_together(events)


async def test_O15_while_it_is_under_way_the_same_key_is_409() -> None:
    async with served(log=SlowLog()) as door:
        first = asyncio.create_task(ask(door, "seat-changes", SEAT))
        await asyncio.sleep(0.1)
        second = await ask(door, "seat-changes", SEAT)

        assert second.status == 409
        assert second.headers["Retry-After"] == "1"
        assert (await first).status == 201


@pytest.mark.parametrize(
    "keys",
    [
        [],
        ["Idempotency-Key: " + "k" * 256],
        ["Idempotency-Key: é"],
        ["Idempotency-Key:"],
        ["Idempotency-Key: a", "Idempotency-Key: b"],
    ],
)
async def test_a_key_that_is_missing_or_unreadable_is_400(
    door: Served, keys: list[str]
) -> None:
    answer = await ask(door, "seat-changes", SEAT, key=None, headers=keys)

    assert answer.status == 400
    assert "Idempotency-Key" in str(answer.json["detail"])


@pytest.mark.parametrize(
    ("route", "body", "named"),
    [
        ("seat-changes", b"", "not JSON"),
        ("seat-changes", b"{", "not JSON"),
        ("seat-changes", b'{"user": "u", "user": "v", "active": true}', "user"),
        ("seat-changes", [SEAT], "object"),
        ("seat-changes", {"user": "u_7"}, "active"),
        ("seat-changes", {"active": True}, "user"),
        ("seat-changes", {**SEAT, "active": 1}, "$.active"),
        ("seat-changes", {**SEAT, "active": "true"}, "$.active"),
        ("seat-changes", {**SEAT, "activ": True}, "activ"),
        ("seat-changes", {**SEAT, "user": ""}, "user"),
        ("seat-changes", {**SEAT, "user": "u" * 256}, "user"),
        ("seat-changes", {**SEAT, "user": "a\u0000b"}, "user"),
        ("seat-changes", {**SEAT, "user": "a\u202eb"}, "user"),
        ("seat-changes", {**SEAT, "user": 7}, "$.user"),
        ("seat-changes", {**SEAT, "actor": "\n"}, "actor"),
        ("seat-changes", {**SEAT, "effective_at": "2026-11-01T09:00:00"}, "$.effective_at"),
        ("seat-changes", {**SEAT, "effective_at": "yesterday"}, "$.effective_at"),
        ("seat-changes", {**SEAT, "effective_at": 7}, "$.effective_at"),
        (
            "seat-changes",
            {**SEAT, "effective_at": "0001-01-01T00:00:00+23:59"},
            "effective_at",
        ),
        ("seat-changes:batch", [], "batch"),
        ("seat-changes:batch", SEAT, "array"),
        ("seat-changes:batch", [SEAT, {"user": "u"}], "[1]"),
        ("seat-changes:batch", [SEAT] * 1001, "batch"),
        ("seats", {}, "users or count"),
        ("seats", {"users": ["u"], "count": 1}, "users or count"),
        ("seats", {"count": -1}, "$.count"),
        ("seats", {"count": True}, "$.count"),
        ("seats", {"count": 1.5}, "$.count"),
        ("seats", {"count": 10**30}, "$.count"),
        ("seats", {"users": [""]}, "user"),
        ("link", {"customer": "shop-18"}, "customer"),
        ("link", {"customer": "cus_"}, "customer"),
        ("link", {}, "customer"),
    ],
)
async def test_a_body_that_is_wrong_is_400_and_names_the_field(
    door: Served, route: str, body: object, named: str
) -> None:
    answer = await ask(door, route, body)

    assert answer.status == 400
    assert named in str(answer.json["detail"])
    assert await door.stored() == []


async def test_an_account_that_is_a_customer_is_not_linked(door: Served) -> None:
    answer = await ask(door, "link", {"customer": "cus_2"}, account="cus_1")

    assert answer.status == 400
    assert (await ask(door, "seat-changes", SEAT, account="cus_1")).status == 201


@pytest.mark.parametrize(
    ("bearer", "route", "body", "status"),
    [
        ("", "seat-changes", SEAT, 401),
        ("bl_no.no", "seat-changes", SEAT, 401),
        (token("read"), "seat-changes", SEAT, 403),
        (token(account="shop-17"), "seat-changes", SEAT, 201),
        (token(account="shop-18"), "seat-changes", SEAT, 404),
        (token(account="shop-18"), "link", {"customer": "cus_1"}, 404),
        (token(account="shop-17"), "link", {"customer": "cus_1"}, 404),
    ],
)
async def test_a_token_opens_what_it_is_for(
    door: Served, bearer: str, route: str, body: object, status: int
) -> None:
    assert (await ask(door, route, body, bearer=bearer)).status == status
    assert len(await door.stored()) == (status == 201)


async def test_a_token_of_a_linked_account_opens_it_by_either_name(door: Served) -> None:
    async def names(account: str) -> frozenset[str]:
        linked = frozenset({"shop-17", "cus_1"})
        return linked if account in linked else frozenset({account})

    door.door.intake.names = names
    bearer = token(account="cus_1")
    own = await ask(door, "seat-changes", SEAT, bearer=bearer, account="shop-17")
    other = await ask(door, "seat-changes", SEAT, bearer=bearer, account="shop-18")

    assert (own.status, other.status) == (201, 404)


async def test_a_used_key_with_a_body_that_cannot_be_read_is_422(door: Served) -> None:
    assert (await ask(door, "seat-changes", SEAT)).status == 201
    for body in (b"{", {"user": "u_7"}):
        assert (await ask(door, "seat-changes", body)).status == 422
        assert (await ask(door, "seat-changes", body, key="new")).status == 400


async def test_a_query_is_refused_where_the_body_says_everything(door: Served) -> None:
    answer = await ask(door, "seat-changes?dry=1", SEAT)

    assert (answer.status, answer.json["parameter"]) == (400, "dry")
    assert not await door.stored()


@pytest.mark.parametrize("account", ["a%00b", "a%0ab", "x" * 256])
async def test_an_account_that_cannot_be_printed_is_400(door: Served, account: str) -> None:
    assert (await ask(door, "seat-changes", SEAT, account=account)).status == 400


async def test_a_large_or_encoded_body_is_refused_as_at_the_receiver(door: Served) -> None:
    large = await ask(door, "seat-changes", b" " * (1024 * 1024 + 1))
    encoded = await ask(door, "seat-changes", SEAT, headers=["Content-Encoding: gzip"])

    assert (large.status, encoded.status) == (413, 415)


async def test_before_the_log_is_open_a_request_is_to_come_again(door: Served) -> None:
    door.door.intake.log = None

    answer = await ask(door, "seat-changes", SEAT)

    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
