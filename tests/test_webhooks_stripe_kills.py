"""Catch-up and reconcile killed at each step, and given again: nothing lost or doubled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from ledger.errors import UnavailableError
from ledger.events import Source, StripeEvent, StripeObject
from ledger.shown_objects import Showing, stripe_object
from stripe_outside import caught_up, company, heard, ids, reconciled, stored
from stripe_server import RunningStripe, running_stripe
from test_webhooks_stripe_import import Dying

LIFE = (12, 6)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningStripe]:
    with running_stripe(company(*LIFE)) as running:
        yield running


@pytest.fixture(scope="module")
def events() -> list[StripeEvent]:
    return heard(company(*LIFE))


def at_end(server: RunningStripe) -> datetime:
    return datetime.fromtimestamp(server.company.now, UTC) + timedelta(hours=1)


@pytest.mark.parametrize("committed", [False, True])
async def test_a_catch_up_killed_at_each_step_brings_all_and_nothing_twice(
    server: RunningStripe, events: list[StripeEvent], *, committed: bool
) -> None:
    now = at_end(server)
    recent = [
        e for e in events if e.occurred_at and e.occurred_at > now - timedelta(days=29)
    ]
    log = Dying(0, committed=committed)
    await log.append([each for each in events if each not in recent])
    died = 0

    for step in range(1, 20):
        log.left = step
        try:
            await caught_up(server, log, clock=lambda: now)
        except UnavailableError:
            died += 1
            continue
        break

    kept = ids(await stored(log))
    assert died >= 2
    assert len(kept) == len(set(kept))
    assert set(kept) == {each.event_id for each in events}


@pytest.mark.parametrize("committed", [False, True])
async def test_a_mending_killed_at_each_step_mends_all_and_nothing_twice(
    server: RunningStripe, events: list[StripeEvent], *, committed: bool
) -> None:
    now = at_end(server)
    log = Dying(0, committed=committed)
    await log.append(events)
    begun = [e for e in events if e.stripe_type == "customer.created"][:5]
    for each in begun:
        believed = {**msgspec.json.decode(each.body)["data"]["object"], "balance": -777}
        await log.append(
            [
                stripe_object(
                    msgspec.json.encode(believed), Showing(source=Source.IMPORT, at=now)
                )
            ]
        )
    died = 0

    for _ in range(20):
        log.left = 2
        try:
            await reconciled(server, log, fix=True, clock=lambda: now)
        except UnavailableError:
            died += 1
            continue
        break
    log.left = 0

    mended = Counter(
        each.event.object_id
        for each in await stored(log)
        if isinstance(each.event, StripeObject) and each.event.source is Source.RECONCILE
    )
    assert died >= 3
    assert mended == Counter(each.object_id for each in begun)
    assert (await reconciled(server, log, clock=lambda: now)).found == []
