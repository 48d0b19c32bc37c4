"""Trials of order beyond one subscription: invoices, twin ids, strangers, a late month."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from ledger.events import Event, StripeEvent
from ledger.twin import MemoryLog
from projections import rendering
from projections.answer import Billing, answer
from projections.assembly import as_of, assembled
from projections.models.links import resolve
from projections.models.registry import PROJECTIONS
from projections.projector.rows import Codec
from projections.projector.runner import Runner
from projections.projector.twin import MemoryRows

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(
    name: str,
    kind: str,
    at: datetime,
    shows: dict[str, Any],
    replaced: dict[str, Any] | None = None,
    version: str | None = None,
    account: str = "cus_1",
) -> StripeEvent:
    data: dict[str, Any] = {"object": {"customer": account, "created": 1, **shows}}
    if replaced is not None:
        data["previous_attributes"] = replaced
    return StripeEvent(
        event_id=f"evt_{name}",
        body=json.dumps({"data": data}).encode(),
        account=account,
        object_id=shows["id"],
        occurred_at=at,
        stripe_type=kind,
        api_version=version,
    )


def invoice(name: str, kind: str, second: int, **shows: Any) -> StripeEvent:  # noqa: ANN401
    at = NOON + timedelta(seconds=second)
    body = {"id": "in_1", "currency": "usd", "total": 500, **shows}
    return event(name, f"invoice.{kind}", at, body)


def subscription(name: str, at: datetime, status: str, quantity: int = 1) -> StripeEvent:
    item = {"id": "si_1", "quantity": quantity, "price": {"id": "price_1"}}
    shows = {"id": "sub_1", "status": status, "items": {"data": [item]}}
    return event(name, "customer.subscription.updated", at, shows)


async def log_of(events: Sequence[Event]) -> MemoryLog:
    log = MemoryLog(clock=lambda: NOON + timedelta(days=90))
    for one in events:
        await log.append([one])
    return log


async def answered(events: Sequence[Event], account: str = "cus_1") -> Billing:
    log, kept = await log_of(events), {}
    for each in PROJECTIONS:
        rows, codec = MemoryRows(each.version), Codec(each)
        await Runner(each, log, rows).catch_up()
        assert rows.failures == {}
        kept[each.name] = {k: codec.decode(row.state) for k, row in rows.rows.items()}
    return answer(assembled(resolve(account, {}), kept), NOON + timedelta(days=90))


def told(billing: Billing) -> dict[str, Any]:
    return dict(rendering.without_evidence(rendering.billing(billing)))


LIFE: Final = [
    invoice("c", "created", 1, status="draft"),
    invoice("f", "finalized", 2, status="open", amount_due=500, number="A-1"),
    invoice("p", "paid", 3, status="paid", amount_paid=500, number="A-1"),
]


async def test_O05_paid_before_created_is_paid_and_heals() -> None:
    paid = await answered(LIFE[2:])
    assert [one.invoice.status for one in paid.invoices] == ["paid"]

    for order in itertools.permutations(LIFE):
        healed = await answered(order)
        (one,) = healed.invoices
        assert (one.invoice.status, one.invoice.number) == ("paid", "A-1")


async def test_O06_a_failure_told_after_the_payment_leaves_it_paid() -> None:
    failed = [
        invoice("1", "payment_failed", 3, status="open", attempt_count=1),
        invoice("2", "payment_failed", 4, status="open", attempt_count=2),
        invoice("3", "paid", 5, status="paid", attempt_count=3),
    ]
    for order in itertools.permutations(failed):
        (one,) = (await answered(order)).invoices
        assert (one.invoice.status, one.invoice.attempt_count) == ("paid", 3)


async def test_O06_in_one_second_the_payment_comes_after_the_failure() -> None:
    failed = invoice("z", "payment_failed", 3, status="open")
    paid = invoice("a", "paid", 3, status="paid")
    for order in itertools.permutations([failed, paid]):
        assert (await answered(order)).invoices[0].invoice.status == "paid"


async def test_O07_one_change_under_two_ids_has_one_effect() -> None:
    change = subscription("1", NOON, "active", 3)
    twin = subscription("2", NOON, "active", 3)

    once, twice = await answered([change]), await answered([change, twin])

    assert told(twice) == told(once)
    assert told(await answered([twin, change])) == told(once)


async def test_O08_thirty_days_late_changes_then_and_not_what_was_known_before() -> None:
    began = [subscription("1", NOON, "active", 2)]
    later = [subscription("2", NOON + timedelta(days=31), "active", 4)]
    late = subscription("late", NOON + timedelta(days=1), "past_due", 3)
    moment = NOON + timedelta(days=2)

    async def on_day_two(known: int) -> Billing:
        pages = [page async for page in (await log_of([*began, *later, late])).read()]
        recorded = [one for page in pages for one in page if one.position <= known]
        return answer(as_of(resolve("cus_1", {}), recorded, moment), moment)

    assert (await on_day_two(known=2)).status == "active"
    assert (await on_day_two(known=3)).status == "past_due"
    assert (await answered([*began, *later, late])).status == "active"


async def test_O09_the_same_id_with_other_content_changes_nothing() -> None:
    first = subscription("1", NOON, "active", 2)
    other = subscription("1", NOON, "canceled", 9)

    assert told(await answered([first, other])) == told(await answered([first]))


@pytest.mark.parametrize("versions", [("2020-08-27", "2026-02-25.clover")])
async def test_O10_one_event_told_by_two_endpoints_has_one_effect(
    versions: tuple[str, str],
) -> None:
    shows = {"id": "sub_1", "status": "trialing"}
    kind = "customer.subscription.created"
    both = [event("1", kind, NOON, shows, version=each) for each in versions]

    log = await log_of(both)

    assert (await log.head()).position == 1
    assert (await answered(both)).status == "trialing"


async def test_O12_a_stranger_has_an_account_of_its_own_and_parks_nobody() -> None:
    known = subscription("1", NOON, "active", 2)
    unknown = [
        event(
            "2",
            "customer.subscription.created",
            NOON,
            {"id": "sub_9", "status": "past_due"},
            account="cus_nobody",
        ),
        StripeEvent(event_id="evt_3", body=b"{}", stripe_type="invoice.paid"),
        StripeEvent(event_id="evt_4", body=b"[]", stripe_type="charge.refunded"),
    ]

    assert told(await answered([*unknown, known])) == told(await answered([known]))
    assert (await answered([known, *unknown], "cus_nobody")).status == "past_due"
