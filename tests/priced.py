"""An account told to pure functions, so that a total can be read off without a server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ledger.envelope import stripe_event
from ledger.events import Command, Event, SeatsCounted
from projections.answer import Account, Billing, answer
from projections.assembly import OWN, assembled
from projections.models.catalogue import CATALOGUE
from projections.models.links import Linked
from projections.totals.period_lines import PeriodLine
from projections.totals.period_total import PeriodTotal
from recordings import folded
from shop import METADATA

CUSTOMER: Final = "cus_1"
START: Final = datetime(2026, 3, 1, tzinfo=UTC)
END: Final = datetime(2026, 4, 1, tzinfo=UTC)
VERSION: Final = "2026-02-25.clover"


def day(number: float) -> datetime:
    """Return the time so many days after the period's start; 31 is its end."""
    return START + timedelta(days=number)


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def told(kind: str, shown: Mapping[str, Any], at: float = 0, **data: Any) -> Event:  # noqa: ANN401
    """Return an event of Stripe's; its id is of what it says."""
    body = {
        "id": f"evt_{kind}_{shown.get('id')}_{at}",
        "object": "event",
        "api_version": VERSION,
        "created": seconds(day(at)),
        "type": kind,
        "livemode": False,
        "data": {"object": {"customer": CUSTOMER, **shown}, **data},
    }
    return stripe_event(json.dumps(body).encode(), ledger_livemode=False)


def counted(users: int, at: float = 0) -> SeatsCounted:
    """Return that the product has so many users from then on."""
    return SeatsCounted(
        account=CUSTOMER,
        command=Command.identify(
            account=CUSTOMER, route="seats", key=f"{users} {at}", fingerprint=""
        ),
        count=users,
        effective_at=day(at),
    )


def item(price: str, quantity: int | None = 1, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return an item of a subscription; its price may be changed by name."""
    amount = {"base": "9900", "seat": "800"}.get(price, "1000")
    own = {name: changes.pop(name) for name in ("discounts",) if name in changes}
    start, end = changes.pop("start", 0), changes.pop("end", 31)
    return {
        "id": f"si_{price}",
        "quantity": quantity,
        "current_period_start": seconds(day(start)),
        "current_period_end": seconds(day(end)),
        "price": {
            "id": f"price_{price}",
            "product": f"prod_{price}",
            "currency": "usd",
            "created": seconds(day(-400)),
            "billing_scheme": "per_unit",
            "unit_amount_decimal": amount,
            "recurring": {"interval": "month", "interval_count": 1},
            "metadata": METADATA.get(price, {}),
            **changes,
        },
        **own,
    }


def subscription(*items: dict[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "id": "sub_1",
        "object": "subscription",
        "status": "active",
        "currency": "usd",
        "created": seconds(START),
        "start_date": seconds(START),
        "billing_cycle_anchor": seconds(START),
        "items": {"data": list(items or (item("base"), item("seat", 2)))},
        **changes,
    }


def line(
    price: str | None,
    amount: int,
    quantity: int | None = 1,
    *,
    start: float = 0,
    end: float = 31,
    **changes: Any,  # noqa: ANN401 - any field
) -> dict[str, Any]:
    """Return a line of an invoice; without a price it is one of its own."""
    of_item = {"subscription": "sub_1", "subscription_item": f"si_{price}"}
    parent: dict[str, Any] = {"subscription_item_details": of_item}
    pricing = {"price_details": {"price": f"price_{price}", "product": f"prod_{price}"}}
    if price is None:
        parent = {"invoice_item_details": {"invoice_item": "ii_1", "proration": False}}
    return {
        "id": f"il_{price}_{amount}",
        "amount": amount,
        "quantity": quantity,
        "period": {"start": seconds(day(start)), "end": seconds(day(end))},
        "parent": parent,
        "pricing": pricing if price else None,
        **changes,
    }


def invoice(*lines: dict[str, Any], at: float = 0, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return an open invoice of the subscription."""
    off = [each for one in lines for each in one.get("discount_amounts", [])]
    taxes = [each for one in lines for each in one.get("taxes", [])]
    total = sum(one["amount"] for one in lines) - sum(each["amount"] for each in off)
    total += sum(
        each["amount"] for each in taxes if each.get("tax_behavior") != "inclusive"
    )
    return {
        "id": "in_1",
        "object": "invoice",
        "status": "open",
        "created": seconds(day(at)),
        "currency": "usd",
        "parent": {"subscription_details": {"subscription": "sub_1"}},
        "lines": {"data": list(lines), "has_more": False},
        "total": total,
        "total_discount_amounts": off,
        "total_taxes": taxes,
        **changes,
    }


def coupon(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    return {
        "id": "LAUNCH20",
        "name": "Launch",
        "created": seconds(day(-400)),
        "percent_off": 20.0,
        "duration": "forever",
        **changes,
    }


def discount(coupon: dict[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "id": f"di_{coupon['id']}",
        "start": seconds(START),
        "end": None,
        "coupon": coupon,
        **changes,
    }


def account(events: Iterable[Event]) -> Account:
    """Return the account as read models keep it after *events*."""
    kept = folded(events)
    names = {each.name for each in (*OWN, CATALOGUE)}
    return assembled(
        Linked(customer=CUSTOMER, product=None),
        {name: states for name, states in kept.items() if name in names},
    )


def billing(*events: Event, now: float = 15) -> Billing:
    return answer(account(events), day(now))


def total(*events: Event, now: float = 15) -> PeriodTotal:
    found = billing(*events, now=now).period_total
    assert found is not None
    return found


def figures(told: PeriodTotal) -> tuple[int, int, int, int, int, int]:
    """Return base, seats, other, discount, tax and total."""
    return told.base, told.seats, told.other, told.discount, told.tax, told.total


def rows(told: PeriodTotal) -> list[tuple[str, str, int]]:
    """Return kind, source and amount of each line."""
    return [_row(each) for each in told.lines]


def codes(told: PeriodTotal) -> list[str]:
    return [each.code for each in told.findings]


def _row(line: PeriodLine) -> tuple[str, str, int]:
    return line.kind.value, line.source.value, line.amount
