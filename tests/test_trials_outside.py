"""Trials of what is read from Stripe: differences, outages, restores, twice-told events."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import attrs
import msgspec
import pytest

from ledger.clock import utc_now
from ledger.events import (
    Check,
    DeliveryConflicted,
    Source,
    StripeChecked,
    StripeEvent,
    StripeObject,
)
from ledger.shown_objects import Showing, stripe_object
from ledger.twin import MemoryLog
from replay.simulator.api.access import ApiKey
from replay.simulator.shapes import Shape
from stripe_likeness import Side, unlike
from stripe_outside import (
    answered,
    caught_up,
    client_of,
    company,
    heard,
    ids,
    imported,
    log_of,
    reconciled,
    rendered,
    stored,
    told,
)
from stripe_server import RunningStripe, running_stripe
from webhooks.comparing import Difference
from webhooks.retrieving import retrieved
from webhooks.stripe_pages import pages

# What is true now, whatever came before.
OF_NOW: Final = (
    ".status",
    ".badge",
    ".access.level",
    ".access.reason",
    ".subscription",
    ".seats",
    ".period_total",
    ".invoices",
    ".billing_contact",
    ".tax_",
)
ACCOUNTS: Final = 30
MONTHS: Final = 8


@pytest.fixture(scope="module")
def server() -> Iterator[RunningStripe]:
    with running_stripe(company(ACCOUNTS, MONTHS)) as running:
        yield running


@pytest.fixture(scope="module")
def events() -> list[StripeEvent]:
    return heard(company(ACCOUNTS, MONTHS))


@pytest.fixture(autouse=True)
def well(server: RunningStripe) -> None:
    server.faults.clear()


def at_end(server: RunningStripe, later: timedelta = timedelta(hours=1)) -> Clock:
    return Clock(datetime.fromtimestamp(server.company.now, UTC) + later)


class Clock:
    """A clock that stands still."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


async def shown(server: RunningStripe, path: str, **asked: str) -> list[dict[str, Any]]:
    async with client_of(server) as client:
        return [
            msgspec.json.decode(each.raw)
            async for page in pages(client, path, asked)
            for each in page.objects
        ]


def drifted(content: dict[str, Any], at: datetime) -> StripeObject:
    """Return an observation that makes the ledger believe something else."""
    raw = msgspec.json.encode(content)
    return stripe_object(raw, Showing(source=Source.IMPORT, at=at))


Seed = tuple[Difference, str]
Content = dict[str, Any]
Drift = tuple[Difference, Callable[[Content], Content]]


def items(content: Content, **changes: Any) -> Content:  # noqa: ANN401 - any field
    """Return the items of a subscription, the first of them changed."""
    first, *rest = content["items"]["data"]
    return {"items": {"object": "list", "data": [{**first, **changes}, *rest]}}


def more_items(content: Content) -> Content:
    first, *rest = content["items"]["data"]
    return {"items": {"object": "list", "data": [first, {**first, "id": "si_no"}, *rest]}}


def later(content: Content, name: str) -> Content:
    return {name: (content[name] or content["created"]) + 86_400}


def other_status(content: Content) -> str:
    return "past_due" if content["status"] == "active" else "active"


def discounted(_: Content) -> Content:
    return {"discounts": [{"id": "di_gone", "source": {"coupon": "SAVE20"}}]}


# What the ledger is made to believe, and as what that must be found.
OF_SUBSCRIPTIONS: Final[tuple[Drift, ...]] = (
    (Difference.QUANTITY, lambda it: items(it, quantity=77)),
    (Difference.QUANTITY, more_items),
    (Difference.STATUS, lambda it: {"status": other_status(it)}),
    (
        Difference.STATUS,
        lambda it: {"cancel_at_period_end": not it["cancel_at_period_end"]},
    ),
    (Difference.STATUS, lambda it: later(it, "cancel_at")),
    (Difference.STATUS, lambda it: later(it, "trial_end")),
    (Difference.STATUS, lambda _: {"pause_collection": {"behavior": "void"}}),
    (Difference.STATUS, lambda it: {"collection_method": it["collection_method"][::-1]}),
    (Difference.CURRENCY, lambda _: {"currency": "sek"}),
    (Difference.AMOUNT, lambda it: items(it, price={"id": "price_of_nobody"})),
    (Difference.AMOUNT, discounted),
    (Difference.AMOUNT, lambda it: items(it, discounts=["di_gone"])),
    (Difference.EXTRA, lambda it: {"id": f"{it['id']}_of_nobody"}),
)
OF_INVOICES: Final[tuple[Drift, ...]] = (
    (Difference.AMOUNT, lambda it: {"amount_due": it["amount_due"] + 1}),
    (Difference.AMOUNT, lambda it: {"amount_remaining": it["amount_remaining"] - 1}),
    (Difference.AMOUNT, lambda it: {"amount_paid": it["amount_paid"] + 1}),
    (Difference.AMOUNT, lambda it: {"total": it["total"] - 1}),
    (Difference.STATUS, lambda _: {"status": "void"}),
    (Difference.STATUS, lambda it: later(it, "due_date")),
    (Difference.CURRENCY, lambda _: {"currency": "sek"}),
    (Difference.EXTRA, lambda it: {"id": f"{it['id']}_of_nobody"}),
)
OF_COUPONS: Final[tuple[Drift, ...]] = (
    (Difference.AMOUNT, lambda it: {"duration": it["duration"][::-1]}),
    (Difference.EXTRA, lambda it: {"id": f"{it['id']}_of_nobody"}),
)
OF_CUSTOMERS: Final[tuple[Drift, ...]] = (
    (Difference.AMOUNT, lambda it: {"balance": it["balance"] - 1}),
    (Difference.CURRENCY, lambda _: {"currency": "sek"}),
    (Difference.EXTRA, lambda it: {"id": f"{it['id']}_of_nobody"}),
)
OVER: Final = frozenset({"canceled", "incomplete_expired"})


async def seeded(
    server: RunningStripe, events: list[StripeEvent], at: datetime, turn: int = 0
) -> tuple[MemoryLog, list[Seed]]:
    """Return a ledger with differences of every class, each of its own object.

    Args:
        turn: Which of an object's ways to differ comes first, as there are few of some.
    """
    subscriptions = [
        each for each in await shown(server, "subscriptions") if each["status"] not in OVER
    ]
    invoices = await shown(server, "invoices", status="open")
    missing = {subscriptions.pop()["id"], invoices.pop()["id"]}
    seeds: list[Seed] = [(Difference.MISSING, each) for each in missing]
    objects: list[StripeObject] = []
    for drifts, contents in (
        (OF_SUBSCRIPTIONS, subscriptions),
        (OF_INVOICES, invoices),
        (OF_COUPONS, await shown(server, "coupons")),
        (OF_CUSTOMERS, await shown(server, "customers")),
    ):
        turned = cycle(drifts[turn:] + drifts[:turn])
        for content, (what, change) in zip(contents, turned, strict=False):
            believed = {**content, **change(content)}
            objects.append(drifted(believed, at))
            seeds.append((what, believed["id"]))
    log = await log_of(each for each in events if each.object_id not in missing)
    await log.append(objects)
    return log, seeds


@pytest.mark.parametrize("turn", [0, 4])
async def test_C07_every_seeded_difference_is_found_and_none_invented(
    server: RunningStripe, events: list[StripeEvent], turn: int
) -> None:
    clock = at_end(server)
    log, seeds = await seeded(server, events, clock(), turn)

    first = await reconciled(server, log, clock=clock)

    assert sorted((each.what, each.id) for each in first.found) == sorted(seeds)
    assert len(seeds) > ACCOUNTS
    assert not first.ok


async def test_C07_control_a_ledger_that_heard_everything_differs_in_nothing(
    server: RunningStripe, events: list[StripeEvent]
) -> None:
    log = await log_of(events)

    whole = await reconciled(server, log)

    assert [
        (each.what, each.id, each.field, each.ours, each.stripes) for each in whole.found
    ] == []
    assert whole.ok
    assert whole.looked_at > ACCOUNTS
    last = (await stored(log))[-1].event
    assert isinstance(last, StripeChecked)
    assert (last.check, last.ok, last.differing) == (Check.RECONCILE, True, ())


async def test_C07_what_is_fixed_follows_stripe(
    server: RunningStripe, events: list[StripeEvent]
) -> None:
    clock = at_end(server)
    log, seeds = await seeded(server, events, clock())

    fixed = await reconciled(server, log, fix=True, clock=clock)
    again = await reconciled(server, log, clock=Clock(clock() + timedelta(minutes=1)))

    assert {name for _, name in fixed.fixed} == {name for _, name in seeds}
    assert (fixed.ok, again.ok, again.found) == (True, True, [])
    sources = Counter(
        each.event.source
        for each in await stored(log)
        if isinstance(each.event, StripeObject)
    )
    assert sources[Source.RECONCILE] == len(fixed.fixed)


def deleted_unheard(server: RunningStripe, kind: str, name: str) -> None:
    """Delete an object at Stripe, without a word to anybody."""
    work = server.company.shelf(Shape.ENDIVE)
    asyncio.run_coroutine_threadsafe(work, server.loop).result().delete(kind, name)


async def test_C07_deletions_that_nobody_told_are_found_and_mended(
    events: list[StripeEvent],
) -> None:
    log = await log_of(events)
    with running_stripe(company(ACCOUNTS, MONTHS)) as server:
        clock = at_end(server)
        live = [
            each
            for each in await shown(server, "subscriptions")
            if each["status"] not in OVER
        ]
        gone = [
            ("subscription", live[0]["id"]),
            ("customer", live[1]["customer"]),
            ("invoice", (await shown(server, "invoices", status="open"))[0]["id"]),
            ("coupon", (await shown(server, "coupons"))[0]["id"]),
        ]
        for kind, name in gone:
            deleted_unheard(server, kind, name)
        found = await reconciled(server, log, clock=clock)
        fixed = await reconciled(server, log, fix=True, clock=clock)
        again = await reconciled(server, log, clock=clock)
    now = utc_now() + timedelta(seconds=2)
    account = (await answered(log, now))[live[0]["customer"]]

    assert {each.key for each in found.found} == set(gone)
    assert {each.what for each in found.found} == {Difference.EXTRA}
    assert (fixed.fixed, fixed.ok, again.found) == (frozenset(gone), True, [])
    (ended,) = [each for each in account.subscriptions if each.id == live[0]["id"]]
    assert ended.subscription.status == "canceled"
    assert [item.id for item in ended.subscription.items] == sorted(
        item["id"] for item in live[0]["items"]["data"]
    )


async def test_discounts_whose_end_nobody_told_are_found_and_mended(
    server: RunningStripe, events: list[StripeEvent]
) -> None:
    """What they were on is as it was: only asking Stripe shows that they are gone."""
    clock = at_end(server)
    ends = "customer.discount.deleted"
    log = await log_of(each for each in events if each.stripe_type != ends)

    fixed = await reconciled(server, log, fix=True, clock=clock)
    again = await reconciled(server, log, clock=clock)

    assert {(each.what, each.field.rpartition(".")[2]) for each in fixed.found} == {
        (Difference.AMOUNT, "discounts")
    }
    assert (fixed.ok, again.found) == (True, [])
    now = utc_now() + timedelta(seconds=2)
    whole, mended = await told(await log_of(events), now), await told(log, now)
    assert [
        name
        for name, each in whole.items()
        if each["period_total"] != mended[name]["period_total"]
    ] == []


async def test_C07_a_stripe_that_has_nothing_of_the_ledgers_deletes_nothing(
    events: list[StripeEvent],
) -> None:
    """A key that may not tell its account can be another one's."""
    log = await log_of(events)
    only = ApiKey(
        "rk_test_few",
        frozenset(
            f"rak_{each}_read"
            for each in ("customer", "subscription", "invoice", "coupon", "event")
        ),
    )
    with running_stripe(company(2, 2, seed=9), keys=(only,)) as other:
        fixed = await reconciled(other, log, fix=True, clock=at_end(other))

    extra = [each for each in fixed.found if each.what is Difference.EXTRA]
    assert len(extra) > ACCOUNTS
    assert not fixed.fixed & {each.key for each in extra}
    assert not fixed.ok


async def test_an_object_that_came_back_to_what_it_was_is_fixed_as_well(
    server: RunningStripe, events: list[StripeEvent]
) -> None:
    """The same content was observed before: that it holds again is news."""
    clock = at_end(server)
    log = await log_of(events)
    async with client_of(server) as client:
        name = (await shown(server, "subscriptions"))[0]["id"]
        true = await retrieved(client, "subscription", name, source=Source.IMPORT)
    assert true is not None
    content = msgspec.json.decode(true.body)
    other = "past_due" if content["status"] != "past_due" else "unpaid"
    await log.append([attrs.evolve(true, occurred_at=clock())])
    await log.append([drifted({**content, "status": other}, clock() + timedelta(hours=1))])

    fixed = await reconciled(server, log, fix=True, clock=clock)

    versions = [one.event.version for one in await log.find(true.id)]  # type: ignore[union-attr]
    assert (len(fixed.fixed), versions) == (1, [1, 2])
    assert (await reconciled(server, log, clock=Clock(clock() + timedelta(hours=2)))).ok


async def test_what_stripe_has_only_just_done_is_in_flight(
    events: list[StripeEvent],
) -> None:
    last = next(
        each
        for each in reversed(events)
        if each.stripe_type == "customer.subscription.updated"
        and b'"status":' in each.body.partition(b'"previous_attributes"')[2]
    )
    assert last.occurred_at is not None
    now = last.occurred_at + timedelta(seconds=30)
    known = [each for each in events if (each.occurred_at or now) < last.occurred_at]
    with running_stripe(company(ACCOUNTS, MONTHS), now=now) as server:
        flying = await reconciled(server, await log_of(known), clock=Clock(now))
        later = Clock(now + timedelta(hours=1))
        drift = await reconciled(server, await log_of(known), clock=later)

    assert {each.what for each in flying.found} == {Difference.IN_FLIGHT}
    assert flying.ok
    assert last.object_id in {each.id for each in drift.left}


async def test_a_ledger_that_missed_some_equals_the_whole_one_after_catching_up(
    events: list[StripeEvent],
) -> None:
    """Beyond 30 days Stripe tells nothing: what is lost there is found by reconciling."""
    end = max(each.occurred_at for each in events if each.occurred_at)
    chance = random.Random(11)
    lost = {
        each.event_id
        for each in events
        if each.occurred_at
        and each.occurred_at > end - timedelta(days=20)
        and chance.random() < 0.2
    }
    assert len(lost) > 5
    part = await log_of(each for each in events if each.event_id not in lost)
    with running_stripe(company(ACCOUNTS, MONTHS)) as server:
        clock = at_end(server)
        found = await caught_up(server, part, clock=clock)
        again = await caught_up(server, part, clock=Clock(clock() + timedelta(hours=1)))

    whole = await log_of(events)
    now = end + timedelta(days=1)
    assert found.appended == len(lost)
    assert again.appended == 0
    assert again.since == clock() - timedelta(hours=1)
    assert await told(part, now) == await told(whole, now)


@pytest.mark.parametrize(
    ("accounts", "months", "seed"),
    [
        (12, 8, 5),
        pytest.param(300, 24, 5, marks=pytest.mark.slow),
        *(pytest.param(60, 12, seed, marks=pytest.mark.slow) for seed in range(11, 16)),
    ],
)
async def test_whatever_deliveries_were_lost_catching_up_and_an_import_bring_it_back(
    accounts: int, months: int, seed: int
) -> None:
    """A random 5 % lost: events tell of 30 days, objects of what is true now.

    What no object keeps may be lost with them, as with an import.
    """
    everything = heard(company(accounts, months, seed))
    chance = random.Random(seed)
    part = await log_of(each for each in everything if chance.random() >= 0.05)
    whole = await log_of(everything)
    with (
        running_stripe(company(accounts, months, seed)) as server,
        TemporaryDirectory() as first,
        TemporaryDirectory() as second,
    ):
        server.ready()
        clock = at_end(server)
        await caught_up(server, part, clock=clock)
        await imported(server, part, Path(first), clock=clock)
        await imported(server, whole, Path(second), clock=clock)
        mended = await reconciled(server, part, clock=clock, fix=True)
        after = await reconciled(server, part, clock=clock)

    now = utc_now() + timedelta(seconds=2)
    found, wanted = await answered(part, now), await answered(whole, now)
    # All that is left is what was deleted, which no list shows any more.
    assert {each.what for each in mended.found} <= {Difference.EXTRA}
    assert after.found == []
    assert found.keys() == wanted.keys()
    assert [
        (name, path, one, other)
        for name, each in wanted.items()
        for path, one, other in unlike(
            Side(each, rendered(each)), Side(found[name], rendered(found[name]))
        )
        if path.startswith(OF_NOW)
    ] == []


async def test_D18_after_a_restore_catching_up_fetches_the_tail(
    events: list[StripeEvent],
) -> None:
    """The log is put back to an earlier point; its twin never crashed."""
    end = max(each.occurred_at for each in events if each.occurred_at)
    restored_to = end - timedelta(days=9)
    with running_stripe(company(ACCOUNTS, MONTHS)) as server:
        clock = at_end(server)
        before = [each for each in events if (each.occurred_at or end) <= restored_to]
        log = await log_of(before)
        found = await caught_up(server, log, clock=clock)

    assert found.appended == len(events) - len(before)
    now = end + timedelta(days=1)
    assert await told(log, now) == await told(await log_of(events), now)


async def test_D18_an_outage_of_more_than_thirty_days_is_told(
    server: RunningStripe, events: list[StripeEvent]
) -> None:
    log = await log_of(events[:100])
    long_ago = at_end(server, -timedelta(days=40))
    await caught_up(server, log, clock=long_ago)

    found = await caught_up(server, log, clock=at_end(server))

    assert found.lost_from == long_ago()


async def test_O09_an_event_delivered_after_it_was_caught_up_with_is_a_duplicate(
    server: RunningStripe,
) -> None:
    log = MemoryLog("led_test")
    await caught_up(server, log, clock=at_end(server))
    first = (await stored(log))[0].event
    assert isinstance(first, StripeEvent)
    body = msgspec.json.decode(first.body)
    body["pending_webhooks"] = 7

    await _deliver(log, msgspec.json.encode(body))
    body["data"]["object"]["metadata"] = {"other": "content"}
    await _deliver(log, msgspec.json.encode(body))

    kept = await stored(log)
    assert first.source is Source.CATCH_UP
    assert ids(kept).count(first.event_id) == 1
    conflicts = [each for each in kept if isinstance(each.event, DeliveryConflicted)]
    assert len(conflicts) == 1


async def test_O10_another_version_of_a_caught_up_event_is_no_conflict(
    server: RunningStripe,
) -> None:
    log = MemoryLog("led_test")
    await caught_up(server, log, clock=at_end(server))
    first = (await stored(log))[0].event
    assert isinstance(first, StripeEvent)
    body = msgspec.json.decode(first.body)
    body["api_version"] = "2020-08-27"
    body["data"]["object"]["metadata"] = {"rendered": "otherwise"}
    count = len(await stored(log))

    await _deliver(log, msgspec.json.encode(body))

    assert len(await stored(log)) == count


async def _deliver(log: MemoryLog, body: bytes) -> None:
    from doors import deliver, served, settings_of  # noqa: PLC0415

    async with served(settings_of(), log) as door:
        assert (await deliver(door.port, body)).status == 200
