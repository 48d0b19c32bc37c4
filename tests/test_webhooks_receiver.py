"""The receiver's contract, row by row, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from doors import PATH, Served, event, exchange, post, served, settings_of, signed
from ledger.errors import UnavailableError
from ledger.events import DeliveryConflicted, Event, StripeEvent, Verdict
from ledger.log import Receipt
from ledger.settings import Secret, WebhookSecret
from ledger.twin import MemoryLog


@pytest.fixture
async def door() -> AsyncIterator[Served]:
    async with served() as door:
        yield door


async def test_a_new_event_is_answered_with_its_position(door: Served) -> None:
    first = await door.deliver(event("evt_1"))
    second = await door.deliver(event("evt_2"))

    assert (first.status, second.status) == (200, 200)
    assert first.headers["Content-Type"] == "application/json"
    assert second.body == b'{"received":true,"position":2,"duplicate":false}'


async def test_what_is_stored_says_who_signed_it_and_when(door: Served) -> None:
    await door.deliver(event())

    (stored,) = [recorded.event for recorded in await door.stored()]
    assert isinstance(stored, StripeEvent)
    assert (stored.event_id, stored.account, stored.stripe_type, stored.livemode) == (
        "evt_1",
        "cus_1",
        "customer.updated",
        False,
    )
    assert stored.endpoint == door.door.receiver.endpoints[0].name
    assert stored.signed_at is not None


async def test_an_event_delivered_again_is_a_duplicate_though_its_retries_count_down(
    door: Served,
) -> None:
    await door.deliver(event(pending_webhooks=2))

    again = await door.deliver(event(pending_webhooks=1))

    assert again.json == {"received": True, "position": 1, "duplicate": True}
    assert len(await door.stored()) == 1


async def test_another_rendering_of_an_event_is_a_duplicate(door: Served) -> None:
    await door.deliver(event())

    again = await door.deliver(
        event(api_version="2020-08-27", data={"object": {"id": "cus_1", "object": "x"}})
    )

    assert again.json["duplicate"] is True
    assert len(await door.stored()) == 1


async def test_O09_other_content_under_the_same_id_is_a_conflict_and_rings_the_alarm(
    door: Served, caplog: pytest.LogCaptureFixture
) -> None:
    other = event(data={"object": {"id": "cus_1", "object": "customer", "balance": 7}})
    await door.deliver(event())

    answers = [await door.deliver(other) for _ in range(3)]

    assert [answer.status for answer in answers] == [200] * 3
    assert answers[0].json == {"received": True, "position": 1, "duplicate": True}
    kept, conflict = [recorded.event for recorded in await door.stored()]
    assert isinstance(kept, StripeEvent)
    assert isinstance(conflict, DeliveryConflicted)
    assert kept.body == event()
    assert (conflict.event_id, conflict.body) == ("evt_1", other)
    assert conflict.kept != conflict.refused
    assert "delivery_conflicted" in caplog.messages
    shown = door.door.metrics.text().decode()
    assert 'ledger_deliveries_total{outcome="conflict"} 3.0' in shown


async def test_a_thin_event_and_an_unknown_type_are_kept(door: Served) -> None:
    thin = event("evt_t", object="v2.core.event", created="2026-11-01T00:00:00.123Z")

    assert (await door.deliver(thin)).status == 200
    assert (await door.deliver(event("evt_u", type="never.heard.of"))).status == 200
    assert door.door.receiver.counts.outcomes.values["accepted"] == 2


async def test_a_connected_account_is_accepted_by_its_own_endpoint_alone() -> None:
    connect, test_only = "whsec_connect", "whsec_test_only"
    settings = settings_of(
        WebhookSecret(secret=Secret(connect), account="acct_1"),
        WebhookSecret(secret=Secret(test_only), livemode=True),
    )
    theirs, ours = event("evt_1", account="acct_1"), event("evt_2")

    async with served(settings) as door:
        for body in (theirs, ours):
            await door.deliver(body, signatures=[signed(body, secret=connect)])
        other = event("evt_3")
        await door.deliver(other, signatures=[signed(other, secret=test_only)])
        events = [recorded.event for recorded in await door.stored()]

    assert [each.verdict for each in events if isinstance(each, StripeEvent)] == [
        Verdict.ACCEPTED,
        Verdict.FOREIGN,
        Verdict.FOREIGN,
    ]


class FailingLog(MemoryLog):
    """A log whose database is away, or does not answer, or has a fault."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self._error = error

    async def append(self, events: Sequence[Event]) -> Sequence[Receipt]:
        if self._error is not None:
            raise self._error
        await asyncio.sleep(60)
        return await super().append(events)


@pytest.mark.parametrize(
    "error", [UnavailableError("gone"), RuntimeError("a fault of ours"), None]
)
async def test_what_is_not_committed_in_time_is_503_and_comes_again(
    error: Exception | None,
) -> None:
    loop = asyncio.get_running_loop()
    async with served(settings_of(deadline_s=0.3), FailingLog(error)) as door:
        started = loop.time()
        answers = await asyncio.gather(
            *(door.deliver(event(f"evt_{number}")) for number in range(20))
        )

        assert {answer.status for answer in answers} == {503}
        assert answers[0].headers["Retry-After"] == "1"
        assert b"fault of ours" not in answers[0].body
        assert loop.time() - started < 2
        assert await door.stored() == []


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", PATH, 405, "POST"),
        ("PUT", PATH, 405, "POST"),
        ("HEAD", PATH, 405, "POST"),
        ("DELETE", "/healthz", 405, "GET, HEAD"),
        ("GET", "/", 404, None),
        ("POST", PATH + "/", 404, None),
        ("POST", "//webhooks/stripe", 404, None),
    ],
)
async def test_another_method_or_path_is_405_or_404_and_never_a_redirect(
    door: Served, method: str, path: str, status: int, allow: str | None
) -> None:
    request = post(b"", method=method, path=path)
    if method == "HEAD":
        answer_head = await head(door.port, request)
        assert answer_head.startswith(b"HTTP/1.1 405")
        return

    answer = await exchange(door.port, request)

    assert (answer.status, answer.headers.get("Allow")) == (status, allow)
    assert answer.headers["Content-Type"].startswith("application/problem+json")


async def head(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    received = await reader.read()
    writer.close()
    await writer.wait_closed()
    return received


async def test_a_query_does_not_change_the_path(door: Served) -> None:
    body = event()

    assert (await exchange(door.port, post(body, path=PATH + "?endpoint=1"))).status == 200


async def test_requests_in_a_row_on_one_connection_are_answered_in_order(
    door: Served,
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(b"".join(post(event(f"evt_{number}")) for number in range(50)))
    bodies = [
        b'{"received":true,"position":%d,"duplicate":false}' % position
        for position in range(1, 51)
    ]

    async with asyncio.timeout(10):
        for body in bodies:
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(len(body)) == body
    writer.close()
    await writer.wait_closed()


async def test_an_old_client_is_answered_and_its_connection_closed(door: Served) -> None:
    request = post(event()).replace(b"HTTP/1.1", b"HTTP/1.0", 1)

    assert (await head(door.port, request)).endswith(b'"duplicate":false}')


async def test_before_the_log_is_open_every_delivery_is_to_come_again(
    door: Served,
) -> None:
    door.door.receiver.log = None

    assert (await door.deliver(event())).status == 503
