"""What Stripe is asked for again: broken chains, lost beginnings, thin events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ledger.database import Role
from ledger.envelope import stripe_event
from ledger.events import Source, StripeEvent, StripeObject
from ledger.postgres import PostgresLog
from projections.projector.process import catch_up as project
from stripe_outside import client_of, company, heard, stored
from stripe_server import RunningStripe, running_stripe
from webhooks.healing import gaps, heal

LIFE = (6, 4)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningStripe]:
    with running_stripe(company(*LIFE)) as running:
        yield running


@pytest.fixture
async def log(ledger_database18: str) -> AsyncIterator[PostgresLog]:
    async with PostgresLog.open(ledger_database18, Role.APPENDER) as log:
        yield log


async def projected(conninfo: str, log: PostgresLog, events: list[StripeEvent]) -> None:
    await log.append(events)
    await project(conninfo, log)


async def asked_for(conninfo: str) -> set[tuple[str, str]]:
    return {(kind, name) async for kind, name, _ in gaps(conninfo)}


def lost(events: list[StripeEvent], *types: str) -> dict[str, str]:
    """Return of each type an object that more is told of later, and the event of it."""
    found = {}
    for kind in types:
        for event in events:
            rest = [each for each in events if each.object_id == event.object_id]
            if event.stripe_type == kind and rest[-1] is not event and rest[0] is event:
                found[str(event.object_id)] = event.event_id
                break
    return found


async def test_what_was_heard_whole_is_not_asked_for(
    ledger_database18: str, log: PostgresLog
) -> None:
    await projected(ledger_database18, log, heard(company(*LIFE)))

    assert await asked_for(ledger_database18) == set()


async def test_whatever_lacks_its_beginning_is_asked_for_once(
    server: RunningStripe, ledger_database18: str, log: PostgresLog
) -> None:
    events = heard(company(*LIFE))
    missing = lost(
        events,
        "customer.created",
        "customer.subscription.created",
        "invoice.created",
        "payment_intent.created",
        "payment_method.attached",
        "charge.succeeded",
        "refund.created",
    )
    part = [each for each in events if each.event_id not in missing.values()]
    await projected(ledger_database18, log, part)

    before = await asked_for(ledger_database18)
    async with client_of(server) as client:
        healed = await heal(client, log, ledger_database18)
        await project(ledger_database18, log)
        after = await asked_for(ledger_database18)

    assert len(missing) >= 4
    assert {name for _, name in before} == set(missing)
    assert (healed, after) == (len(missing), set())
    shown = [e.event for e in await stored(log) if isinstance(e.event, StripeObject)]
    assert {(each.object_id, each.source) for each in shown} == {
        (name, Source.CATCH_UP) for name in missing
    }


def thin(kind: str, name: str, path: str, at: datetime) -> StripeEvent:
    body = {
        "id": f"evt_thin_{name}",
        "object": "v2.core.event",
        "type": kind,
        "created": f"{at:%Y-%m-%dT%H:%M:%S}.123Z",
        "livemode": False,
        "related_object": {"id": name, "url": f"/v1/{path}/{name}"},
    }
    return stripe_event(json.dumps(body).encode(), ledger_livemode=False)


async def test_a_thin_event_is_fetched_unless_more_was_told_since(
    server: RunningStripe, ledger_database18: str, log: PostgresLog
) -> None:
    events = heard(company(*LIFE))
    known = [e for e in events if e.stripe_type == "customer.subscription.created"]
    first, second = known[0], known[1]
    assert first.object_id is not None
    assert second.object_id is not None
    assert second.occurred_at is not None
    unheard = next(e for e in events if e.stripe_type == "price.created")
    end = datetime.fromtimestamp(server.company.now, UTC) + timedelta(days=1)
    kind = "v1.customer.subscription.updated"
    hints = [
        thin(kind, first.object_id, "subscriptions", end),
        thin(kind, second.object_id, "subscriptions", second.occurred_at),
        thin("v1.price.updated", str(unheard.object_id), "prices", end),
    ]
    await projected(ledger_database18, log, [*events, *hints])

    before = await asked_for(ledger_database18)
    async with client_of(server) as client:
        healed = await heal(client, log, ledger_database18)
    await project(ledger_database18, log)

    assert before == {("subscription", first.object_id), ("price", unheard.object_id)}
    assert healed == 2
    assert await asked_for(ledger_database18) == set()
