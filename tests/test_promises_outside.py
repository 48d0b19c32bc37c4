"""What the pages promise of Stripe's own figures, kept through the doors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from ledger.clock import utc_now
from ledger.events import Source
from ledger.shown_objects import Showing, stripe_object
from projections.projector.process import catch_up as project
from shop import Shop, item, moment, opened, subscription
from stripe_outside import client_of, company
from stripe_server import running_stripe
from webhooks.held import Held, held
from webhooks.reconciling import Reconciliation


@pytest.fixture
async def shop(ledger_database18: str) -> AsyncIterator[Shop]:
    async with opened(ledger_database18) as shop:
        yield shop


async def test_J03_every_answer_says_when_it_was_reconciled_and_shows_a_difference(
    shop: Shop,
) -> None:
    await shop.deliver("customer.subscription.created", subscription(), -40)
    before = await shop.billing()

    async def read() -> Held:
        await project(shop.conninfo, shop.log)
        return await held(shop.conninfo)

    with running_stripe(company(2, 2)) as server:
        async with client_of(server) as client:
            begun = utc_now()
            work = Reconciliation(client, shop.log, read, utc_now, livemode=False)
            found = await work.run()
    after = await shop.billing()

    assert before["meta"]["reconciled_at"] is None
    assert moment(after["meta"]["reconciled_at"]) >= begun - timedelta(seconds=1)
    assert after["meta"]["lag_ms"] == 0
    # This Stripe has never heard of sub_1, and the account says so.
    assert ("extra", "sub_1") in {(each.what, each.id) for each in found.left}
    assert "differs_from_stripe" in {each["code"] for each in after["findings"]}


async def test_B13_a_gap_is_found_and_healed_from_stripe_with_provenance(
    shop: Shop,
) -> None:
    await shop.deliver("customer.subscription.created", subscription(), -40)
    more = subscription(
        items={"object": "list", "data": [item("base", 1), item("seat", 5)]}
    )
    lost = {"items": {"data": [item("base", 1), item("seat", 4)]}}
    position = await shop.deliver("customer.subscription.updated", more, -3, lost)
    suspected = await shop.billing()

    shown = {**more, "status": "past_due"}
    event = stripe_object(
        json.dumps(shown).encode(), Showing(source=Source.CATCH_UP, at=utc_now())
    )
    (receipt,) = await shop.log.append([event])
    healed = await shop.billing()
    provenance = await shop.get(f"/v1/events/{receipt.position}", scope="audit")

    (gap,) = [each for each in suspected["findings"] if each["code"] == "gap_suspected"]
    assert gap["evidence"] == [position]
    (heal,) = [each for each in healed["findings"] if each["code"].startswith("gap_")]
    assert (heal["code"], heal["evidence"]) == (
        "gap_healed",
        [position, receipt.position],
    )
    assert healed["status"] == "past_due"
    assert (provenance["topic"], provenance["source"]) == ("stripe_object", "catch_up")
    assert provenance["body"] == shown
