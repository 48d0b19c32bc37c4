"""Read models made anew as a whole: the runner's rows, from facts that are kept."""

from __future__ import annotations

import ast
import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cache
from typing import Any, Final

import attrs
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from ledger.database import Role, connect
from ledger.events import CATALOGUE, Command, Event, PolicySet, SeatAssigned
from ledger.log import Log
from ledger.policy import DEFAULT
from ledger.postgres import PostgresLog
from ledger.twin import MemoryLog
from ledger_on_disk import START, as_event, fill
from projections.facts import SeatChanged, WareShown
from projections.models.declaration import Projection, on, table
from projections.models.invoices import INVOICES
from projections.models.links import LINKS
from projections.models.registry import PROJECTIONS
from projections.models.seats import SEATS, Register
from projections.projector import generations, process
from projections.projector.folding import Key
from projections.projector.rows import Row
from projections.rebuild import interpreter
from projections.rebuild.blocks import Packer, bucket_of, unpacked
from projections.rebuild.filling import packed_facts
from projections.rebuild.fold import Routes, rows
from projections.rebuild.keeping import keep
from projections.rebuild.kinds import KINDS
from projections.rebuild.portions import Portion, portions
from projections.rebuild.shelf import Shelf
from projections.translation.translate import OWN, STRIPE
from projections.wares import Product
from replay.simulator.simulation import simulate
from test_laws import histories, kept, logged

BLOCK: Final = 32
_IMPORTS: Final = (ast.Import, ast.ImportFrom)
EVERYTHING: Final = Portion(buckets=range(64))


async def rows_as_a_whole(
    log: Log, block: int, shares: Sequence[Portion]
) -> dict[str, dict[Key, Row]]:
    head = (await log.head()).position
    blocks = [
        await packed_facts(log, after, min(head, after + block))
        for after in range(0, head, block)
    ]
    found: dict[str, dict[Key, Row]] = {each.name: {} for each in PROJECTIONS}
    routes = Routes(PROJECTIONS)
    for share in shares:
        streams = routes.streams()
        for bucket in share.buckets:
            for packed in blocks:
                routes.sort(share.of(unpacked(packed[bucket])), streams)
        for each, told in zip(PROJECTIONS, streams, strict=True):
            made = rows(each, told)
            assert found[each.name].keys().isdisjoint(made)
            found[each.name] |= made
    return found


async def rows_step_by_step(log: MemoryLog) -> dict[str, dict[Key, Row]]:
    return {name: each.rows for name, each in (await kept(log)).items()}


@cache
def companies() -> tuple[Event, ...]:
    """Two months of five companies, and what an operator says of them."""
    of = Command(id="cmd:policy", fingerprint="")
    said = PolicySet(command=of, policy=DEFAULT, effective_at=START)
    told = simulate(seed=1, accounts=5, months=2, start=START)
    return (*map(as_event, told), said)


@settings(max_examples=20, deadline=None)
@given(
    history=histories(), chance=st.randoms(use_true_random=False), block=st.integers(1, 9)
)
def test_whatever_the_order_it_makes_the_rows_that_the_runner_makes(
    history: list[Event], chance: random.Random, block: int
) -> None:
    async def both() -> tuple[Any, Any]:
        chance.shuffle(history)
        log = await logged([*history, *history[:3]])
        return await rows_as_a_whole(log, block, [EVERYTHING]), await rows_step_by_step(log)

    made, wanted = asyncio.run(both())

    assert made == wanted


@pytest.mark.parametrize("seed", range(3))
async def test_companies_in_any_order_give_the_runners_rows_in_any_portions(
    seed: int,
) -> None:
    events = list(companies())
    random.Random(seed).shuffle(events)
    log = await logged(events)

    made = await rows_as_a_whole(log, 100, list(portions(len(events), 97 if seed else 2)))

    assert made == await rows_step_by_step(log)
    assert sum(map(len, made.values())) > 100


@pytest.mark.parametrize("events", [0, 1, 16_384, 400_000, 3_000_000])
def test_every_account_is_in_exactly_one_portion(events: int) -> None:
    names = [f"cus_{number}" for number in range(300)]
    found = list(portions(events))

    for name in names if events else ():
        fact = attrs.make_class("F", ["account", "object_id"])(name, "x")
        holding = [
            one
            for one in found
            if bucket_of(name, "x") in one.buckets and list(one.of([fact]))
        ]
        assert len(holding) == 1


def test_the_accounts_of_a_bucket_are_spread_over_its_parts() -> None:
    named = attrs.make_class("Named", ["account", "object_id"])
    facts = [named(f"cus_{number}", "x") for number in range(2000)]
    facts = [one for one in facts if bucket_of(one.account, "x") == 7]

    found = [one for one in portions(64 * 4 * 16_384) if one.buckets == range(7, 8)]

    assert [one.parts for one in found] == [4, 4, 4, 4]
    assert all(2 <= len(list(one.of(facts))) < len(facts) / 2 for one in found)


def test_of_what_is_sold_only_news_is_packed() -> None:
    def shown(position: int, second: int, nickname: str, *, own: bool = False) -> WareShown:
        return WareShown(
            account=CATALOGUE,
            kind="price",
            id="price_1",
            event_id=f"evt_{position}",
            type="customer.subscription.updated",
            occurred_at=START + timedelta(seconds=second),
            position=position,
            ware=Product(name=nickname),
            own=own,
        )

    packer = Packer()
    told = [
        shown(1, 5, "A"),
        shown(2, 6, "A"),  # the same, later
        shown(3, 4, "A"),  # the same, but it was so earlier
        shown(4, 7, "B"),
        shown(5, 8, "A", own=True),
    ]
    packer.take([(one.position, one) for one in told])
    packed = [one for block in packer.blocks() for one in unpacked(block)]

    assert [one.position for one in packed] == [1, 3, 4, 5]
    assert [one.fact for one in packed] == [told[at] for at in (0, 2, 3, 4)]


@pytest.mark.parametrize(
    "changed",
    [
        "projections.facts",
        "projections.shapes.invoices",
        "projections.translation.from_stripe",
    ],
)
def test_a_changed_reader_is_another_interpreter(changed: str) -> None:
    def source(module: str) -> bytes:
        return interpreter.source_of(module) + (b"\n" if module == changed else b"")

    assert interpreter.digest_of(interpreter.source_of) == interpreter.interpreter()
    assert interpreter.digest_of(source) != interpreter.interpreter()


def test_no_import_is_overlooked() -> None:
    def named(text: bytes) -> set[str]:
        nodes = [each for each in ast.walk(ast.parse(text)) if type(each) in _IMPORTS]
        lines = [ast.unparse(each).encode() for each in nodes]
        return {name for line in lines for name in interpreter.imported(line)}

    read = interpreter.modules(interpreter.ROOTS, interpreter.source_of)

    assert len(read) > 40
    for name, text in read.items():
        assert set(interpreter.imported(text)) == named(text), name


def test_all_that_reads_a_fact_and_all_that_it_holds_is_part_of_the_interpreter() -> None:
    read = set(interpreter.modules(interpreter.ROOTS, interpreter.source_of))
    translators = [*(one for row in STRIPE.values() for one in row), *OWN.values()]
    readers = {
        getattr(each.translate, "__module__", None) or type(each.translate).__module__
        for each in translators
    }
    held = {base.__module__ for kind in KINDS for base in kind.__mro__}

    assert {name for name in readers | held if name.startswith(interpreter.OURS)} <= read
    assert "projections.shapes.invoices" in read
    assert not [name for name in read if name.startswith("projections.models.s")]


@asynccontextmanager
async def projecting(conninfo: str) -> AsyncIterator[tuple[PostgresLog, Shelf]]:
    async with (
        PostgresLog.open(conninfo, Role.PROJECTOR) as log,
        await connect(conninfo, Role.PROJECTOR) as connection,
    ):
        yield log, Shelf(connection=connection, events=BLOCK)


def dumped(conninfo: str) -> dict[str, list[Any]]:
    with psycopg.connect(conninfo) as connection:
        return {
            each.name: connection.execute(
                sql.SQL("SELECT * FROM {} ORDER BY account, object").format(
                    sql.Identifier("read_models", each.name)
                )
            ).fetchall()
            for each in PROJECTIONS
        }


def done(conninfo: str, statement: str) -> int:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        return connection.execute(statement.encode()).rowcount


@pytest.fixture(scope="module")
def ledger(module_ledger18: str) -> str:
    asyncio.run(fill(module_ledger18))
    return module_ledger18


async def rebuilt(conninfo: str, *projections: Projection[Any]) -> dict[str, list[Any]]:
    async with projecting(conninfo) as (log, _):
        await process.rebuild(
            conninfo, log, *(projections or PROJECTIONS), block_events=BLOCK
        )
    return dumped(conninfo)


async def test_a_rebuild_makes_the_same_rows_from_bodies_and_from_kept_facts(
    ledger: str,
) -> None:
    before = dumped(ledger)

    from_bodies = await rebuilt(ledger)
    async with projecting(ledger) as (log, shelf):
        held, head = await shelf.held(), (await log.head()).position
    from_facts = await rebuilt(ledger)

    assert held == set(range(head // BLOCK))
    assert head // BLOCK > 3
    assert from_bodies == from_facts == before


async def test_facts_that_were_tampered_with_are_noticed_and_read_anew(ledger: str) -> None:
    before = await rebuilt(ledger, INVOICES)
    done(ledger, "UPDATE read_models.facts SET facts = 'x' WHERE bucket = 5 AND block = 1")
    done(ledger, "DELETE FROM read_models.facts WHERE bucket = 9 AND block = 2")

    assert await rebuilt(ledger, INVOICES) == before
    assert done(ledger, "SELECT FROM read_models.facts WHERE facts = 'x'") == 0
    assert done(ledger, "SELECT FROM read_models.facts WHERE bucket = 9 AND block = 2") == 1


async def test_facts_of_another_log_are_not_taken_for_ours(ledger: str) -> None:
    await rebuilt(ledger, INVOICES)
    done(ledger, "UPDATE read_models.facts SET log_hash = 'other' WHERE block = 1")
    async with projecting(ledger) as (_, shelf):
        held = await shelf.held()
        await rebuilt(ledger, INVOICES)
        assert 1 not in held
        assert 1 in await shelf.held()


async def test_what_was_read_of_an_account_can_be_forgotten(ledger: str) -> None:
    await rebuilt(ledger, INVOICES)
    async with projecting(ledger) as (_, shelf):
        before = await shelf.held()
        account = "(SELECT account FROM ledger.log WHERE position = 40)"
        positions = f"SELECT position FROM ledger.log WHERE account = {account}"
        with psycopg.connect(ledger) as connection:
            found = connection.execute(positions.encode()).fetchall()
            named = connection.execute(f"SELECT {account}".encode()).fetchone()
        await shelf.forget(named[0] if named else "")
        left = await shelf.held()

    assert left < before
    assert left.isdisjoint((position - 1) // BLOCK for (position,) in found)


async def test_facts_are_kept_as_the_log_grows_unless_somebody_else_is_at_it(
    ledger: str,
) -> None:
    stop = asyncio.Event()
    async with projecting(ledger) as (log, shelf), asyncio.timeout(20):
        await shelf.clear()
        blocks = set(range((await log.head()).position // BLOCK))
        async with shelf.alone(wait=True):
            keeping = asyncio.create_task(keep(ledger, stop, events=BLOCK, look_s=0.05))
            await asyncio.sleep(0.3)
            nothing = await shelf.held()
        while await shelf.held() != blocks:  # noqa: ASYNC110 -- the database tells
            await asyncio.sleep(0.05)
        stop.set()
        await keeping

    assert nothing == set()
    assert len(blocks) > 3


async def test_an_event_that_our_code_fails_on_is_left_to_the_runner(ledger: str) -> None:
    def failing(register: Register, fact: SeatChanged) -> Register | None:
        if fact.position == position:
            raise ZeroDivisionError("cannot divide")
        return SEATS.handlers[SeatChanged](register, fact)

    handlers = table(on(SeatChanged, failing))
    broken = attrs.evolve(SEATS, handlers=handlers)
    with psycopg.connect(ledger) as connection:
        asked = "SELECT position, account FROM ledger.log WHERE topic = 'seat_assigned'"
        found = connection.execute(asked.encode()).fetchone()
    assert found is not None
    position, account = found
    before = dumped(ledger)["seats"]

    after = (await rebuilt(ledger, broken))["seats"]

    others = [row for row in before if row[0] != account]
    assert [row for row in after if row[0] != account] == others
    with psycopg.connect(ledger) as connection:
        parked = connection.execute("SELECT account, position FROM read_models.parked")
        assert parked.fetchall() == [(account, position)]
    assert (await rebuilt(ledger, SEATS))["seats"] == before


async def test_a_long_log_of_which_nothing_is_read_yet_is_read_as_a_whole(
    ledger_database18: str,
) -> None:
    seats = [
        SeatAssigned(
            account=f"shop-{number % 7}",
            command=Command(id=f"cmd:{number}", fingerprint=""),
            user=f"u_{number}",
        )
        for number in range(4 * BLOCK + 5)
    ]
    async with PostgresLog.open(ledger_database18, Role.APPENDER) as log:
        await log.append(seats)
    async with projecting(ledger_database18) as (log, shelf):
        await process.prepare(ledger_database18, log, SEATS, LINKS, block_events=BLOCK)
        live = await generations.known(shelf.connection, "seats")

    assert [(one.number, one.position, one.live) for one in live] == [(2, 133, True)]


async def test_a_rebuild_that_died_midway_begins_with_empty_tables(ledger: str) -> None:
    before = dumped(ledger)["seats"]
    async with projecting(ledger) as (_, shelf):
        begun = await generations.begin(shelf.connection, SEATS)
    done(
        ledger,
        f"INSERT INTO read_models.seats_g{begun.number} SELECT 'ghost', object, state, "
        "refers FROM read_models.seats LIMIT 1",
    )

    assert (await rebuilt(ledger, SEATS))["seats"] == before
