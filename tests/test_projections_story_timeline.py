"""Lists over HTTP: what happened, who held a seat, invoices, the log; a page at a time."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Final

import pytest

from ledger.events import (
    AccountLinked,
    Command,
    DeliveryConflicted,
    Event,
    SeatAssigned,
    SeatReleased,
    SeatsCounted,
    StripeEvent,
    UnknownEvent,
)
from projections.amounts import amount
from projections.story.sentences import sentence
from test_projections_api_app import NOW, Door, command, door, shown

__all__ = ["door"]

ACCOUNT: Final = "/v1/accounts/cus_1"


def seat(name: str, user: str, hours_ago: float, *, active: bool = True) -> Event:
    change = SeatAssigned if active else SeatReleased
    at = NOW - timedelta(hours=hours_ago)
    return change(
        account="shop-17", command=command(name), user=user, actor="u_0", effective_at=at
    )


def invoice(number: int, **fields: object) -> StripeEvent:
    at = NOW - timedelta(days=400 - number)
    body = {
        "id": f"in_{number:03}",
        "object": "invoice",
        "customer": "cus_1",
        "status": "paid",
        "created": int(at.timestamp()),
        "number": f"JT-{number:04}",
        "total": 9200,
        "currency": "usd",
        **fields,
    }
    event = {"id": f"evt_in_{number:03}", "data": {"object": body}}
    return StripeEvent(
        event_id=f"evt_in_{number:03}",
        body=json.dumps(event).encode(),
        account="cus_1",
        object_id=f"in_{number:03}",
        occurred_at=at,
        stripe_type="invoice.paid",
        api_version="2026-02-25.clover",
    )


async def page(door: Door, path: str, scope: str = "read") -> dict[str, Any]:
    answer = await door.get(path, scope=scope)
    assert answer.status == 200, await answer.text()
    body: dict[str, Any] = await answer.json()
    if body["next"] is not None:
        assert f"cursor={body['next']}" in answer.headers["Link"]
        assert answer.headers["Link"].endswith('>; rel="next"')
    return body


async def walk(
    door: Door, path: str, *, scope: str = "read", meanwhile: list[Event] | None = None
) -> list[dict[str, Any]]:
    """Read every page; append one of *meanwhile* between any two."""
    found, cursor, waiting = [], "", list(meanwhile or [])
    while True:
        body = await page(door, f"{path}?limit=2{cursor}", scope)
        assert body["has_more"] is (body["next"] is not None)
        found += body["data"]
        if body["next"] is None:
            return found
        cursor = f"&cursor={body['next']}"
        if waiting:
            await door.append(waiting.pop(0))
            await door.project()


async def test_the_timeline_tells_in_sentences_what_happened_newest_first(
    door: Door,
) -> None:
    await door.append(seat("in", "u_9", 1.5), seat("out", "u_9", 0.5, active=False))
    await door.project()

    body = await page(door, f"{ACCOUNT}/timeline")

    assert [(entry["at"], entry["text"]) for entry in body["data"][:4]] == [
        ("2099-11-01T11:30:00Z", "u_9's seat was freed by u_0"),
        ("2099-11-01T10:30:00Z", "u_9 was given a seat by u_0"),
        ("2099-11-01T10:00:00Z", "Past due: a payment failed · sub_cus_1"),
        ("2099-11-01T09:00:00Z", "All active users were named: u_1, u_2"),
    ]
    assert body["data"][2]["event"] == "evt_2"
    assert body["data"][2]["evidence"] == [2]


async def test_A04_a_walk_neither_repeats_nor_skips_while_appends_go_on(door: Door) -> None:
    await door.append(*(seat(f"s{n}", f"u_{n}", n + 4) for n in range(6)))
    await door.project()
    before = await page(door, f"{ACCOUNT}/timeline?limit=100")
    late = [seat(f"late{n}", f"v_{n}", n + 0.5) for n in range(4)]

    walked = await walk(door, f"{ACCOUNT}/timeline", meanwhile=late)

    ids = [entry["event"] for entry in walked]
    assert len(set(ids)) == len(ids)
    known = {entry["event"] for entry in before["data"]}
    assert [each for each in ids if each in known] == [e["event"] for e in before["data"]]


async def test_the_timeline_keeps_to_both_clocks(door: Door) -> None:
    for question, newest in [
        ("as_of=2099-11-01T09:30:00Z", "All active users were named: u_1, u_2"),
        (
            "as_of=2099-10-30T13:00:00Z",
            "Subscribed to price_1, monthly; Stripe bills 3 seats · sub_cus_1",
        ),
    ]:
        body = await page(door, f"{ACCOUNT}/timeline?{question}")
        assert body["data"][0]["text"] == newest
    known = await page(door, f"{ACCOUNT}/timeline?known_at=1&as_of=2099-12-01T00:00:00Z")
    assert [entry["event"] for entry in known["data"]] == ["evt_1"]


async def test_invoices_come_a_page_at_a_time_newest_first(door: Door) -> None:
    await door.append(*(invoice(number) for number in range(1, 8)))
    await door.project()

    walked = await walk(door, f"{ACCOUNT}/invoices", meanwhile=[invoice(9), invoice(10)])

    assert [each["number"] for each in walked] == [f"JT-{n:04}" for n in range(7, 0, -1)]
    first = walked[0]
    assert (first["total"], first["currency"], first["status"]) == (9200, "usd", "paid")


async def test_B06_who_held_which_seat_when_and_by_whom(door: Door) -> None:
    await door.append(seat("in", "u_9", 1), seat("out", "u_1", 0.5, active=False))
    await door.project()

    then: list[tuple[str, list[tuple[str, str | None, str | None]]]] = [
        ("2099-11-01T08:00:00Z", []),
        ("2099-11-01T09:00:00Z", [("u_1", "2099-11-01T09:00:00Z", None)]),
        ("2099-11-01T11:00:00Z", [("u_1", None, None), ("u_9", None, "u_0")]),
        ("2099-11-01T11:30:00Z", [("u_9", "2099-11-01T11:00:00Z", "u_0")]),
    ]
    for at, users in then:
        body = await (await door.get(f"{ACCOUNT}/seats?at={at}")).json()
        held = {each["user"]: each for each in body["users"] if each["user"] != "u_2"}
        assert list(held) == [user for user, _, _ in users]
        for user, since, by in users:
            assert since in (None, held[user]["since"])
            assert held[user]["by"] == by


async def test_seats_show_figures_users_and_history(door: Door) -> None:
    await door.append(seat("in", "u_9", 1))
    await door.project()

    body = await (await door.get(f"{ACCOUNT}/seats?limit=1")).json()

    assert body["seats"] == (await door.billing("cus_1"))["seats"]
    assert [each["user"] for each in body["users"]] == ["u_1", "u_2", "u_9"]
    step = body["history"]["data"][0]
    assert (step["change"], step["user"], step["by"], step["active"]) == (
        "assigned",
        "u_9",
        "u_0",
        3,
    )
    assert body["history"]["has_more"] is True


async def test_B09_access_is_small_and_says_why_since_when_and_what_comes(
    door: Door,
) -> None:
    end = NOW + timedelta(seconds=1)
    await door.append(shown("evt_end", 0, "active", cancel_at=int(end.timestamp())))
    await door.project()

    answer = await door.get(f"{ACCOUNT}/access")
    body = await answer.json()

    assert body["access"] == {
        "level": "full",
        "reason": None,
        "since": "2099-11-01T12:00:00Z",
        "next_change": {"at": "2099-11-01T12:00:01Z", "level": "none"},
    }
    assert set(body) == {"account", "linked_account", "status", "badge", "access", "meta"}
    # Never kept beyond the change that is known to come.
    assert answer.headers["Cache-Control"] == "private, max-age=1"
    same = await door.get(f"{ACCOUNT}/access", If_None_Match=answer.headers["ETag"])
    assert same.status == 304


async def test_an_answer_about_a_past_state_of_knowledge_may_be_kept_for_good(
    door: Door,
) -> None:
    answers = {}
    for known_at, kept in [("1", True), ("8", True), ("2099-12-01T00:00:00Z", None)]:
        answer = await door.get(f"{ACCOUNT}/billing?known_at={known_at}")
        answers[known_at] = await answer.text()
        if kept is None:
            assert answer.status == 400
        else:
            assert "immutable" in answer.headers["Cache-Control"]
    await door.append(shown("evt_late", 1, "unpaid"))
    await door.project()

    for known_at in ("1", "8"):
        again = await door.get(f"{ACCOUNT}/billing?known_at={known_at}")
        assert await again.text() == answers[known_at]
    assert json.loads(answers["1"])["status"] == "active"
    assert json.loads(answers["1"])["meta"]["position"] == 1


async def test_the_log_is_listed_newest_first_for_auditors(door: Door) -> None:
    walked = await walk(
        door, "/v1/events", scope="audit", meanwhile=[shown("evt_x", 0, "active")]
    )
    assert [each["position"] for each in walked] == list(range(8, 0, -1))
    assert "body" not in walked[0]

    own = await page(door, "/v1/events?account=shop-17", scope="audit")
    assert [each["position"] for each in own["data"]] == [9, 4, 3, 2, 1]
    bound = await door.get("/v1/events", scope="audit", account="cus_2")
    assert [each["position"] for each in (await bound.json())["data"]] == [6]
    other = await door.get("/v1/events?account=cus_1", scope="audit", account="cus_2")
    assert (other.status, (await door.get("/v1/events")).status) == (404, 403)


@pytest.mark.parametrize(
    ("question", "hint"),
    [
        ("limit=0", "from 1 to 100"),
        ("limit=101", "from 1 to 100"),
        ("limit=ten", "from 1 to 100"),
        ("cursor=not-one-of-ours", "cursor"),
        ("cursor=%F0%9F%A7%80", "cursor"),
        ("at=2099-11-01T00:00:00Z", "as_of"),
        ("as_of=9999-12-31T23:59:59Z", "between the years 1970 and 9998"),
        ("known_at=0", "the first is 1"),
        ("known_at=soon", "2026-11-01T00:00:00Z"),
        ("known_at=99999", "future"),
    ],
)
async def test_A07_a_list_refuses_what_it_cannot_read_with_a_hint(
    door: Door, question: str, hint: str
) -> None:
    answer = await door.get(f"{ACCOUNT}/timeline?{question}")

    assert answer.status == 400
    assert hint in (await answer.json())["detail"]


@pytest.mark.parametrize("path", ["access", "invoices", "seats", "timeline"])
async def test_A01_every_path_of_another_account_is_not_there(
    door: Door, path: str
) -> None:
    own = await door.get(f"/v1/accounts/cus_1/{path}", account="shop-17")
    other = await door.get(f"/v1/accounts/cus_1/{path}", account="cus_2")

    assert (own.status, other.status) == (200, 404)


def told(
    kind: str, shown: dict[str, object], before: dict[str, object] | None = None
) -> str:
    data = {"object": shown, **({"previous_attributes": before} if before else {})}
    return sentence(
        StripeEvent(
            event_id="evt_1",
            body=json.dumps({"data": data}).encode(),
            stripe_type=kind,
            object_id=str(shown.get("id", "x_1")),
        )
    )


ITEM: Final = {"id": "si_1", "price": {"id": "price_1"}, "quantity": 5}


@pytest.mark.parametrize(
    ("kind", "shown", "before", "expected"),
    [
        ("created", {"status": "trialing"}, None, "Subscription sub_1 began as trialing"),
        (
            "updated",
            {"status": "past_due"},
            {"status": "active"},
            "Subscription sub_1: status active → past due",
        ),
        (
            "updated",
            {"items": {"data": [ITEM]}},
            {"items": {"data": [{**ITEM, "quantity": 3}]}},
            "Subscription sub_1: quantity of price_1 3 → 5",
        ),
        (
            "updated",
            {"cancel_at_period_end": True},
            {"cancel_at_period_end": False},
            "Subscription sub_1: set to end",
        ),
        (
            "updated",
            {"current_period_end": 9},
            {"current_period_end": 5},
            "Subscription sub_1: a new period began",
        ),
        (
            "updated",
            {"pause_collection": {"behavior": "void"}},
            {"pause_collection": None},
            "Subscription sub_1: collection paused",
        ),
        ("updated", {}, {"metadata": {}}, "Subscription sub_1: metadata changed"),
        (
            "deleted",
            {"cancellation_details": {"reason": "payment_failed"}},
            None,
            "Subscription sub_1 ended: payment failed",
        ),
        ("paused", {}, None, "Subscription sub_1 was paused"),
    ],
)
def test_a_subscriptions_event_is_a_sentence(
    kind: str, shown: dict[str, object], before: dict[str, object] | None, expected: str
) -> None:
    assert (
        told(f"customer.subscription.{kind}", {"id": "sub_1", **shown}, before) == expected
    )


@pytest.mark.parametrize(
    ("kind", "shown", "expected"),
    [
        (
            "invoice.payment_failed",
            {"number": "JT-7", "amount_due": 9200, "currency": "usd", "attempt_count": 2},
            "Invoice JT-7: the payment of USD 92.00 failed (attempt 2)",
        ),
        (
            "invoice.paid",
            {"id": "in_1", "number": None, "amount_paid": 500, "currency": "jpy"},
            "Invoice in_1 is paid: JPY 500",
        ),
        (
            "payment_intent.payment_failed",
            {
                "id": "pi_1",
                "amount": 5,
                "currency": "usd",
                "last_payment_error": {"decline_code": "insufficient_funds"},
            },
            "Payment pi_1 of USD 0.05 failed: insufficient funds",
        ),
        (
            "payment_method.attached",
            {"id": "pm_1", "type": "card", "card": {"last4": "4242"}},
            "Payment method pm_1 (card ending in 4242) was attached",
        ),
        ("customer.tax_id.created", {"id": "txi_1"}, "Tax id txi_1: created"),
        ("a_kind.of_tomorrow", {"id": "x_1"}, "A kind x_1: of tomorrow"),
    ],
)
def test_other_events_of_stripe_are_sentences_too(
    kind: str, shown: dict[str, object], expected: str
) -> None:
    assert told(kind, shown) == expected


def test_events_of_our_own_are_sentences() -> None:
    key = Command(id="cmd:1", fingerprint="")
    many = tuple(f"u_{n}" for n in range(9))
    sentences: list[tuple[Event, str]] = [
        (
            SeatsCounted(account="a", command=key, users=many),
            "All active users were named: u_0, u_1, u_2, u_3, u_4, u_5 and 3 more",
        ),
        (SeatsCounted(account="a", command=key, count=12), "12 users were counted"),
        (
            AccountLinked(account="shop-1", command=key, customer="cus_1"),
            "shop-1 was linked to cus_1",
        ),
        (
            DeliveryConflicted(event_id="evt_1", kept="a", refused="b"),
            "evt_1 came again with other content; the first stays",
        ),
        (
            UnknownEvent(originator_id="x", topic="t"),
            "Something a later release knows of happened",
        ),
    ]
    for event, expected in sentences:
        assert sentence(event) == expected


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data": 3}', b"\xff", b'{"data": {}}'])
def test_what_cannot_be_read_is_still_a_sentence(body: bytes) -> None:
    event = StripeEvent(
        event_id="e", body=body, stripe_type="invoice.paid", object_id="in_1"
    )

    assert sentence(event)


@pytest.mark.parametrize("data", [100, True, "si_1", {"id": "si_1"}, [3, {"id": []}]])
def test_items_that_are_none_are_still_a_sentence(data: object) -> None:
    body = {"data": {"object": {}, "previous_attributes": {"items": {"data": data}}}}
    event = StripeEvent(
        event_id="e",
        body=json.dumps(body).encode(),
        stripe_type="customer.subscription.updated",
        object_id="sub_1",
    )

    assert sentence(event) == "Subscription sub_1: items changed"


def test_amounts_have_the_digits_of_their_currency() -> None:
    for minor, currency, expected in [
        (9200, "usd", "USD 92.00"),
        (-5, "eur", "EUR -0.05"),
        (1200, "jpy", "JPY 1200"),
        (1230, "kwd", "KWD 1.230"),
        (None, "usd", "an amount"),
        (True, "usd", "an amount"),
        (100, None, "1.00"),
    ]:
        assert amount(minor, currency) == expected
