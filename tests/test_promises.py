"""What the ledger promises, each row by its id, through the doors a user would use."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from itertools import permutations
from typing import Any

import psycopg
import pytest

from doors import process as door_process
from ledger.database import Role, connect
from projections.rendering import without_evidence
from shop import CUSTOMER, Shop, day, item, moment, opened, seconds, subscription

USERS = [f"u_{number}" for number in range(12)]


@pytest.fixture
async def shop(ledger_database18: str) -> AsyncIterator[Shop]:
    async with opened(ledger_database18) as found:
        yield found


async def signed_up(shop: Shop, **changes: Any) -> None:  # noqa: ANN401 - any field
    await shop.deliver("customer.subscription.created", subscription(**changes), -40)


async def changed(
    shop: Shop,
    at: float,
    status: str = "active",
    **changes: Any,  # noqa: ANN401 - any field
) -> None:
    before = dict.fromkeys(changes) | {"status": "before"}
    shown = subscription(status, **changes)
    await shop.deliver("customer.subscription.updated", shown, at, before)


async def events(shop: Shop) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = (await shop.get("/v1/events", scope="audit"))["data"]
    return data


async def test_D01_every_webhook_is_appended_as_it_came(shop: Shop) -> None:
    for version in ("2020-08-27", "2026-10-28.endive", None):
        for body in (
            {"id": f"evt_{version}", "type": "a.kind.of.tomorrow", "api_version": version},
            {"id": f"evt_odd_{version}", "type": "invoice.paid", "data": {"object": 3}},
        ):
            raw = json.dumps(
                {**body, "created": seconds(day(0)), "livemode": False}, indent=3
            )
            reply = await shop.door.deliver(raw.encode())
            assert reply.status == 200
            kept = await shop.get(f"/v1/events/{reply.json['position']}", scope="audit")
            assert kept["body"] == json.loads(raw)
    for odd in (b"", b"[]", b"\xff", b'{"id": "evt_1", "id": "evt_2"}'):
        reply = await shop.door.deliver(odd)
        assert reply.status == 200
        kept = await shop.get(f"/v1/events/{reply.json['position']}", scope="audit")
        assert kept["verdict"] == "quarantined"
    async with await connect(shop.conninfo, Role.APPENDER) as connection:
        for verb in ("UPDATE ledger.log SET account = ''", "DELETE FROM ledger.log"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute(verb)


async def test_D02_every_seat_change_is_appended(shop: Shop) -> None:
    await shop.seat("u_1", actor="u_0")
    await shop.seat("u_1", active=False)
    await shop.users("u_2")

    topics = [event["topic"] for event in await events(shop)]
    assert topics == ["seats_counted", "seat_released", "seat_assigned"]


async def test_D03_the_status_is_rebuilt_from_the_log(shop: Shop) -> None:
    await signed_up(shop, status="incomplete")
    for at, status in [
        (-39, "trialing"),
        (-30, "active"),
        (-5, "past_due"),
        (-3, "unpaid"),
    ]:
        await changed(shop, at, status)
        assert (await shop.billing())["status"] == status
    before = await shop.billing()
    await _forget(shop)

    assert _figures(await shop.billing()) == _figures(before)


async def test_D04_seat_counts_are_rebuilt_from_the_log(shop: Shop) -> None:
    await signed_up(shop)
    await shop.users(*USERS)
    await shop.seat("u_3", active=False)
    before = (await shop.billing())["seats"]
    await _forget(shop)

    assert (await shop.billing())["seats"] == before
    assert (before["active"], before["billed"]) == (11, 12)


async def test_D07_the_receiver_is_a_process_of_its_own(shop: Shop) -> None:
    async with door_process(shop.conninfo) as receiver:
        shop.door = type(shop.door)(
            receiver.port, shop.door.door, shop.log, shop.door.listener
        )
        await signed_up(shop)

    assert (await shop.billing())["status"] == "active"


async def test_D09_the_product_queries_read_models(shop: Shop) -> None:
    await signed_up(shop)
    await shop.billing()
    async with await connect(shop.conninfo, Role.PROJECTOR) as connection:
        await connection.execute(
            "UPDATE read_models.subscriptions_g1 SET account = 'cus_other'"
        )

    assert (await shop.billing(account="cus_other"))["status"] == "active"


async def test_J02_the_status_is_a_badge(shop: Shop) -> None:
    await signed_up(shop, status="trialing")
    for status, text, tone in [
        ("trialing", "Trial", "info"),
        ("active", "Active", "success"),
        ("past_due", "Past due", "warning"),
        ("canceled", "Canceled", "neutral"),
    ]:
        at = {"trialing": -39, "active": -30, "past_due": -5, "canceled": -1}[status]
        await changed(shop, at, status)
        assert (await shop.billing())["badge"] == {"text": text, "tone": tone}


async def test_J03_figures_carry_their_freshness_and_a_difference_is_shown(
    shop: Shop,
) -> None:
    """As far as it goes: the last reconciliation comes with reconciling."""
    await signed_up(shop)
    await shop.users(*USERS, "u_new")

    body = await shop.billing()

    assert (body["seats"]["wanted"], body["seats"]["stripe_quantity"]) == (3, 2)
    assert body["seats"]["drift"] == 1
    meta = body["meta"]
    assert (meta["position"], meta["lag_ms"], meta["stale"]) == (2, 0, False)
    assert "reconciled_at" in meta


async def test_J04_included_seats_and_seats_in_total_are_shown(shop: Shop) -> None:
    await signed_up(shop)
    await shop.users(*USERS)

    seats = (await shop.billing())["seats"]

    assert (seats["included"], seats["active"], seats["billed"]) == (10, 12, 12)
    assert (seats["source"], seats["terms"]) == ("product", "metadata")


async def test_J05_each_further_active_login_is_an_extra_seat(shop: Shop) -> None:
    """As far as it goes: the amount per period comes with totals."""
    await signed_up(shop)
    await shop.users(*USERS[:10])
    for number, extra in [(10, 1), (11, 2)]:
        await shop.seat(USERS[number])
        assert (await shop.billing())["seats"]["extra"] == extra


@pytest.mark.parametrize("status", ["canceled", "incomplete_expired"])
async def test_J10_what_has_ended_offers_no_access_and_can_start_again(
    shop: Shop, status: str
) -> None:
    """As far as it goes: the page that offers it comes with the page."""
    await signed_up(shop)
    await changed(shop, -3, status, ended_at=seconds(day(-3)))
    assert (await shop.billing())["access"]["level"] == "none"
    again = subscription(id="sub_2", created=seconds(day(-1)), currency="eur")
    await shop.deliver("customer.subscription.created", again, -1)

    body = await shop.billing()

    assert (body["status"], body["subscription"]["id"]) == ("active", "sub_2")
    assert (body["currency"], body["access"]["level"]) == ("eur", "full")
    assert "currency_changed" not in {each["code"] for each in body["findings"]}


async def test_J12_a_freed_seat_is_billed_until_the_next_cycle(shop: Shop) -> None:
    await signed_up(shop)
    await shop.tell("PUT", "seats", {"users": USERS, "effective_at": day(-9).isoformat()})
    await shop.seat("u_11", active=False, at=-2)

    now = (await shop.billing())["seats"]
    renewed = [item("base", 1, -1, 29), item("seat", 2, -1, 29)]
    await changed(shop, -1, items={"object": "list", "data": renewed})
    after = (await shop.billing())["seats"]

    assert (now["active"], now["billed"], now["freed_next_cycle"]) == (11, 12, 1)
    assert (after["active"], after["billed"], after["freed_next_cycle"]) == (11, 11, 0)


CARD = {
    "id": "pm_1",
    "object": "payment_method",
    "customer": CUSTOMER,
    "type": "card",
    "created": seconds(day(-40)),
    "card": {"brand": "visa", "country": "US", "last4": "4242", "exp_month": 12}
    | {"exp_year": 2031, "funding": "credit"},
}


async def test_P01_only_references_of_a_card_are_kept(shop: Shop) -> None:
    await shop.deliver("payment_method.attached", CARD, -40)

    (method,) = (await shop.billing())["payment_methods"]

    assert method == {
        "id": "pm_1",
        "type": "card",
        "brand": "visa",
        "bank_name": None,
        "country": "US",
        "last4": "4242",
        "exp_month": 12,
        "exp_year": 2031,
        "mandate_status": None,
        "default": True,
    }


async def test_P03_the_default_is_the_one_charged_and_the_only_one_is_the_default(
    shop: Shop,
) -> None:
    async def default() -> list[str]:
        methods = (await shop.billing())["payment_methods"]
        return [method["id"] for method in methods if method["default"]]

    await shop.deliver("payment_method.attached", CARD, -40)
    assert await default() == ["pm_1"]
    second = {**CARD, "id": "pm_2", "created": seconds(day(-30))}
    await shop.deliver("payment_method.attached", second, -30)
    assert await default() == []
    customer = {"id": CUSTOMER, "object": "customer", "created": seconds(day(-40))}
    settings = {"invoice_settings": {"default_payment_method": "pm_1"}}
    await shop.deliver("customer.updated", {**customer, **settings}, -20)
    assert await default() == ["pm_1"]
    await signed_up(shop, default_payment_method="pm_2")
    assert await default() == ["pm_2"]
    gone = {**second, "customer": None}
    await shop.deliver("payment_method.detached", gone, -1, {"customer": CUSTOMER})
    assert await default() == ["pm_1"]


async def test_P04_renewals_fall_on_the_day_of_signup_also_at_month_ends(
    shop: Shop,
) -> None:
    def at(text: str) -> int:
        return seconds(moment(f"{text}T09:00:00Z"))

    begun = {
        **item("base", 1),
        "current_period_start": at("2026-01-31"),
        "current_period_end": at("2026-02-28"),
    }
    shown = subscription(
        items={"object": "list", "data": [begun]}, billing_cycle_anchor=at("2026-01-31")
    )
    signed_up_days_ago = (moment("2026-01-31T09:00:00Z") - day(0)).total_seconds() / 86_400
    await shop.deliver("customer.subscription.created", shown, signed_up_days_ago)

    for asked, start, end, estimate in [
        ("2026-02-28T08:59:59Z", "2026-01-31", "2026-02-28", False),
        ("2026-02-28T09:00:00Z", "2026-02-28", "2026-03-31", True),
        ("2028-02-29T09:00:00Z", "2028-02-29", "2028-03-31", True),
    ]:
        body = await shop.billing(f"?as_of={asked}")
        period = body["subscription"]["current_period"]
        assert (moment(period["start"]), moment(period["end"])) == (
            moment(f"{start}T09:00:00Z"),
            moment(f"{end}T09:00:00Z"),
        )
        assert period["estimate"] is estimate


async def test_P05_a_successful_renewal_extends_the_period_and_its_invoice_appears(
    shop: Shop,
) -> None:
    await signed_up(shop)
    invoice = {
        "id": "in_1",
        "object": "invoice",
        "customer": CUSTOMER,
        "status": "paid",
        "number": "JT-0001",
        "created": seconds(day(-1)),
        "currency": "usd",
        "total": 11500,
        "amount_due": 11500,
        "amount_paid": 11500,
        "amount_remaining": 0,
        "parent": {"subscription_details": {"subscription": "sub_1"}},
    }
    renewed = [item("base", 1, -1, 29), item("seat", 2, -1, 29)]
    await changed(shop, -1, items={"object": "list", "data": renewed})
    await shop.deliver("invoice.paid", invoice, -1)

    body = await shop.billing()

    period = body["subscription"]["current_period"]
    assert (moment(period["start"]), moment(period["end"])) == (day(-1), day(29))
    assert body["access"] == {
        "level": "full",
        "reason": None,
        "since": body["access"]["since"],
        "next_change": None,
    }
    assert moment(body["access"]["since"]) == day(-40)
    (shown,) = body["invoices"]
    assert (shown["number"], shown["total"], shown["subscription"]) == (
        "JT-0001",
        11500,
        "sub_1",
    )
    assert moment(shown["date"]) == day(-1)


async def test_P12_a_currency_changes_only_by_canceling_and_subscribing_again(
    shop: Shop,
) -> None:
    await signed_up(shop)
    await changed(shop, -5, currency="eur")

    body = await shop.billing()

    codes = [finding["code"] for finding in body["findings"]]
    assert "currency_changed" in codes
    assert (body["status"], body["meta"]["stale"]) == ("active", False)


async def test_P15_the_billing_contact_is_the_customers_own(shop: Shop) -> None:
    """As far as it goes: what is sent to it comes with notices."""
    customer = {
        "id": CUSTOMER,
        "object": "customer",
        "created": seconds(day(-40)),
        "email": "books@example.com",
        "tax_exempt": "reverse",
    }
    await shop.deliver("customer.created", customer, -40)

    body = await shop.billing()

    assert body["billing_contact"]["email"] == "books@example.com"
    assert body["tax_exempt"] == "reverse"


async def test_P16_a_downgrade_waits_for_the_periods_end(shop: Shop) -> None:
    """As far as it goes: what an upgrade charges at once comes with totals."""
    await signed_up(shop)
    phases = [
        {
            "start_date": seconds(day(-10)),
            "end_date": seconds(day(20)),
            "items": [
                {"price": "price_base", "quantity": 1},
                {"price": "price_seat", "quantity": 2},
            ],
        },
        {
            "start_date": seconds(day(20)),
            "end_date": seconds(day(50)),
            "items": [{"price": "price_small", "quantity": 1}],
            "proration_behavior": "none",
        },
    ]
    schedule = {
        "id": "sub_sched_1",
        "object": "subscription_schedule",
        "customer": CUSTOMER,
        "subscription": "sub_1",
        "status": "active",
        "created": seconds(day(-2)),
        "end_behavior": "release",
        "phases": phases,
    }
    await shop.deliver("subscription_schedule.created", schedule, -2)
    begun = {"created": seconds(day(-9))}
    product = {"id": "prod_small", "object": "product", "name": "Small", **begun}
    price = {"id": "price_small", "object": "price", "product": "prod_small", **begun}
    await shop.deliver("product.created", product, -9)
    await shop.deliver("price.created", price, -9)

    (change,) = (await shop.billing())["subscription"]["scheduled_changes"]

    assert (moment(change["at"]), change["kind"], change["prorated"]) == (
        day(20),
        "change",
        False,
    )
    assert change["items"] == [{"price": "price_small", "name": "Small", "quantity": 1}]


async def test_P17_a_cancellation_takes_effect_at_period_end(shop: Shop) -> None:
    await signed_up(shop)
    ends: dict[str, Any] = {"cancel_at_period_end": True, "cancel_at": seconds(day(20))}
    await changed(shop, -1, canceled_at=seconds(day(-1)), **ends)

    body = await shop.billing()

    assert (body["status"], body["access"]["level"]) == ("active", "full")
    assert body["badge"]["text"] == f"Cancels on {day(20).day} {day(20):%b %Y}"
    assert moment(body["access"]["next_change"]["at"]) == day(20)
    (change,) = body["subscription"]["scheduled_changes"]
    assert (moment(change["at"]), change["kind"]) == (day(20), "cancel")


async def test_B02_true_then_and_known_then_in_every_query(shop: Shop) -> None:
    """A payment failed on the 5th day before today, and we were told of it last."""
    await signed_up(shop)
    known = await shop.seat("u_1")
    await changed(shop, -5, "past_due")
    then = day(-4).isoformat().replace("+00:00", "Z")

    for question, status in [
        ("", "past_due"),
        (f"?as_of={then}", "past_due"),
        (f"?known_at={known}", "active"),
        (f"?as_of={then}&known_at={known}", "active"),
        (f"?as_of={day(-6).isoformat().replace('+00:00', 'Z')}", "active"),
    ]:
        for path in ("billing", "access"):
            body = await shop.get(f"/v1/accounts/{CUSTOMER}/{path}{question}")
            assert (path, question, body["status"]) == (path, question, status)


async def test_B03_any_order_of_deliveries_gives_the_same_answers(
    found_ledger: Any,  # noqa: ANN401 - a fixture
) -> None:
    told = set()
    for order in list(permutations(range(4)))[::7]:
        async with opened(found_ledger("18")) as shop:
            deliveries = [
                ("created", subscription("incomplete"), -40, None),
                ("updated", subscription(), -40, {"status": "incomplete"}),
                ("updated", subscription("past_due"), -5, {"status": "active"}),
                ("updated", subscription(), -5, {"status": "past_due"}),
            ]
            for place in order:
                kind, shown, at, before = deliveries[place]
                await shop.deliver(f"customer.subscription.{kind}", shown, at, before)
            body = without_evidence(await shop.billing())
            told.add(json.dumps(body, sort_keys=True))

    assert len(told) == 1
    assert json.loads(told.pop())["status"] == "active"


async def test_B06_who_held_which_seat_when_and_wanted_beside_billed(shop: Shop) -> None:
    await signed_up(shop)
    everyone = {"users": USERS, "effective_at": day(-9).isoformat(), "actor": "u_0"}
    await shop.tell("PUT", "seats", everyone)
    await shop.seat("u_9", active=False, at=-3)

    path = f"/v1/accounts/{CUSTOMER}/seats"
    then = await shop.get(f"{path}?at={day(-4).isoformat().replace('+00:00', 'Z')}")
    now = await shop.get(path)

    held = {each["user"]: each for each in then["users"]}
    assert (moment(held["u_9"]["since"]), held["u_9"]["by"]) == (day(-9), "u_0")
    assert "u_9" not in {each["user"] for each in now["users"]}
    seats = now["seats"]
    assert (seats["wanted"], seats["stripe_quantity"], seats["billed"]) == (1, 2, 12)


async def test_B06_what_is_told_before_customer_and_link_counts_from_its_own_time(
    shop: Shop,
) -> None:
    everyone = {"users": USERS, "effective_at": day(-9).isoformat()}
    await shop.tell("PUT", "seats", everyone, account="shop-17")
    alone = await shop.billing(account="shop-17")
    await shop.tell("POST", "link", {"customer": CUSTOMER}, account="shop-17")
    await signed_up(shop)

    body = await shop.billing()

    assert (alone["status"], alone["seats"]["active"]) == ("none", 12)
    assert [finding["code"] for finding in alone["findings"]] == ["unlinked"]
    assert (body["linked_account"], body["seats"]["active"]) == ("shop-17", 12)
    assert [each["code"] for each in body["findings"]] == ["tax_unknown"]
    then = day(-10).isoformat().replace("+00:00", "Z")
    before = await shop.billing(f"?as_of={then}")
    assert (before["seats"]["source"], before["seats"]["billed"]) == ("stripe", 12)


async def test_B06_single_changes_count_once_they_explain_what_stripe_bills(
    shop: Shop,
) -> None:
    await signed_up(shop)
    for number, source in [(5, "stripe"), (11, "stripe"), (12, "product")]:
        for user in USERS[:number]:
            await shop.seat(user)
        seats = (await shop.billing())["seats"]
        assert (seats["source"], seats["billed"]) == (source, 12)
    await shop.seat("u_0", active=False)

    seats = (await shop.billing())["seats"]

    assert (seats["source"], seats["active"], seats["drift"]) == ("product", 11, -1)


async def test_B09_access_says_why_since_when_and_what_comes(shop: Shop) -> None:
    """As far as it goes: the days that dunning adds come with dunning."""
    await signed_up(shop)
    await changed(shop, -5, "past_due", cancel_at=seconds(day(20)))

    access = (await shop.get(f"/v1/accounts/{CUSTOMER}/access"))["access"]

    assert (access["level"], access["reason"]) == ("full", "payment_failed")
    assert moment(access["since"]) == day(-5)
    assert access["next_change"]["level"] == "none"
    assert moment(access["next_change"]["at"]) == day(20)


async def test_B12_who_has_written_reads_what_was_written(shop: Shop) -> None:
    position = await shop.seat("u_1")

    body = await shop.billing(f"?at_least={position}")

    assert body["meta"]["position"] >= position
    assert body["seats"]["active"] == 1


async def _forget(shop: Shop) -> None:
    """Lose every read model."""
    async with await connect(shop.conninfo, Role.PROJECTOR) as connection:
        await connection.execute("DELETE FROM read_models.bookmarks")
        cursor = await connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'read_models' "
            "AND tablename LIKE '%\\_g1'"
        )
        for (name,) in await cursor.fetchall():
            await connection.execute(f"DROP TABLE read_models.{name} CASCADE")


def _figures(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "meta"}
