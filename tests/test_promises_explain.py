"""The promises about why: figures taken apart down to their events, through the doors."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest

from command_line import bl, bl_in_terminal, on
from doors import TOKEN_KEY
from ledger.tokens import mint
from shop import CUSTOMER, TODAY, Shop, day, moment, opened, seconds, subscription

INVOICE = "in_1SRzqtKXBGcbgpbZhpdF1KCd"
USERS = [f"u_{number}" for number in range(80, 91)]
ESCAPES = "Launch\x1b[2J\u202e"


def line(price: str, amount: int, quantity: int, off: int) -> dict[str, Any]:
    return {
        "id": f"il_{price}",
        "amount": amount,
        "quantity": quantity,
        "description": None,
        "period": {"start": seconds(day(-10)), "end": seconds(day(20))},
        "parent": {
            "subscription_item_details": {
                "subscription": "sub_1",
                "subscription_item": f"si_{price}",
            }
        },
        "pricing": {
            "price_details": {"price": f"price_{price}", "product": f"prod_{price}"},
            "unit_amount_decimal": str(amount // quantity),
        },
        "discount_amounts": [{"amount": off, "discount": "di_1"}],
    }


def invoice(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    lines = [line("base", 9900, 1, 1980), line("seat", 1600, 2, 320)]
    return {
        "id": INVOICE,
        "object": "invoice",
        "customer": CUSTOMER,
        "parent": {"subscription_details": {"subscription": "sub_1"}},
        "billing_reason": "subscription_cycle",
        "collection_method": "charge_automatically",
        "created": seconds(day(-10)),
        "currency": "usd",
        "status": "open",
        "lines": {"data": lines, "has_more": False},
        "total": 9200,
        "amount_due": 9200,
        "amount_paid": 0,
        "amount_remaining": 9200,
        "total_discount_amounts": [{"amount": 2300, "discount": "di_1"}],
        **changes,
    }


async def tell(shop: Shop) -> dict[str, int]:
    """Tell of two extra seats, a coupon, an invoice, and that it was not paid."""
    coupon = {
        "id": "LAUNCH20",
        "name": ESCAPES,
        "percent_off": 20.0,
        "duration": "repeating",
        "duration_in_months": 6,
    }
    off = {"id": "di_1", "start": seconds(day(-40)), "end": None, "coupon": coupon}
    began = subscription(discounts=[off])
    unpaid = subscription("past_due", discounts=[off])
    told = {
        "began": await shop.deliver("customer.subscription.created", began, -40),
        "named": await shop.tell(
            "PUT",
            "seats",
            {"users": USERS, "effective_at": day(-39).isoformat(), "actor": "u_3"},
        ),
        "seat": await shop.seat("u_91", actor="u_3", at=-30),
        "invoice": await shop.deliver("invoice.finalized", invoice(), -10),
        "failed": await shop.deliver(
            "invoice.payment_failed", invoice(attempt_count=1), -5
        ),
    }
    before = {"status": "active"}
    kind = "customer.subscription.updated"
    told["past_due"] = await shop.deliver(kind, unpaid, -5, before)
    return told


@pytest.fixture
async def shop(ledger_database18: str) -> AsyncIterator[Shop]:
    async with opened(ledger_database18) as found:
        yield found


async def explained(shop: Shop, figure: str, more: str = "") -> dict[str, Any]:
    path = f"/v1/accounts/{CUSTOMER}/explain?figure={figure}{more}"
    body = await shop.get(path)
    assert body["adds_up"]
    assert body["findings"] == []
    return body


def all_of(tree: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield dict(tree)
    for child in tree["children"]:
        yield from all_of(child)


def labelled(tree: Mapping[str, Any], label: str) -> dict[str, Any]:
    return next(each for each in all_of(tree) if each["label"].startswith(label))


async def test_B01_any_cent_is_explained_down_to_the_events(shop: Shop) -> None:
    told = await tell(shop)
    body = await explained(shop, "total")
    total = (await shop.billing())["period_total"]

    assert body["value"] == total["total"] == 9200
    assert body["tree"]["arithmetic"] == "99.00 + 16.00 \u2212 23.00 = 92.00"
    lines = body["tree"]["children"]
    assert [each["source"] for each in lines] == ["invoice"] * 3
    assert {each["evidence"][0] for each in lines} == {told["failed"]}
    seats, coupon = lines[1:]
    assert seats["arithmetic"] == "12 \u2212 10 included = 2 \u00d7 8.00 = 16.00"
    changes = [each for each in all_of(seats) if each["by"]]
    assert [each["label"] for each in changes] == ["u_90", "u_91"]
    assert {each["by"] for each in changes} == {"u_3"}
    assert changes[-1]["evidence"] == [told["seat"]]
    assert coupon["arithmetic"] == "\u221220 % of 115.00 = \u221223.00"
    assert coupon["until"] is not None
    events = {each["position"]: each for each in body["meta"]["events"]}
    assert events[told["failed"]]["event"].startswith("evt_")
    assert events[told["failed"]]["type"] == "invoice.payment_failed"
    assert moment(events[told["failed"]]["at"]) == day(-5)
    assert (events[told["seat"]]["type"], events[told["seat"]]["by"]) == (
        "seat_assigned",
        "u_3",
    )
    before = await explained(shop, "total", f"&as_of={day(-20).isoformat()[:19]}Z")
    assert {each["source"] for each in before["tree"]["children"]} == {"estimate"}
    known = await explained(shop, "total", f"&known_at={told['invoice']}")
    assert known["tree"]["children"][0]["evidence"] == [told["invoice"]]
    following = await explained(shop, "total", "&period=next")
    assert moment(following["period"]["start"]) == day(20)


async def test_B01_seats_and_dunning_are_explained_too(shop: Shop) -> None:
    told = await tell(shop)
    seats = (await explained(shop, "seats"))["tree"]
    assert seats["value"] == 12
    assert labelled(seats, "Included")["evidence"] == [told["began"]]
    assert labelled(seats, "Stripe's quantity")["evidence"] == [told["began"]]
    assert labelled(seats, "Active when")["evidence"] == [told["seat"]]

    dunning = (await explained(shop, "dunning"))["tree"]
    assert dunning["value"] == "retrying"
    pauses = labelled(dunning, "pauses")
    assert moment(pauses["value"]) == day(2)
    assert pauses["arithmetic"].split(" + ")[1].startswith("7 \u00d7 86,400 s = ")
    assert labelled(dunning, "Attempt 1")["evidence"] == [told["failed"]]
    assert labelled(dunning, "Policy")["value"] == "the default"


async def test_B09_access_has_its_reason_since_when_and_what_comes_next(shop: Shop) -> None:
    told = await tell(shop)
    body = await explained(shop, "status")
    access = (await shop.billing())["access"]

    tree = body["tree"]
    assert tree["value"] == "past_due"
    (listed,) = labelled(tree, "Primary")["children"]
    assert (listed["label"], listed["evidence"]) == ("sub_1", [told["past_due"]])
    assert moment(listed["at"]) == day(-5)
    found = labelled(tree, "Access")
    assert (found["value"], found["at"]) == (access["level"], access["since"])
    assert found["detail"] == "a payment failed"
    assert labelled(tree, "dunning of")["evidence"] == [told["failed"]]
    change = labelled(tree, "Next change")
    assert (change["value"], change["at"]) == (
        access["next_change"]["level"],
        access["next_change"]["at"],
    )
    assert "7 \u00d7 86,400 s" in change["children"][0]["arithmetic"]


async def test_what_cannot_be_explained_is_said_with_a_hint(shop: Shop) -> None:
    await tell(shop)
    await shop.billing()
    path = f"/v1/accounts/{CUSTOMER}/explain"
    for question, status, hint in [
        ("", 400, "total, status, seats, dunning"),
        ("?figure=cents", 400, "total, status, seats, dunning"),
        ("?figure=total&figur=x", 400, "figure"),
        ("?figure=seats&period=next", 400, "only a total"),
        ("?figure=total&period=soon", 400, "2026-11-01"),
        ("?figure=total&period=2019-01-01", 404, "no period"),
    ]:
        answer = await asked(shop, path + question)
        assert (answer[0], hint in answer[1]) == (status, True), question
    assert (await asked(shop, "/v1/accounts/cus_nobody/explain?figure=total"))[0] == 404
    # A price may have been told by an event of another account: it is not named to it.
    bound = await asked(shop, f"{path}?figure=total", account=CUSTOMER)
    assert bound[0] == 200
    assert json.loads(bound[1])["meta"]["events"]
    assert (await asked(shop, f"{path}?figure=total", account="cus_x"))[0] == 404


async def asked(shop: Shop, path: str, account: str | None = None) -> tuple[int, str]:
    token = mint(
        key=TOKEN_KEY, scopes=["read"], account=account, expires_at=None, now=TODAY
    )
    sent = {"Authorization": f"Bearer {token}"}
    async with shop.client.get(path, headers=sent) as answer:
        return answer.status, await answer.text()


async def test_B01_the_command_line_draws_the_tree_and_adds_it_up(shop: Shop) -> None:
    await tell(shop)
    await shop.billing()
    env = on(shop.conninfo)
    drawn = await asyncio.to_thread(bl, "explain", "total", CUSTOMER, env=env)
    assert drawn.code == 0
    assert "99.00 + 16.00 \u2212 23.00 = 92.00 \u2713" in drawn.out
    assert "+1  u_91" in drawn.out
    assert "by u_3" in drawn.out
    assert "\x1b" not in drawn.out
    assert "\\u001b[2J\\u202e" in drawn.out
    assert " \u00b7 position 6 \u00b7 " in drawn.out

    sheet = await asyncio.to_thread(bl, "explain", "total", CUSTOMER, "-O", "csv", env=env)
    rows = list(csv.DictReader(io.StringIO(sheet.out)))
    amounts = [
        (each["value"], each["currency"]) for each in rows if each["unit"] == "money"
    ]
    assert amounts[0] == ("9200", "usd")
    assert ("800", "usd") in amounts
    assert all(value.lstrip("-'").isdecimal() for value, _ in amounts)

    plain = await asyncio.to_thread(
        bl, "explain", "total", CUSTOMER, env={**env, "PYTHONIOENCODING": "ascii"}
    )
    tree = plain.out.partition("\n\n")[0]
    assert tree.isascii()
    assert "99.00 + 16.00 - 23.00 = 92.00 ok" in tree

    said = await asyncio.to_thread(
        bl, "explain", "dunning", CUSTOMER, "-O", "json", env=env
    )
    body = json.loads(said.out)
    assert (body["value"], body["adds_up"], body["findings"]) == ("retrying", True, [])
    code, shown = await asyncio.to_thread(
        bl_in_terminal, "explain", "total", CUSTOMER, env=env, columns=60
    )
    assert code == 0
    assert "\x1b[1m" in shown
