"""What the ledger promises of money, each row by its id, through the doors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from command_line import bl, bl_here, on
from ledger.database import Role, connect
from shop import CUSTOMER, Shop, day, item, opened, seconds, subscription

COUPON = {"id": "LAUNCH20", "percent_off": 20.0, "duration": "forever"}
DISCOUNT = {"id": "di_1", "coupon": COUPON}


@pytest.fixture
async def shop(ledger_database18: str) -> AsyncIterator[Shop]:
    async with opened(ledger_database18) as found:
        yield found


def line(price: str, amount: int, quantity: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    of_item = {"subscription": "sub_1", "subscription_item": f"si_{price}"}
    named = {"price": f"price_{price}", "product": f"prod_{price}"}
    return {
        "id": f"il_{price}",
        "amount": amount,
        "quantity": quantity,
        "period": {"start": seconds(day(-10)), "end": seconds(day(20))},
        "parent": {"subscription_item_details": of_item},
        "pricing": {"price_details": named},
        **changes,
    }


def invoice(*lines: dict[str, Any], total: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "id": "in_1",
        "object": "invoice",
        "customer": CUSTOMER,
        "status": "paid",
        "created": seconds(day(-10)),
        "currency": "usd",
        "parent": {"subscription_details": {"subscription": "sub_1"}},
        "lines": {"data": list(lines)},
        "total": total,
        "amount_due": total,
        **changes,
    }


async def subscribed(shop: Shop, **changes: Any) -> None:  # noqa: ANN401 - any field
    shown = subscription(**changes)
    await shop.deliver("customer.subscription.created", shown, -10)


def figures(total: dict[str, Any]) -> dict[str, int]:
    names = ("base", "seats", "other", "discount", "tax", "total")
    assert sum(each["amount"] for each in total["lines"]) == total["total"]
    return {name: total[name] for name in names if total[name]}


async def test_J05_each_extra_seat_is_charged_and_the_amount_is_shown(shop: Shop) -> None:
    await subscribed(shop)
    base = {"base": 9900}
    before = (await shop.billing())["period_total"]
    assert figures(before) == base | {"seats": 1600, "total": 11500}

    paid = invoice(line("base", 9900, 1), line("seat", 1600, 2), total=11500)
    await shop.deliver("invoice.paid", paid, -10)
    await shop.users(*(f"u_{number}" for number in range(13)))
    after = (await shop.billing())["period_total"]

    added = [each for each in after["lines"] if each["source"] == "estimate"]
    assert [each["quantity"] for each in added] == [1]
    assert after["seats"] == 1600 + added[0]["amount"]
    assert 0 < added[0]["amount"] < 800


async def test_J06_D05_the_total_is_base_and_seats_less_the_coupon(shop: Shop) -> None:
    await subscribed(shop, discounts=[DISCOUNT])
    path = f"/v1/accounts/{CUSTOMER}/periods"
    told = await shop.get(f"{path}/current")

    assert figures(told) == {
        "base": 9900,
        "seats": 1600,
        "discount": 2300,
        "total": 9200,
    }
    assert told["estimate"]
    assert (await shop.get(f"{path}/{day(-10):%Y-%m-%d}"))["lines"] == told["lines"]
    assert (await shop.get(f"{path}/next"))["total"] == 9200
    charge = (await shop.billing())["subscription"]["next_charge"]
    assert charge["amount"] == 9200
    early = await shop.billing(f"?as_of={day(-11).isoformat().replace('+00:00', 'Z')}")
    assert early["period_total"] is None

    async with await connect(shop.conninfo, Role.PROJECTOR) as connection:
        await connection.execute("DELETE FROM read_models.bookmarks")
        cursor = await connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'read_models' "
            "AND tablename LIKE '%\\_g1'"
        )
        for (name,) in await cursor.fetchall():
            await connection.execute(f"DROP TABLE read_models.{name} CASCADE")
    assert (await shop.get(f"{path}/current"))["lines"] == told["lines"]


async def test_B05_the_shadow_invoice_says_what_differs_and_why(shop: Shop) -> None:
    await subscribed(shop, discounts=[DISCOUNT])
    off = [{"amount": 2300, "discount": "di_1"}]
    lines = [line("base", 9900, 1, discount_amounts=off), line("seat", 1600, 2)]
    await shop.deliver("invoice.paid", invoice(*lines, total=9200), -10)
    await shop.billing()
    ledger = on(shop.conninfo)
    good = bl("shadow", CUSTOMER, "-O", "json", env=ledger)
    assert (good.code, '"ok": true' in good.out) == (0, True)

    off[0]["amount"] = 2000
    changes = {"created": int(datetime(2026, 3, 31, 22, 30, tzinfo=UTC).timestamp())}
    updated = invoice(*lines, total=9500, **changes)
    told = await shop.deliver("invoice.updated", updated, -9)
    await shop.billing()
    bad = bl("shadow", "-O", "json", env=ledger)
    assert (bad.code, '"reason": "coupon"' in bad.out) == (1, True)
    known = bl("shadow", "--known-at", f"#{told - 1}", env=ledger)
    assert (known.code, "coupon" in known.out) == (0, False)
    for month, zone, code in [
        ("2020-01", "UTC", 0),
        ("2026-03", "UTC", 1),
        ("2026-04", "UTC", 0),
        ("2026-04", "Europe/Paris", 1),
    ]:
        env = {**ledger, "LEDGER_BOOK_ZONE": zone}
        said = await asyncio.to_thread(bl_here, "shadow", "--period", month, env=env)
        assert said.code == code, (month, zone)
    assert "11,500" not in bl("total", CUSTOMER, env=ledger).out


async def test_P11_taxes_are_lines_and_reverse_charge_is_one_of_them(shop: Shop) -> None:
    await subscribed(shop)
    rate = {"tax_rate_details": {"tax_rate": "txr_1"}, "tax_behavior": "exclusive"}
    for amount, reason, at in [(1980, "standard_rated", -10), (0, "reverse_charge", -9)]:
        tax = {"amount": amount, "taxability_reason": reason, **rate}
        lines = [line("base", 9900, 1, taxes=[tax]), line("seat", 1600, 2)]
        shown = invoice(*lines, total=11500 + amount, total_taxes=[tax])
        await shop.deliver("invoice.updated", shown, at)
        told = (await shop.billing())["period_total"]
        (taxed,) = [each for each in told["lines"] if each["kind"] == "tax"]
        assert (taxed["amount"], taxed["tax"]["reason"]) == (amount, reason)
        assert (told["tax"], told["total"]) == (amount, 11500 + amount)


async def test_P16_an_upgrade_is_prorated_now_a_downgrade_refunds_nothing(
    shop: Shop,
) -> None:
    await subscribed(shop)
    paid = invoice(line("base", 9900, 1), line("seat", 1600, 2), total=11500)
    await shop.deliver("invoice.paid", paid, -10)
    dearer = item("base", 1)
    dearer["price"] |= {"id": "price_dear", "unit_amount_decimal": "19900"}
    upgraded = subscription(items={"data": [dearer, item("seat", 2)]})
    await shop.deliver(
        "customer.subscription.updated", upgraded, 0, {"items": {"data": []}}
    )
    rest = {"start": seconds(day(0)), "end": seconds(day(20))}
    details = {"subscription": "sub_1", "subscription_item": "si_base", "proration": True}
    part = {"period": rest, "parent": {"subscription_item_details": details}}
    lines = [line("base", -6600, 1, **part), line("base", 13267, 1, **part)]
    change = invoice(*lines, total=6667, id="in_2", created=seconds(day(0)))
    await shop.deliver("invoice.paid", change, 0)

    told = (await shop.billing())["period_total"]
    assert figures(told) == {"base": 9900 + 6667, "seats": 1600, "total": 18167}
    assert not told["estimate"]
    charge = (await shop.billing())["subscription"]["next_charge"]
    assert charge["amount"] == 19900 + 1600
