"""Read models compared with the log: from its bodies, and from the facts that are kept."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import psycopg
import pytest

from ledger.database import Role
from ledger.events import Command, SeatAssigned, StripeEvent
from ledger.log import Selection
from ledger.postgres import PostgresLog
from ledger_on_disk import fill
from projections.models.registry import PROJECTIONS
from projections.models.seats import SEATS
from projections.projector import process
from replay.rebuild.differences import Compared
from replay.rebuild.drift import compare

BLOCK: Final = 32


@pytest.fixture(scope="module")
def ledger(module_ledger18: str) -> str:
    async def made() -> None:
        await fill(module_ledger18)
        async with PostgresLog.open(module_ledger18, Role.PROJECTOR) as log:
            await process.rebuild(module_ledger18, log, *PROJECTIONS, block_events=BLOCK)

    asyncio.run(made())
    return module_ledger18


def done(conninfo: str, statement: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(statement.encode())


async def compared(conninfo: str, *, bodies: bool) -> list[Compared]:
    return await compare(
        conninfo, lambda _done, _total: None, bodies=bodies, block_events=BLOCK
    )


async def test_every_kind_of_difference_is_found_by_kept_facts_as_by_bodies(
    ledger: str,
) -> None:
    before = await compared(ledger, bodies=True)
    done(
        ledger,
        "UPDATE read_models.customers SET state = '\\xc0' "
        "WHERE account = (SELECT min(account) FROM read_models.customers)",
    )
    done(
        ledger,
        "DELETE FROM read_models.invoices "
        "WHERE object = (SELECT max(object) FROM read_models.invoices)",
    )
    done(
        ledger,
        "INSERT INTO read_models.seats SELECT 'ghost', object, state, refers "
        "FROM read_models.seats LIMIT 1",
    )
    done(ledger, "UPDATE read_models.ties SET refers = 'in_other'")

    kept = await compared(ledger, bodies=False)
    read = await compared(ledger, bodies=True)

    assert [one.differing for one in before] == [0] * len(PROJECTIONS)
    assert kept == read
    found = {each.projection: each for one in kept for each in one.differences}
    whats = {name: (each.what, each.field) for name, each in found.items()}
    assert whats == {
        "customers": ("other", "state"),
        "invoices": ("missing", None),
        "seats": ("extra", None),
        "ties": ("other", "refers"),
    }
    assert found["seats"].account == "ghost"
    async with PostgresLog.open(ledger, Role.PROJECTOR) as log:
        await process.rebuild(ledger, log, *PROJECTIONS, block_events=BLOCK)
    assert await compared(ledger, bodies=False) == before


async def test_kept_facts_that_are_damaged_are_passed_by(ledger: str) -> None:
    before = await compared(ledger, bodies=True)
    done(ledger, "UPDATE read_models.facts SET facts = 'x' WHERE bucket = 3")

    assert await compared(ledger, bodies=False) == before


async def latest_customer(log: PostgresLog) -> StripeEvent:
    only = Selection(stripe_types=frozenset({"customer.created"}))
    found = [one.event async for page in log.read(only=only) for one in page]
    assert isinstance(found[-1], StripeEvent)
    return found[-1]


def changed(event: StripeEvent) -> StripeEvent:
    return StripeEvent(
        event_id="evt_late",
        body=event.body.replace(b'"email"', b'"no_email"'),
        account=event.account,
        object_id=event.object_id,
        occurred_at=event.occurred_at and event.occurred_at + timedelta(days=99),
        stripe_type="customer.updated",
    )


async def test_each_read_model_is_compared_at_its_own_bookmark(ledger: str) -> None:
    async with PostgresLog.open(ledger, Role.APPENDER) as log:
        of = Command(id="cmd:late", fingerprint="")
        change = SeatAssigned(account="shop-1", command=of, user="u_late")
        await log.append([changed(await latest_customer(log)), change])
    async with PostgresLog.open(ledger, Role.PROJECTOR) as log:
        await process.catch_up(ledger, log, [SEATS])
        head = (await log.head()).position

    found = {one.projection: one for one in await compared(ledger, bodies=False)}

    assert [one.differing for one in found.values()] == [0] * len(PROJECTIONS)
    assert found["seats"].position == head
    assert found["customers"].position == head - 2
