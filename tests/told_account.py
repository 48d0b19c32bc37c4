"""One account whose life is known to the day, on a ledger to ask with ``bl``.

1 Mar   subscribed to Shop (10 included) for a trial until 15 Mar, 2 extra seats billed
2 Mar   all users named: u_1 … u_12, by u_1
15 Mar  active
20 Mar  u_12 let go by u_1
15 Apr  a payment failed: past due
18 Apr  paid: active
2 May   set to end with its period, on 15 May
10 Mar  u_13 let in by u_2, told last of all
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

from ledger.database import Role
from ledger.envelope import stripe_event
from ledger.events import Command, Event, SeatAssigned, SeatReleased, SeatsCounted
from ledger.postgres import PostgresLog
from projections.projector.process import catch_up

ACCOUNT: Final = "cus_JT01"
CARD: Final = "4242 4242 4242 4242"
SUBSCRIPTION: Final = "sub_JT0001"
USERS: Final = tuple(f"u_{number}" for number in range(1, 13))
METADATA: Final = {
    "base": {"billing_role": "base", "included_seats": "10"},
    "seat": {"billing_role": "seat", "seat_quantity": "extra"},
}


def day(month: int, number: int) -> datetime:
    return datetime(2026, month, number, tzinfo=UTC)


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


async def tell(conninfo: str) -> dict[str, int]:
    """Append the life of the account; return the position of each of its events."""
    told = life()
    async with PostgresLog.open(conninfo, Role.APPENDER) as log:
        receipts = await log.append(list(told.values()))
    await project(conninfo)
    return {name: one.position for name, one in zip(told, receipts, strict=True)}


async def project(conninfo: str) -> None:
    """Bring the read models up to the log."""
    async with PostgresLog.open(conninfo, Role.PROJECTOR) as log:
        await catch_up(conninfo, log)


def life() -> dict[str, Event]:
    """Return the account's events by what they tell."""
    trial = {"status": "trialing", "trial_end": seconds(day(3, 15))}
    ends = {"cancel_at_period_end": True, "cancel_at": seconds(day(5, 15))}
    shop = {"object": "product", "id": "prod_base", "name": "Shop", "metadata": {}}
    unpaid = invoice(status="open", amount_paid=0, amount_remaining=11500)
    paid = invoice(status="paid", amount_paid=11500, amount_remaining=0)
    return {
        "product": event(1, day(2, 1), "product.created", shop),
        "customer": event(2, day(3, 1), "customer.created", customer()),
        "card": event(3, day(3, 1), "payment_method.attached", card()),
        "began": event(
            4, day(3, 1), "customer.subscription.created", subscription(3, trial)
        ),
        "named": SeatsCounted(
            account=ACCOUNT,
            command=command("named"),
            users=USERS,
            actor="u_1",
            effective_at=day(3, 2),
        ),
        "active": event(
            5, day(3, 15), "customer.subscription.updated", subscription(4), trial
        ),
        "freed": seat(SeatReleased, "u_12", "u_1", day(3, 20)),
        "failed": event(6, day(4, 15), "invoice.payment_failed", unpaid),
        "past_due": event(
            7,
            day(4, 15),
            "customer.subscription.updated",
            subscription(4, {"status": "past_due"}),
            {"status": "active"},
        ),
        "paid": event(8, day(4, 18), "invoice.paid", paid),
        "paid_up": event(
            9,
            day(4, 18),
            "customer.subscription.updated",
            subscription(5),
            {"status": "past_due"},
        ),
        "set_to_end": event(
            10,
            day(5, 2),
            "customer.subscription.updated",
            subscription(5, ends),
            {"cancel_at_period_end": False, "cancel_at": None},
        ),
        "late_seat": seat(SeatAssigned, "u_13", "u_2", day(3, 10)),
    }


def event(
    number: int,
    at: datetime,
    kind: str,
    shown: dict[str, Any],
    before: dict[str, Any] | None = None,
) -> Event:
    """Return what Stripe told at *at*; *before* are the values that it replaced."""
    data = {"object": shown} | ({} if before is None else {"previous_attributes": before})
    body = {
        "id": f"evt_JT{number:04d}",
        "object": "event",
        "api_version": "2026-02-25.clover",
        "created": seconds(at),
        "livemode": False,
        "type": kind,
        "data": data,
    }
    return stripe_event(json.dumps(body).encode(), ledger_livemode=False)


def subscription(ends_in: int, changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the subscription in its period that ends on the 15th of that month."""
    period = {
        "current_period_start": seconds(day(ends_in - 1, 15 if ends_in > 3 else 28)),
        "current_period_end": seconds(day(ends_in, 15)),
    }
    if ends_in == 3:
        period["current_period_start"] = seconds(day(3, 1))
    return {
        "id": SUBSCRIPTION,
        "object": "subscription",
        "customer": ACCOUNT,
        "status": "active",
        "currency": "usd",
        "created": seconds(day(3, 1)),
        "cancel_at_period_end": False,
        "cancel_at": None,
        "trial_end": seconds(day(3, 15)),
        "items": {
            "object": "list",
            "data": [item("base", 1) | period, item("seat", 2) | period],
        },
        **(changes or {}),
    }


def item(price: str, quantity: int) -> dict[str, Any]:
    return {
        "id": f"si_{price}",
        "object": "subscription_item",
        "quantity": quantity,
        "price": {
            "id": f"price_{price}",
            "object": "price",
            "product": f"prod_{price}",
            "currency": "usd",
            "created": seconds(day(1, 1)),
            "billing_scheme": "per_unit",
            "unit_amount": 9900 if price == "base" else 800,
            "unit_amount_decimal": "9900" if price == "base" else "800",
            "recurring": {"interval": "month", "interval_count": 1},
            "metadata": METADATA[price],
        },
    }


def customer() -> dict[str, Any]:
    return {
        "id": ACCOUNT,
        "object": "customer",
        "created": seconds(day(3, 1)),
        "currency": "usd",
        "email": "billing@example.com",
        "name": f"Shop of {CARD}",
        "description": f"pays with {CARD}",
        "tax_exempt": "reverse",
        "invoice_settings": {"default_payment_method": "pm_JT0001"},
    }


def card() -> dict[str, Any]:
    return {
        "id": "pm_JT0001",
        "object": "payment_method",
        "customer": ACCOUNT,
        "created": seconds(day(3, 1)),
        "type": "card",
        "card": {
            "brand": "visa",
            "country": "US",
            "last4": "4242",
            "exp_month": 12,
            "exp_year": 2027,
        },
    }


def invoice(**changes: object) -> dict[str, Any]:
    return {
        "id": "in_JT0001",
        "object": "invoice",
        "customer": ACCOUNT,
        "subscription": SUBSCRIPTION,
        "number": "JT-0001",
        "created": seconds(day(4, 15)),
        "currency": "usd",
        "total": 11500,
        "subtotal": 11500,
        "amount_due": 11500,
        "attempt_count": 1,
        "attempted": True,
        **changes,
    }


def seat(
    kind: type[SeatAssigned | SeatReleased], user: str, actor: str, at: datetime
) -> Event:
    return kind(
        account=ACCOUNT,
        command=command(f"{user} {kind.__name__}"),
        user=user,
        actor=actor,
        effective_at=at,
    )


def command(name: str) -> Command:
    return Command.identify(account=ACCOUNT, route="seats", key=name, fingerprint=name)
