"""Money told late, in the wrong currency, or asked for wrongly: through the doors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from command_line import bl, on
from shop import CUSTOMER, Shop, day, item, opened, seconds, subscription
from test_promises_money import invoice, line


@pytest.fixture
async def shop(ledger_database18: str) -> AsyncIterator[Shop]:
    async with opened(ledger_database18) as found:
        yield found


def period(moment: datetime) -> str:
    return f"/v1/accounts/{CUSTOMER}/periods/{moment:%Y-%m-%d}"


def asked(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def sold(start: float, end: float) -> dict[str, Any]:
    return {"data": [item(name, 1, start=start, end=end) for name in ("base", "seat")]}


async def test_O08_an_event_a_month_late_adjusts_its_closed_period_alone(
    shop: Shop,
) -> None:
    first, second = subscription(items=sold(-40, -10)), subscription(items=sold(-10, 20))
    span = {"start": seconds(day(-40)), "end": seconds(day(-10))}
    shown = [
        line("base", 9900, 1, period=span),
        line("seat", 800, 1, period=span),
    ]
    await shop.deliver("customer.subscription.created", first, -40)
    paid = invoice(*shown, total=10700, created=seconds(day(-40)))
    await shop.deliver("invoice.paid", paid, -40)
    before = await shop.deliver("customer.subscription.updated", second, -10)
    current = await shop.get(period(day(-10)))
    closed = await shop.get(period(day(-40)))
    assert (closed["total"], closed["estimate"]) == (10700, False)

    extra = {"start": seconds(day(-38)), "end": seconds(day(-37))}
    details = {"invoice_item_details": {"invoice_item": "ii_9", "proration": False}}
    late = line("base", 700, 1, id="il_9", period=extra, parent=details, pricing=None)
    changes = {"id": "in_9", "created": seconds(day(-38))}
    await shop.deliver("invoice.paid", invoice(late, total=700, **changes), -38)

    adjusted = await shop.get(period(day(-40)))
    assert (adjusted["total"], adjusted["other"]) == (11400, 700)
    for name in ("base", "seats", "discount", "tax"):
        assert adjusted[name] == closed[name]
    assert (await shop.get(period(day(-10))))["total"] == current["total"]
    path = period(day(-40))
    for question, total in [
        (f"known_at={before}", 10700),
        (f"as_of={asked(day(-39))}", 10700),
        (f"as_of={asked(day(-37))}", 11400),
        (f"as_of={asked(day(-37))}&known_at={before}", 10700),
    ]:
        assert (await shop.get(f"{path}?{question}"))["total"] == total, question

    env = on(shop.conninfo)
    told = bl("total", CUSTOMER, "--period", f"{day(-40):%Y-%m-%d}", "-O", "json", env=env)
    assert (told.code, json.loads(told.out)["total"]) == (0, 11400)
    known = ["--known-at", f"#{before}", "--period", f"{day(-40):%Y-%m-%d}"]
    then = bl("total", CUSTOMER, *known, env=env)
    assert (then.code, "USD 107.00" in then.out) == (0, True)


async def test_wrong_dates_of_totals_and_shadows_are_mistakes_that_say_what_to_write(
    shop: Shop,
) -> None:
    await shop.deliver("customer.subscription.created", subscription(), -10)
    await shop.billing()
    env = on(shop.conninfo)
    for arguments, code, word in [
        (["total", CUSTOMER, "--period", "Novembre"], 2, "Novembre"),
        (["total", CUSTOMER, "--period", "1999-01-01"], 4, "no such period"),
        (["total", "cus_nobody"], 4, "cus_nobody"),
        (["shadow", "--period", "2026-13"], 2, "2026-13"),
        (["shadow", "--known-at", "2999-01-01"], 2, "in the future"),
    ]:
        said = bl(*arguments, env=env)
        assert said.code == code, (arguments, said)
        assert word in said.err
        assert "Traceback" not in said.err
