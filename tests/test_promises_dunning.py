"""The promises about what is not paid, through the doors: deliveries in, read API out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from doors import TOKEN_KEY
from ledger.tokens import mint
from shop import CUSTOMER, TODAY, Shop, day, moment, opened, seconds, subscription

INVOICE = "in_1SRzqtKXBGcbgpbZhpdF1KCd"


@pytest.fixture
async def shop(ledger_database18: str) -> AsyncIterator[Shop]:
    async with opened(ledger_database18) as found:
        yield found


def invoice(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    return {
        "id": INVOICE,
        "object": "invoice",
        "customer": CUSTOMER,
        "parent": {"subscription_details": {"subscription": "sub_1"}},
        "billing_reason": "subscription_cycle",
        "collection_method": "charge_automatically",
        "created": seconds(day(-20)),
        "currency": "usd",
        "status": "open",
        "total": 9200,
        "amount_due": 9200,
        "amount_paid": 0,
        "amount_remaining": 9200,
        **changes,
    }


async def fails(shop: Shop, first: float, *days: float) -> None:
    """Fail on day *first* and *days* after it, each with the bank's words."""
    await shop.deliver("customer.subscription.created", subscription(), first - 30)
    for place, after in enumerate((0, *days)):
        at = first + after
        await shop.deliver("invoice.payment_failed", invoice(attempt_count=place + 1), at)
        error = {
            "charge": f"ch_{place}",
            "code": "card_declined",
            "decline_code": "insufficient_funds",
            "message": "Your card has insufficient funds.",
        }
        intent = {
            "id": "pi_1",
            "object": "payment_intent",
            "customer": CUSTOMER,
            "status": "requires_payment_method",
            "payment_details": {"order_reference": INVOICE[:25]},
            "last_payment_error": error,
        }
        await shop.deliver("payment_intent.payment_failed", intent, at)
    await shop.deliver(
        "customer.subscription.updated",
        subscription("past_due"),
        first,
        {"status": "active"},
    )


async def pays(shop: Shop, at: float) -> None:
    """Pay on day *at* with a charge that has a receipt."""
    intent = {
        "id": "pi_1",
        "object": "payment_intent",
        "customer": CUSTOMER,
        "status": "succeeded",
        "latest_charge": "ch_9",
        "payment_details": {"order_reference": INVOICE[:25]},
    }
    charge = {
        "id": "ch_9",
        "object": "charge",
        "customer": CUSTOMER,
        "status": "succeeded",
        "payment_intent": "pi_1",
        "amount": 9200,
        "currency": "usd",
        "amount_refunded": 500,
        "receipt_url": "https://pay.stripe.com/receipts/ch_9",
        "created": seconds(day(at)),
    }
    paid = invoice(
        status="paid",
        amount_paid=9200,
        amount_remaining=0,
        status_transitions={"paid_at": seconds(day(at))},
    )
    await shop.deliver("charge.succeeded", charge, at)
    await shop.deliver("payment_intent.succeeded", intent, at)
    await shop.deliver("invoice.paid", paid, at)
    await shop.deliver(
        "customer.subscription.updated", subscription(), at, {"status": "past_due"}
    )


def kinds(body: dict[str, Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in body["notices"]:
        found[each["kind"]] = found.get(each["kind"], 0) + 1
    return found


async def test_P06_a_failed_renewal_starts_dunning_on_days_0_3_5_7(shop: Shop) -> None:
    await shop.deliver("customer.subscription.created", subscription(), -31)
    announced = invoice(attempt_count=1, next_payment_attempt=seconds(day(2)))
    await shop.deliver("invoice.payment_failed", announced, -1)

    dunning = (await shop.billing())["dunning"]
    tried = [each for each in dunning["steps"] if each["kind"] == "attempt"]

    assert dunning["stage"] == "retrying"
    assert [(each["n"], moment(each["due_at"])) for each in tried] == [
        (1, day(-1)),
        (2, day(2)),
        (3, day(4)),
        (4, day(6)),
    ]
    assert [each["outcome"] for each in tried] == ["failed", None, None, None]


async def test_P07_each_failure_is_a_notice_with_the_banks_own_reason(shop: Shop) -> None:
    await fails(shop, -4, 3)

    notices = [
        each
        for each in (await shop.billing())["notices"]
        if each["kind"] == "payment_failed"
    ]

    assert [each["detail"]["n"] for each in notices] == [2, 1]
    for each in notices:
        assert each["detail"]["reason"] == "insufficient_funds"
        assert each["detail"]["message"] == "Your card has insufficient funds."
    assert len({each["key"] for each in notices}) == 2


async def test_P08_day_7_pauses_to_read_only(shop: Shop) -> None:
    await fails(shop, -7, 3, 5, 7)
    first = day(-7)

    before = await shop.billing(f"?as_of={day(-7 + 6.99).isoformat()[:19]}Z")
    after = await shop.billing()

    assert (before["access"]["level"], before["badge"]["text"]) == ("full", "Past due")
    assert moment(before["access"]["next_change"]["at"]) == day(0)
    assert (after["access"]["level"], after["badge"]["text"]) == ("read_only", "Paused")
    assert after["access"]["reason"] == "payment_failed"
    assert moment(after["dunning"]["first_failed_at"]) == first
    assert after["payment_methods"] == before["payment_methods"]
    assert kinds(after)["paused"] == 1


async def test_P09_day_30_cancels_and_one_can_subscribe_again(shop: Shop) -> None:
    await fails(shop, -30, 3, 5, 7)

    canceled = await shop.billing()
    assert (canceled["access"]["level"], canceled["badge"]["text"]) == ("none", "Canceled")
    assert canceled["dunning"]["stage"] == "canceled"
    assert "cancel_not_executed" in {each["code"] for each in canceled["findings"]}
    assert kinds(canceled)["canceled"] == 1

    await shop.deliver("customer.subscription.created", subscription(id="sub_2"), 0)
    again = await shop.billing()
    assert (again["access"]["level"], again["dunning"]) == ("full", None)


@pytest.mark.parametrize("days", [1, 12, 31])
async def test_P10_J11_a_payment_ends_dunning_from_any_stage(shop: Shop, days: int) -> None:
    await fails(shop, -days)
    stage = (await shop.billing())["dunning"]["stage"]
    await pays(shop, 0)

    paid = await shop.billing()

    assert stage == {1: "retrying", 12: "paused", 31: "canceled"}[days]
    assert (paid["access"]["level"], paid["badge"]["text"]) == ("full", "Active")
    assert paid["dunning"]["stage"] == "recovered"
    assert paid["access"]["next_change"] is None


async def test_P13_a_card_about_to_expire_is_said_30_and_7_days_before(shop: Shop) -> None:
    def card(name: str, year: int) -> dict[str, Any]:
        shown = {"brand": "visa", "last4": "4242", "exp_month": 6, "exp_year": year}
        return {
            "id": name,
            "object": "payment_method",
            "customer": CUSTOMER,
            "type": "card",
            "card": shown,
        }

    await shop.deliver("customer.subscription.created", subscription(), -40)
    await shop.deliver("payment_method.attached", card("pm_1", TODAY.year + 1), -30)
    year = TODAY.year + 1
    asked = {
        f"{year}-05-31T23:59:59Z": [],
        f"{year}-06-01T00:00:00Z": [30],
        f"{year}-06-23T23:59:59Z": [30],
        f"{year}-06-24T00:00:00Z": [7, 30],
    }

    async def warned(at: str) -> list[int]:
        notices = (await shop.billing(f"?as_of={at}"))["notices"]
        return [one["detail"]["days"] for one in notices if one["kind"] == "card_expiring"]

    assert {at: await warned(at) for at in asked} == asked
    updated = card("pm_1", year + 3)
    await shop.deliver("payment_method.automatically_updated", updated, -1)
    assert [await warned(at) for at in asked] == [[], [], [], []]


async def test_P14_every_charge_has_a_receipt_that_stays(shop: Shop) -> None:
    await fails(shop, -3)
    await pays(shop, -1)

    body = await shop.billing()
    (billed,) = body["invoices"]
    (receipt,) = [each for each in body["notices"] if each["kind"] == "receipt"]

    assert billed["receipt_url"] == "https://pay.stripe.com/receipts/ch_9"
    assert billed["refunded"] == 500
    assert receipt["detail"]["url"] == billed["receipt_url"]
    assert receipt["key"] == "receipt:ch_9"


async def test_D06_B07_timelines_are_rebuilt_and_no_downtime_skips_a_deadline(
    shop: Shop,
) -> None:
    """As far as it goes: the calendar of what comes is the command line's."""
    await fails(shop, -8, 3)

    stages = []
    for at in (-8, -1.01, -1, 21.99, 22, 400):
        asked = day(at).isoformat()[:19]
        path = f"/v1/accounts/{CUSTOMER}/dunning?as_of={asked}Z"
        (timeline,) = (await shop.get(path))["data"]
        stages.append(timeline["stage"])

    assert stages == ["retrying", "retrying", "paused", "paused", "canceled", "canceled"]
    # Nobody's payment of five days ago was told before today, so two days were wrong.
    await pays(shop, -3)
    meta = (await shop.billing())["meta"]
    (wrongful,) = meta["wrongful_pauses"]
    assert wrongful["invoice"] == INVOICE
    assert moment(wrongful["paid_at"]) == day(-3)
    assert moment(wrongful["learnt_at"]) > moment(wrongful["paused_at"])


async def test_B07_the_drawing_says_in_words_what_it_shows(shop: Shop) -> None:
    await fails(shop, -8, 3)
    await shop.billing()
    token = mint(key=TOKEN_KEY, scopes=["read"], account=None, expires_at=None, now=TODAY)
    sent = {"Authorization": f"Bearer {token}"}
    path = f"/v1/accounts/{CUSTOMER}/dunning.svg"
    async with shop.client.get(path, headers=sent) as answer:
        drawing = await answer.text()
        assert answer.content_type == "image/svg+xml"

    root = ET.fromstring(drawing)
    space = {"svg": "http://www.w3.org/2000/svg"}
    title, told = root.find("svg:title", space), root.find("svg:desc", space)
    assert title is not None
    assert told is not None
    assert "paused" in (told.text or "")
    assert "insufficient funds" in (told.text or "")
    assert "prefers-color-scheme" in drawing
    assert "<script" not in drawing
    texts = [each.text or "" for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[texts.index("day 0") :][:2] == ["day 0", "failed"]
    assert {"full access", "read-only", "today, day 8"} <= set(texts)
