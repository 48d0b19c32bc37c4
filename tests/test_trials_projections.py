"""Trials of the projector: what fails, dies, is cut off, rots, runs elsewhere or lags."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import random
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
import psycopg
import pytest

from ledger import clock
from ledger.database import Role, connect
from ledger.events import Command, Event, SeatAssigned, StripeEvent
from ledger.postgres import PostgresLog
from ledger.twin import MemoryLog
from projections import rendering
from projections.answer import answer
from projections.api.serving import opened
from projections.assembly import assembled
from projections.facts import ReferenceMade, SubscriptionObserved
from projections.models.declaration import Projection, on, table
from projections.models.links import Link, resolve
from projections.models.registry import PROJECTIONS
from projections.models.routing import UNROUTED, Loose, made
from projections.models.seats import SEATS
from projections.models.subscriptions import SUBSCRIPTIONS, History, observed
from projections.projector import folding, process
from projections.projector.figures import Figures
from projections.projector.fleet import Fleet
from projections.projector.folding import Failure
from projections.projector.kept import Kept
from projections.projector.rows import Codec, Row
from projections.projector.runner import Runner
from projections.projector.twin import MemoryRows
from projections.translation.translate import translation
from replay.rebuild.drift import compare

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
POISON: Final = 66


def shown(number: int, account: str, quantity: int = 1, at: int = 0) -> StripeEvent:
    item = {"id": "si_1", "quantity": quantity, "price": {"id": "price_1"}}
    body = {"data": {"object": {"status": "active", "items": {"data": [item]}}}}
    return StripeEvent(
        event_id=f"evt_{number}",
        body=json.dumps(body).encode(),
        account=account,
        object_id=f"sub_{account}",
        occurred_at=NOON + timedelta(seconds=at or number % 10**6),
        stripe_type="customer.subscription.updated",
    )


def mixed(count: int, seed: int = 1) -> list[Event]:
    """A few accounts, a third of it seats, much of it late."""
    chance = random.Random(seed)
    events: list[Event] = []
    for number in range(1, count + 1):
        account = f"cus_{chance.randrange(12)}"
        if number % 3:
            at, quantity = chance.randrange(1, count + 1), chance.randrange(1, 9)
            events.append(shown(seed * 10**6 + number, account, quantity, at))
        else:
            of = Command(id=f"cmd:{seed}:{number}", fingerprint="")
            events.append(SeatAssigned(account=account, command=of, user=f"u_{number % 7}"))
    return events


def failing(history: History, fact: SubscriptionObserved) -> History | None:
    if fact.value.items[0].quantity == POISON:
        raise ZeroDivisionError("cannot divide")
    return observed(history, fact)


FAILING: Final[Projection[Any]] = attrs.evolve(
    SUBSCRIPTIONS, handlers=table(on(SubscriptionObserved, failing))
)
POISONED: Final = [
    shown(1, "cus_1"),
    shown(2, "cus_2"),
    shown(3, "cus_1", POISON),
    shown(4, "cus_1", 7),
    shown(5, "cus_2", 5),
]
# How a run over POISONED must end: who is parked where, and how many seats each has.
PARKED_ALONE: Final = ({"cus_1": 3}, {"cus_1": 1, "cus_2": 5})


async def in_memory(events: Sequence[Event]) -> MemoryLog:
    log = MemoryLog(clock=lambda: NOON)
    await log.append(events)
    return log


def ended(rows: MemoryRows) -> tuple[dict[str, int], dict[str, int]]:
    codec = Codec(SUBSCRIPTIONS)
    quantities = {}
    for (account, _), row in rows.rows.items():
        last = codec.decode(row.state).recent[-1]
        quantities[account] = last.value.items[0].quantity or 0
    return {name: one.position for name, one in rows.failures.items()}, quantities


async def test_P01_a_failing_event_parks_its_account_and_no_other_projection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = await in_memory(POISONED)
    kept = {each.name: MemoryRows(each.version) for each in (FAILING, SEATS)}
    runners = [Runner(each, log, kept[each.name]) for each in (FAILING, SEATS)]
    fleet = Fleet(log, runners)

    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert await fleet.catch_up() == 5

    assert ended(kept["subscriptions"]) == PARKED_ALONE
    assert [runner.position for runner in runners] == [5, 5]
    parked = [line for line in caplog.records if line.message == "account_parked"]
    assert len(parked) == 1


async def stopping_at_all(rows: MemoryRows, log: MemoryLog) -> None:
    """A runner that stops for everybody where one event fails."""
    reading = folding.read(translation(FAILING.handlers), await everything(log))
    states: dict[Any, Any] = {}
    for at, fact in reading.facts:
        if folding.apply(FAILING, [(at, fact)], states).failures:
            break
    rows.rows = {key: row_of(state) for key, state in states.items()}


async def skipping(rows: MemoryRows, log: MemoryLog) -> None:
    """A runner that leaves out what fails, and goes on in the same account."""
    reading = folding.read(translation(FAILING.handlers), await everything(log))
    states: dict[Any, Any] = {}
    for at, fact in reading.facts:
        failures = folding.apply(FAILING, [(at, fact)], states).failures
        rows.failures |= failures
    rows.rows = {key: row_of(state) for key, state in states.items()}


async def everything(log: MemoryLog) -> list[Any]:
    return [one async for page in log.read() for one in page]


def row_of(state: History) -> Row:
    return Row(state=Codec(SUBSCRIPTIONS).encode(state))


@pytest.mark.parametrize("naive", [stopping_at_all, skipping])
async def test_P01_control_a_runner_that_stops_or_skips_is_caught(
    naive: Callable[[MemoryRows, MemoryLog], Any],
) -> None:
    rows = MemoryRows(SUBSCRIPTIONS.version)

    await naive(rows, await in_memory(POISONED))

    assert ended(rows) != PARKED_ALONE


async def test_P01_what_is_nobodys_is_parked_by_its_object_alone() -> None:
    """Objects without a customer share a stream; one that fails must not hold the rest."""

    def nobodys(number: int, name: str) -> StripeEvent:
        body = {"data": {"object": {"id": name, "charge": f"ch_{number}"}}}
        return StripeEvent(
            event_id=f"evt_{number}",
            body=json.dumps(body).encode(),
            object_id=name,
            occurred_at=NOON + timedelta(seconds=number),
            stripe_type="charge.dispute.updated",
        )

    def falling(loose: Loose, fact: ReferenceMade) -> Loose:
        if fact.references == ("ch_2",):
            raise ZeroDivisionError("cannot divide")
        return made(loose, fact)

    log = await in_memory(
        [nobodys(1, "dp_1"), nobodys(2, "dp_2"), nobodys(3, "dp_2"), nobodys(4, "dp_3")]
    )
    projection = attrs.evolve(UNROUTED, handlers=table(on(ReferenceMade, falling)))
    rows = MemoryRows(UNROUTED.version)

    await Runner(projection, log, rows).catch_up()

    parked = {name: one.position for name, one in rows.failures.items()}
    assert parked == {"ledger:unrouted/dp_2": 2}
    assert sorted(name for _, name in rows.rows) == ["dp_1", "dp_3"]


async def test_P02_what_dies_in_one_projection_is_not_held_against_another() -> None:
    log = await in_memory(mixed(30))
    kept = {each.name: MemoryRows(each.version) for each in (SUBSCRIPTIONS, SEATS)}

    class DiedError(BaseException):
        """Stands for the end of the process."""

    def deadly(_history: History, _fact: SubscriptionObserved) -> History:
        raise DiedError

    handlers = table(on(SubscriptionObserved, deadly))
    dying = attrs.evolve(SUBSCRIPTIONS, handlers=handlers)
    deaths = 0
    while True:
        fleet = Fleet(log, [Runner(each, log, kept[each.name]) for each in (dying, SEATS)])
        try:
            await fleet.catch_up()
        except DiedError:
            deaths += 1
            assert deaths < 100
        else:
            break

    accounts = {event.account for event in mixed(30) if isinstance(event, StripeEvent)}
    assert set(kept["subscriptions"].failures) == accounts
    assert kept["seats"].failures == {}


REBUILDING: Final = """
import asyncio, sys
from ledger.postgres import PostgresLog
from ledger.database import Role
from projections.projector import process
from projections.projector import windows
from projections.models.registry import PROJECTIONS

async def main():
    async with PostgresLog.open(sys.argv[1], role=Role.PROJECTOR) as log:
        await process.rebuild(sys.argv[1], log, *PROJECTIONS)

import projections.projector.fleet, projections.projector.runner
projections.fleet.Fleet.__init__.__kwdefaults__["batch"] = 40
asyncio.run(main())
"""


async def states_of(conninfo: str) -> dict[str, list[tuple[Any, ...]]]:
    found = {}
    async with await connect(conninfo, Role.READER) as connection:
        for each in PROJECTIONS:
            cursor = await connection.execute(
                f"SELECT account, object, state, refers FROM read_models.{each.name} "
                "ORDER BY account, object"
            )
            found[each.name] = await cursor.fetchall()
    return found


async def test_P05_a_rebuild_killed_while_appends_go_on_goes_on_and_swaps_whole(
    ledger_database18: str,
) -> None:
    conninfo = ledger_database18
    async with PostgresLog.open(conninfo, role=Role.APPENDER) as log:
        await log.append(mixed(600))
        await process.catch_up(conninfo, log)
        sizes = {len((await states_of(conninfo))["subscriptions"])}
        for round_ in range(4):
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-c", REBUILDING, conninfo
            )
            await log.append(mixed(60, seed=round_ + 2))
            await process.catch_up(conninfo, log)
            sizes.add(len((await states_of(conninfo))["subscriptions"]))
            await asyncio.sleep(0.3 + 0.3 * round_)
            if child.returncode is None:
                child.kill()
            await child.wait()
            sizes.add(len((await states_of(conninfo))["subscriptions"]))
        live = await states_of(conninfo)

        await process.rebuild(conninfo, log, *PROJECTIONS)

        assert await states_of(conninfo) == live
        assert sizes == {12}


async def differences(conninfo: str) -> list[tuple[str, str, str]]:
    compared = await compare(conninfo, lambda _done, _total: None)
    return [
        (each.projection, each.account, each.what)
        for one in compared
        for each in one.differences
    ]


async def test_P06_a_flipped_byte_is_found_by_row_and_healed_by_a_rebuild(
    ledger_database18: str,
) -> None:
    conninfo = ledger_database18
    async with PostgresLog.open(conninfo, role=Role.APPENDER) as log:
        await log.append(mixed(90))
        await process.catch_up(conninfo, log)
        assert await differences(conninfo) == []
        live = await states_of(conninfo)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(
                "UPDATE read_models.seats_g1 "
                "SET state = set_byte(state, 5, get_byte(state, 5) # 1) "
                "WHERE ctid = (SELECT min(ctid) FROM read_models.seats_g1)"
            )
            connection.execute(
                "DELETE FROM read_models.subscriptions_g1 WHERE account = 'cus_3'"
            )

        found = await differences(conninfo)
        await process.rebuild(conninfo, log, SEATS, SUBSCRIPTIONS, afresh=True)

        assert sorted(what for *_, what in found) == ["missing", "other"]
        assert ("subscriptions", "cus_3", "missing") in found
        assert await differences(conninfo) == []
        assert await states_of(conninfo) == live


def digest(kept: dict[str, MemoryRows]) -> str:
    rows = [(name, sorted(each.rows.items())) for name, each in sorted(kept.items())]
    return hashlib.sha256(repr(rows).encode()).hexdigest()


async def projected(log: MemoryLog, batch: int, workers: int = 1) -> str:
    kept = {each.name: MemoryRows(each.version) for each in PROJECTIONS}

    def fleet() -> Fleet:
        runners = [Runner(each, log, kept[each.name], batch=batch) for each in PROJECTIONS]
        return Fleet(log, runners, batch=batch)

    await asyncio.gather(*(fleet().catch_up() for _ in range(workers)))
    return digest(kept)


@pytest.mark.parametrize("batch", [1, 7, 1000])
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("remembering", [True, False])
async def test_P07_batches_workers_and_kept_states_change_no_byte(
    monkeypatch: pytest.MonkeyPatch, batch: int, workers: int, *, remembering: bool
) -> None:
    log = await in_memory(mixed(240))
    plain = await projected(log, 4096)
    if not remembering:
        monkeypatch.setattr(Kept, "take", lambda self, *_: self.forget())

    assert await projected(log, batch, workers) == plain


PRINTED: Final = """
import asyncio, sys
from test_trials_projections import in_memory, mixed, projected

async def main():
    workers = 1 + int(sys.argv[1]) % 2
    print(await projected(await in_memory(mixed(120)), int(sys.argv[1]), workers))

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "seeds", [range(0, 21, 4), pytest.param(range(21), marks=pytest.mark.slow)]
)
async def test_P07_neither_hash_seed_nor_zone_nor_locale_changes_a_byte(
    seeds: range,
) -> None:
    plain = await projected(await in_memory(mixed(120)), 50)

    async def elsewhere(seed: int, zone: str, locale: str, batch: int) -> str:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            PRINTED,
            str(batch),
            env={
                **os.environ,
                "PYTHONHASHSEED": str(seed),
                "TZ": zone,
                "LC_ALL": locale,
                "PYTHONPATH": os.path.dirname(__file__),  # noqa: PTH120
            },
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await child.communicate()
        return printed.decode().strip()

    zones = ["UTC", "Asia/Kathmandu", "America/St_Johns"]
    places = [
        (seed, zones[seed % 3], ["C", "C.UTF-8"][seed % 2], [1, 7, 1000][seed // 7])
        for seed in seeds
    ]
    printed: set[str] = set()
    for place in places:
        printed.add(await elsewhere(*place))
    assert printed == {plain}


def poison(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have whatever is of the world outside raise."""

    def poisoned(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("it reached for the world outside")

    for name in (
        "time.time",
        "time.monotonic",
        "random.random",
        "random.Random.getrandbits",
        "socket.socket",
        "os.getenv",
        "os.urandom",
        "builtins.open",
    ):
        monkeypatch.setattr(name, poisoned)
    for name, module in list(sys.modules.items()):
        if name.startswith(("ledger.", "projections.")) and hasattr(module, "utc_now"):
            monkeypatch.setattr(module, "utc_now", poisoned)


async def test_P08_control_a_fold_that_looks_outside_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages = await everything(await in_memory(mixed(12)))
    read = folding.read(translation(SUBSCRIPTIONS.handlers), pages).facts

    for module, name in ((time, "time"), (clock, "utc_now"), (random, "random")):

        def impure(
            history: History,
            fact: SubscriptionObserved,
            of: tuple[object, str] = (module, name),
        ) -> History | None:
            getattr(*of)()
            return observed(history, fact)

        mutant = attrs.evolve(
            SUBSCRIPTIONS, handlers={**SUBSCRIPTIONS.handlers, SubscriptionObserved: impure}
        )
        assert folding.fold(mutant, read) == folding.fold(SUBSCRIPTIONS, read)
        with monkeypatch.context() as poisoning:
            poison(poisoning)
            with pytest.raises(AssertionError, match="world outside"):
                folding.fold(mutant, read)


async def test_P08_neither_fold_nor_answer_reaches_for_the_world_outside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages = await everything(await in_memory(mixed(120)))

    poison(monkeypatch)
    kept = {
        each.name: folding.fold(each, folding.read(translation(each.handlers), pages).facts)
        for each in PROJECTIONS
    }
    links: dict[str, Link] = {key[0]: link for key, link in kept["links"].items()}
    bodies = [
        rendering.billing(answer(assembled(resolve(f"cus_{n}", links), kept), NOON))
        for n in range(12)
    ]
    monkeypatch.undo()

    assert len(kept["subscriptions"]) == 12
    assert {body["status"] for body in bodies} == {"active"}


async def test_P10_the_lag_shown_is_the_lag_there_is(ledger_database18: str) -> None:
    conninfo = ledger_database18
    async with (
        PostgresLog.open(conninfo, role=Role.APPENDER) as log,
        opened(conninfo) as api,
    ):
        await log.append(mixed(50))
        await process.catch_up(conninfo, log)
        figures = Figures(api)
        for behind in (0, 1, 7):
            if behind:
                await log.append(mixed(behind, seed=behind + 10))
            await figures._refresh()
            head = (await log.head()).position

            assert figures._ask_lag() == head - await api.reader.position() == behind
            await process.catch_up(conninfo, log)
            assert await api.reader.position() == head


MEASURED: Final = """
import asyncio, resource, sys
from ledger.postgres import PostgresLog
from ledger.database import Role
from projections.projector import process
from projections.models.registry import PROJECTIONS

async def main():
    async with PostgresLog.open(sys.argv[1], role=Role.PROJECTOR) as log:
        await process.rebuild(sys.argv[1], log, *PROJECTIONS, afresh=True)

asyncio.run(main())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


async def peak_mb(conninfo: str) -> float:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", MEASURED, conninfo, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await child.communicate()
    return float(printed)


def many(count: int, first: int) -> Iterable[list[Event]]:
    for start in range(first, first + count, 1000):
        yield [shown(n, f"cus_{n % 400}", n % 50 + 1) for n in range(start, start + 1000)]


@pytest.mark.parametrize(
    ("short", "whole"),
    [(8_000, 24_000), pytest.param(250_000, 1_000_000, marks=pytest.mark.slow)],
)
async def test_P11_a_rebuild_of_a_longer_log_needs_no_more_memory(
    ledger_database18: str, short: int, whole: int
) -> None:
    async with PostgresLog.open(
        ledger_database18, role=Role.APPENDER, deadline_s=60
    ) as log:
        for events in many(short, 1):
            await log.append(events)
        small = await peak_mb(ledger_database18)
        for events in many(whole - short, short + 1):
            await log.append(events)
        large = await peak_mb(ledger_database18)

    assert large < 1.25 * small


async def test_L12_an_event_of_a_later_release_parks_its_account_alone() -> None:
    log = await in_memory([shown(1, "cus_1"), shown(2, "cus_2"), *mixed(9)[2::3]])
    log._rows[0] = log._rows[0]._replace(topic="seat_painted")
    kept = {each.name: MemoryRows(each.version) for each in PROJECTIONS}

    await Fleet(
        log, [Runner(each, log, kept[each.name]) for each in PROJECTIONS]
    ).catch_up()

    for rows in kept.values():
        assert {name: one.position for name, one in rows.failures.items()} == {"cus_1": 1}
        assert isinstance(rows.failures["cus_1"], Failure)
    assert ("cus_2", "sub_cus_2") in kept["subscriptions"].rows
    assert ("cus_1", "sub_cus_1") not in kept["subscriptions"].rows


async def test_L13_a_clock_that_jumps_moves_no_position_and_no_time_back() -> None:
    hour = timedelta(hours=1)
    ticks = iter([NOON, NOON - hour, NOON + 24 * hour, NOON + hour, NOON + 25 * hour])
    log = MemoryLog(clock=lambda: next(ticks))
    for event in mixed(15)[2::3]:
        await log.append([event])
    pages = await everything(log)
    kept = {
        SEATS.name: folding.fold(
            SEATS, folding.read(translation(SEATS.handlers), pages).facts
        )
    }

    recorded = [one.recorded_at for one in pages]
    assert [one.position for one in pages] == [1, 2, 3, 4, 5]
    assert recorded == sorted(recorded)
    assert recorded[3] == recorded[2]
    for account in {one.event.account for one in pages}:
        told = answer(assembled(resolve(account or "", {}), kept), NOON + 25 * hour)
        assert all(seat.since <= told.now for seat in told.held.seats)
