"""The system beside a naive model of it, over histories that a machine makes up."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger.database import Role
from ledger.events import (
    AccountLinked,
    Command,
    Event,
    SeatAssigned,
    SeatReleased,
    SeatsCounted,
    StripeEvent,
)
from ledger.postgres import PostgresLog
from ledger.twin import MemoryLog
from projections.answer import Billing, answer
from projections.assembly import assembled
from projections.models.links import Link, resolve
from projections.models.registry import PROJECTIONS
from projections.projector import process
from projections.projector.rows import Codec
from projections.projector.runner import Runner
from projections.projector.twin import MemoryRows
from projections.reading import Reader
from reference_model import Happening, Model

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
CUSTOMERS: Final = ["cus_1", "cus_2"]
PRODUCTS: Final = ["shop-1", "shop-2"]
STATUSES: Final = ["incomplete", "trialing", "active", "past_due", "paused", "unpaid"]
IN_ONE_SECOND_MAX: Final = 4
ENDS: Final = 10**6

Answers = dict[str, dict[str, Any]]
System = Callable[[list[Event], list[int], list[str], datetime], Answers]


def event_of(one: Happening, number: int) -> Event:
    """Write *one* as the log takes it."""
    of = Command(id=f"cmd:{number}", fingerprint="")
    at = NOON + timedelta(seconds=one.get("at", 0))
    account = one["account"]
    if one["kind"] == "link":
        return AccountLinked(account=account, command=of, customer=one["customer"])
    if one["kind"] == "users":
        users = tuple(sorted(one["users"]))
        return SeatsCounted(account=account, command=of, users=users, effective_at=at)
    if one["kind"] == "count":
        count = one["count"]
        return SeatsCounted(account=account, command=of, count=count, effective_at=at)
    if one["kind"] == "seat":
        change = SeatAssigned if one["active"] else SeatReleased
        return change(account=account, command=of, user=one["user"], effective_at=at)
    return told(one, at)


def told(one: Happening, at: datetime) -> StripeEvent:
    shows, replaced = one["shows"], one["replaced"]
    data: dict[str, Any] = {
        "object": {
            "id": one["object"],
            "customer": one["account"],
            "status": shows["status"],
            "created": int(NOON.timestamp()) + one["created"],
            "currency": "usd",
            "items": items(one["object"], shows["quantity"]),
        }
    }
    if replaced is not None:
        previous = dict(replaced)
        if "quantity" in previous:
            previous["items"] = items(one["object"], previous.pop("quantity"))
        data["previous_attributes"] = previous
    return StripeEvent(
        event_id=one["id"],
        body=json.dumps({"id": one["id"], "data": data}).encode(),
        account=one["account"],
        object_id=one["object"],
        occurred_at=at,
        stripe_type=f"customer.subscription.{one['change']}",
    )


def items(subscription: str, quantity: int) -> dict[str, Any]:
    price = {"id": "price_1"}
    return {"data": [{"id": f"si_{subscription}", "quantity": quantity, "price": price}]}


def shown(billing: Billing) -> dict[str, Any]:
    """Return of an answer what the model answers as well."""
    return {
        "account": billing.linked.account,
        "streams": sorted(billing.linked.streams),
        "status": billing.status,
        "primary": billing.primary.id if billing.primary else None,
        "subscriptions": {
            each.id: (each.subscription.status, each.subscription.items[0].quantity)
            for each in billing.subscriptions
        },
        "users": set(billing.held.users),
        "active": billing.held.active,
    }


def in_memory(
    events: list[Event], stops: list[int], accounts: list[str], now: datetime
) -> Answers:
    async def project() -> dict[str, dict[tuple[str, str], Any]]:
        log = MemoryLog(clock=lambda: NOON)
        await log.append(events)
        kept = {}
        for each in PROJECTIONS:
            rows, codec = MemoryRows(each.version), Codec(each)
            for until in [*sorted(stops), None]:
                await Runner(each, log, rows, batch=3).catch_up(until)
            kept[each.name] = {k: codec.decode(row.state) for k, row in rows.rows.items()}
        return kept

    kept = asyncio.run(project())
    links: dict[str, Link] = {key[0]: link for key, link in kept["links"].items()}
    return {
        account: shown(answer(assembled(resolve(account, links), kept), now))
        for account in accounts
    }


class Histories(RuleBasedStateMachine):
    """Makes up what happens, delivers it in any order and twice, and asks both sides."""

    system: System = staticmethod(in_memory)

    @initialize()
    def begin(self) -> None:
        self.model = Model()
        self.events: list[Event] = []
        self.stops: list[int] = []
        self.waiting: list[Happening] = []
        self.delivered: list[Happening] = []
        self.current: dict[str, Happening] = {}
        self.second = 0
        self.times: set[tuple[str, int]] = set()

    def happen(self, **one: Any) -> None:  # noqa: ANN401
        number = len(self.waiting) + len(self.delivered)
        # Ids that do not rise with time, so that nothing holds by them.
        name = hashlib.sha256(f"{one['object']}{number}".encode()).hexdigest()[:20]
        told = {"kind": "stripe", "id": f"evt_{name}", "at": self.second, **one}
        self.waiting.append(told)
        self.current[one["object"]] = told

    def record(self, one: Happening) -> None:
        self.model.record(one)
        self.events.append(event_of(one, len(self.events)))

    @rule(seconds=st.sampled_from([1, 1, 5, 60]))
    def time_passes(self, seconds: int) -> None:
        self.second += seconds

    @rule(customer=st.sampled_from(CUSTOMERS), status=st.sampled_from(STATUSES))
    def subscribe(self, customer: str, status: str) -> None:
        number = len(self.current)
        self.happen(
            account=customer,
            object=f"sub_{number}",
            change="created",
            created=number,
            shows={"status": status, "quantity": 1},
            replaced=None,
        )

    @precondition(lambda self: self.current)
    @rule(data=st.data(), status=st.sampled_from([*STATUSES, None, "canceled"]))
    def change(self, data: st.DataObject, status: str | None) -> None:
        name = data.draw(st.sampled_from(sorted(self.current)))
        before = self.current[name]
        if before["shows"]["status"] == "canceled":
            return
        within = sum(
            one["object"] == name and one["at"] == self.second
            for one in self.waiting + self.delivered
        )
        if within >= IN_ONE_SECOND_MAX:
            self.second += 1
        ends = status == "canceled"
        # A quantity that only grows leaves no second with two ways to read it.
        after = {"status": status or before["shows"]["status"]}
        after["quantity"] = before["shows"]["quantity"] + (not ends)
        replaced = {k: v for k, v in before["shows"].items() if after[k] != v}
        self.happen(
            account=before["account"],
            object=name,
            change="deleted" if ends else "updated",
            created=before["created"],
            shows=after,
            replaced=None if ends else replaced,
        )

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.waiting) - 1))
        self.delivered.append(self.waiting.pop(at))
        self.record(self.delivered[-1])

    @precondition(lambda self: self.delivered)
    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        self.record(data.draw(st.sampled_from(self.delivered)))

    @rule(
        account=st.sampled_from([*CUSTOMERS, *PRODUCTS]),
        what=st.sampled_from(["in", "in", "out", "users", "count"]),
        at=st.integers(0, 400),
        user=st.sampled_from("abc"),
        users=st.sets(st.sampled_from("abcd")),
    )
    def seats(self, account: str, what: str, at: int, user: str, users: set[str]) -> None:
        # One instant tells one thing, since links may bring two streams together.
        while ("", at) in self.times:
            at += 1
        self.times.add(("", at))
        one: Happening = {"kind": what, "account": account, "at": at}
        if what in ("in", "out"):
            one = {**one, "kind": "seat", "user": user, "active": what == "in"}
        self.record({**one, "users": users, "count": len(users) + 5})

    @rule(account=st.sampled_from(PRODUCTS), customer=st.sampled_from(CUSTOMERS))
    def link(self, account: str, customer: str) -> None:
        self.record({"kind": "link", "account": account, "customer": customer})

    @rule()
    def restart(self) -> None:
        if self.events:
            self.stops.append(len(self.model.recorded))

    @rule(now=st.sampled_from([0, 100, 250, ENDS]))
    def ask(self, now: int) -> None:
        """Compare both; what Stripe still has to tell comes first, last things first."""
        while self.waiting:
            self.delivered.append(self.waiting.pop())
            self.record(self.delivered[-1])
        accounts = self.model.accounts()
        expected = {account: self.model.answer(account, now) for account in accounts}
        moment = NOON + timedelta(seconds=now)
        assert expected == self.system(self.events, self.stops, accounts, moment)

    def teardown(self) -> None:
        if hasattr(self, "model"):
            self.ask(ENDS)


def examples(count: int, steps: int = 25) -> settings:
    return settings(
        max_examples=count,
        stateful_step_count=steps,
        deadline=None,
        derandomize=count <= 200,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


def test_P12_the_system_answers_as_a_naive_model_does() -> None:
    run_state_machine_as_test(Histories, settings=examples(200))


@pytest.mark.slow
def test_P12_it_does_over_ten_thousand_histories() -> None:
    run_state_machine_as_test(Histories, settings=examples(10_000))


@pytest.mark.parametrize("wrong", ["order", "seats", "links"])
def test_P12_control_a_model_that_is_wrong_is_found_out(
    monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    names = {"order": "_in_order", "seats": "_changes", "links": "_by_time"}
    faults: dict[str, Any] = {
        "order": lambda _self, group, _state: group,
        "seats": lambda _self, mine, _now: [one for one in mine if "user" in one],
        "links": lambda _self, word: list(word.items()),
    }
    monkeypatch.setattr(Model, names[wrong], faults[wrong])

    found = settings(examples(200), phases=[Phase.generate], report_multiple_bugs=False)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Histories, settings=found)


def test_P12_the_rows_in_postgresql_answer_as_the_model_does(
    found_ledger: Callable[[str], str],
) -> None:
    def in_postgresql(
        events: list[Event], stops: list[int], accounts: list[str], now: datetime
    ) -> Answers:
        return asyncio.run(_kept(found_ledger("18"), events, stops, accounts, now))

    class InPostgresql(Histories):
        system = staticmethod(in_postgresql)

        def ask(self, now: int) -> None:
            if now == ENDS:
                super().ask(now)

    run_state_machine_as_test(InPostgresql, settings=examples(10, steps=40))


async def _kept(
    conninfo: str,
    events: list[Event],
    stops: list[int],
    accounts: list[str],
    now: datetime,
) -> Answers:
    async with PostgresLog.open(conninfo, Role.APPENDER) as log:
        step = max(1, len(events) // (len(stops) + 1))
        for start in range(0, len(events), step):
            await log.append(events[start : start + step])
            await process.catch_up(conninfo, log)
        reader = Reader(conninfo, size=1)
        await reader.open()
        try:
            found = {account: await reader.find(account) for account in accounts}
        finally:
            await reader.close()
    return {
        account: shown(answer(assembled(each.linked, each.kept), now))
        for account, each in found.items()
    }
