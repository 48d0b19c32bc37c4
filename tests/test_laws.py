"""What holds for every history, whatever order and batches it arrives in."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ledger.events import (
    AccountLinked,
    Command,
    Event,
    SeatAssigned,
    SeatReleased,
    SeatsCounted,
    StripeEvent,
)
from ledger.twin import MemoryLog
from projections import rendering
from projections.answer import Billing, answer
from projections.assembly import as_of, assembled
from projections.facts import SubscriptionObserved
from projections.models.declaration import Projection, on, table
from projections.models.links import LINKS, Link, resolve
from projections.models.registry import PROJECTIONS
from projections.models.seats import SEATS
from projections.models.subscriptions import SUBSCRIPTIONS, History, observed
from projections.projector.folding import apply, fold
from projections.projector.rows import Codec
from projections.projector.runner import Runner
from projections.projector.twin import MemoryRows
from projections.translation.translate import translation

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER: Final = NOON + timedelta(days=2)
STATUSES: Final = ["incomplete", "trialing", "active", "past_due", "unpaid", "canceled"]

# The short form is the same everywhere; the long one looks elsewhere each time.
EXAMPLES: Final = [200, pytest.param(10_000, marks=pytest.mark.slow)]


def held(law: Callable[..., None], examples: int) -> None:
    """Try *law* on so many examples; its arguments are drawn."""
    settings(
        max_examples=examples,
        deadline=None,
        derandomize=examples <= 200,
        database=None,
        suppress_health_check=list(HealthCheck),
    )(law)()


@attrs.frozen
class Step:
    """A subscription after one change: what Stripe would show, and when."""

    second: int
    status: str
    quantity: int


def told(subscription: str, customer: str, steps: Sequence[Step]) -> list[StripeEvent]:
    """Tell *steps* as Stripe does: whole objects, and the values each change replaced."""
    events: list[StripeEvent] = []
    before: Step | None = None
    for number, step in enumerate(steps):
        previous: dict[str, Any] | None = None
        if before is not None:
            previous = {}
            if before.status != step.status:
                previous["status"] = before.status
            if before.quantity != step.quantity:
                previous["items"] = {"data": [item(subscription, before.quantity)]}
        # Ids that do not rise with time, so that no law holds by them.
        name = hashlib.sha256(f"{subscription}{number}".encode()).hexdigest()[:24]
        kind = "updated" if number else "created"
        if step.status == "canceled" and number == len(steps) - 1:
            kind, previous = "deleted", None
        events.append(event(f"evt_{name}", kind, subscription, customer, step, previous))
        before = step
    return events


def item(subscription: str, quantity: int) -> dict[str, Any]:
    return {"id": f"si_{subscription}", "quantity": quantity, "price": {"id": "price_1"}}


def event(
    name: str,
    kind: str,
    subscription: str,
    customer: str,
    step: Step,
    previous: dict[str, Any] | None,
) -> StripeEvent:
    data: dict[str, Any] = {
        "object": {
            "id": subscription,
            "customer": customer,
            "status": step.status,
            "created": int(NOON.timestamp()),
            "currency": "usd",
            "items": {"data": [item(subscription, step.quantity)]},
        }
    }
    if previous is not None:
        data["previous_attributes"] = previous
    return StripeEvent(
        event_id=name,
        body=json.dumps({"id": name, "data": data}).encode(),
        account=customer,
        object_id=subscription,
        occurred_at=NOON + timedelta(seconds=step.second),
        stripe_type=f"customer.subscription.{kind}",
    )


def command(name: str) -> Command:
    return Command(id=f"cmd:{name}", fingerprint="")


@st.composite
def lives(draw: st.DrawFn, subscription: str, customer: str) -> list[StripeEvent]:
    """A subscription's life, several changes in one second as often as not."""
    length = draw(st.integers(1, 9))
    second, steps = 0, [Step(0, "incomplete", 1)]
    for _ in range(length):
        second += draw(st.sampled_from([0, 0, 1, 5]))
        last = steps[-1]
        if draw(st.booleans()):
            steps.append(Step(second, last.status, last.quantity + 1))
        else:
            steps.append(Step(second, draw(st.sampled_from(STATUSES[1:5])), last.quantity))
    if draw(st.booleans()):
        steps.append(Step(second, "canceled", steps[-1].quantity))
    return told(subscription, customer, steps)


@st.composite
def seat_changes(draw: st.DrawFn, account: str, second: int = 0) -> list[Event]:
    """Seat changes, each at a time of its own, also beside those of another *second*."""
    minutes = draw(st.lists(st.integers(0, 5000), unique=True, max_size=8))
    events: list[Event] = []
    for minute in minutes:
        at = NOON + timedelta(minutes=minute, seconds=second)
        of = command(f"{account}{minute}")
        kind = draw(st.integers(0, 5))
        if kind == 0:
            users = tuple(draw(st.sets(st.sampled_from("abc"))))
            events.append(
                SeatsCounted(account=account, command=of, users=users, effective_at=at)
            )
        elif kind == 1:
            events.append(
                SeatsCounted(account=account, command=of, count=7, effective_at=at)
            )
        else:
            user = draw(st.sampled_from("abc"))
            change = SeatAssigned if kind % 2 else SeatReleased
            events.append(change(account=account, command=of, user=user, effective_at=at))
    return events


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    events: list[Event] = [
        *draw(lives("sub_1", "cus_1")),
        *draw(lives("sub_2", "cus_2")),
        *draw(lives("sub_3", "cus_1")),
        *draw(seat_changes("cus_1")),
        *draw(seat_changes("shop-17", 30)),
    ]
    if draw(st.booleans()):
        link = AccountLinked(account="shop-17", command=command("l"), customer="cus_1")
        events.append(link)
    return events


class Ticking:
    """A clock that moves on by a second whenever it is read."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


async def logged(events: Iterable[Event], chunk: int = 1000) -> MemoryLog:
    log = MemoryLog(clock=Ticking())
    waiting = list(events)
    for start in range(0, len(waiting), chunk):
        await log.append(waiting[start : start + chunk])
    return log


async def kept(
    log: MemoryLog,
    projections: Iterable[Projection[Any]] = PROJECTIONS,
    batch: int = 4096,
    stops: Sequence[int] = (),
) -> dict[str, MemoryRows]:
    """Project *log*; a new runner takes over at each of *stops*."""
    found = {}
    for projection in projections:
        rows = found[projection.name] = MemoryRows(projection.version)
        for until in [*sorted(stops), None]:
            await Runner(projection, log, rows, batch=batch).catch_up(until)
    return found


def states(rows: dict[str, MemoryRows]) -> dict[str, dict[tuple[str, str], Any]]:
    return {
        each.name: {
            key: Codec(each).decode(row.state) for key, row in rows[each.name].rows.items()
        }
        for each in PROJECTIONS
        if each.name in rows
    }


def dump(rows: dict[str, MemoryRows], now: datetime = LATER) -> bytes:
    """Write every account's answer, without meta and evidence."""
    decoded = states(rows)
    links: dict[str, Link] = {key[0]: link for key, link in decoded["links"].items()}
    accounts = {key[0] for each in decoded.values() for key in each}
    bodies = {}
    for account in sorted(accounts):
        whole = assembled(resolve(account, links), decoded)
        body = rendering.billing(answer(whole, now))
        bodies[account] = rendering.without_evidence(body)
    return msgspec.json.encode(bodies, order="deterministic")


def raw(rows: dict[str, MemoryRows]) -> list[Any]:
    return [(name, sorted(each.rows.items())) for name, each in sorted(rows.items())]


@given(history=histories(), data=st.data())
def law_any_order_duplication_batching_and_restart_gives_the_same_read_models(
    history: list[Event], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(history), max_size=5))
    arrived = data.draw(st.permutations(history + again))
    batch = data.draw(st.sampled_from([1, 2, 7, 1000]))
    stops = data.draw(st.lists(st.integers(1, len(history)), max_size=3))

    async def both() -> tuple[bytes, bytes]:
        plain = await kept(await logged(history))
        log = await logged(arrived, chunk=data.draw(st.sampled_from([1, 5])))
        return dump(plain), dump(await kept(log, batch=batch, stops=stops))

    in_order, shuffled = asyncio.run(both())
    assert in_order == shuffled


@given(history=histories(), data=st.data())
def law_at_every_position_the_kept_rows_are_those_of_a_replay_from_zero(
    history: list[Event], data: st.DataObject
) -> None:
    arrived = data.draw(st.permutations(history))

    async def compare() -> None:
        log = await logged(arrived)
        runners = {each.name: MemoryRows(each.version) for each in PROJECTIONS}
        for position in range(1, len(arrived) + 1):
            for each in PROJECTIONS:
                await Runner(each, log, runners[each.name], batch=3).catch_up(position)
            if position % 5 == 0 or position == len(arrived):
                fresh = await logged(arrived[:position])
                assert raw(runners) == raw(await kept(fresh))

    asyncio.run(compare())


@given(history=histories(), data=st.data())
def law_a_fold_in_two_is_a_fold_in_one(history: list[Event], data: st.DataObject) -> None:
    async def facts() -> list[Any]:
        log = await logged(history)
        wanted = [fact for each in PROJECTIONS for fact in each.handlers]
        batches = [batch async for batch in log.read()]
        return translation(wanted).facts(one for batch in batches for one in batch)

    placed = [(fact.position, fact) for fact in asyncio.run(facts())]
    cut = data.draw(st.integers(0, len(placed)))
    for projection in PROJECTIONS:
        codec = Codec(projection)
        in_two: dict[tuple[str, str], Any] = {}
        apply(projection, placed[:cut], in_two)
        in_two = {key: codec.decode(codec.encode(s)) for key, s in in_two.items()}
        applied = apply(projection, placed[cut:], in_two)

        assert not applied.failures
        if not applied.late:
            assert in_two == fold(projection, placed)


@given(history=histories(), hours=st.integers(-1, 100))
def law_what_was_true_then_is_what_the_events_up_to_then_say(
    history: list[Event], hours: int
) -> None:
    moment = NOON + timedelta(hours=hours, seconds=2)
    happened = [
        one for one in history if isinstance(one, AccountLinked) or (_when(one) <= moment)
    ]

    async def both() -> tuple[bytes, bytes]:
        log = await logged(history)
        links = {key[0]: link for key, link in states(await kept(log))["links"].items()}
        linked = resolve("cus_1", links)
        batches = [batch async for batch in log.read(accounts=linked.streams)]
        whole = as_of(linked, (one for batch in batches for one in batch), moment)
        then = states(await kept(await logged(happened)))
        brute = assembled(linked, then)
        return _body(answer(whole, moment)), _body(answer(brute, moment))

    asked, brute_force = asyncio.run(both())
    assert asked == brute_force


def _when(event: Event) -> datetime:
    at = event.occurred_at if isinstance(event, StripeEvent) else None
    if isinstance(event, SeatAssigned | SeatReleased | SeatsCounted):
        at = event.effective_at
    return at or LATER


def _body(billing: Billing) -> bytes:
    body = rendering.without_evidence(rendering.billing(billing))
    return msgspec.json.encode(body, order="deterministic")


LAWS: Final = [
    law_any_order_duplication_batching_and_restart_gives_the_same_read_models,
    law_at_every_position_the_kept_rows_are_those_of_a_replay_from_zero,
    law_a_fold_in_two_is_a_fold_in_one,
    law_what_was_true_then_is_what_the_events_up_to_then_say,
]


@pytest.mark.parametrize("examples", EXAMPLES)
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__.removeprefix("law_"))
def test_O01_the_law_holds(law: Callable[..., None], examples: int) -> None:
    held(law, examples)


Naive = Callable[[History, SubscriptionObserved], History]


def last_write_wins(_history: History, fact: SubscriptionObserved) -> History:
    return History(recent=(fact,))


def strictly_newer(history: History, fact: SubscriptionObserved) -> History:
    if history.recent and not history.recent[-1].occurred_at < fact.occurred_at:
        return history
    return History(recent=(fact,))


def keeping(apply_fact: Naive) -> tuple[Projection[Any], ...]:
    naive = attrs.evolve(
        SUBSCRIPTIONS, handlers=table(on(SubscriptionObserved, apply_fact))
    )
    return (naive, SEATS, LINKS)


@pytest.mark.parametrize("naive", [last_write_wins, strictly_newer])
def test_the_law_of_order_catches_folds_that_trust_arrival_or_seconds(naive: Naive) -> None:
    """Control: a law that such a fold passed would prove nothing."""

    # That it falls is enough: the smallest history at which it does is nobody's question.
    @settings(
        max_examples=200,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    @given(history=histories(), data=st.data())
    def law(history: list[Event], data: st.DataObject) -> None:
        arrived = data.draw(st.permutations(history))

        async def both() -> tuple[bytes, bytes]:
            plain = await kept(await logged(history), keeping(naive))
            return dump(plain), dump(await kept(await logged(arrived), keeping(naive)))

        in_order, shuffled = asyncio.run(both())
        assert in_order == shuffled

    with pytest.raises(AssertionError):
        law()


def test_the_real_fold_stands_where_the_controls_fell() -> None:
    assert SUBSCRIPTIONS.handlers[SubscriptionObserved] is observed
