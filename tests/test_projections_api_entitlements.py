"""What is kept of an account's access is what would be read, at any state and time."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from ledger.clock import utc_now
from ledger.database import Role
from ledger.envelope import stripe_event
from ledger.events import AccountLinked, Command, Event, PolicySet
from ledger.policy import Policy
from ledger.postgres import PostgresLog
from ledger.tokens import Grant
from projections import rendering
from projections.api.billings import billings
from projections.api.entitlements import entitlements
from projections.api.kept_answers import Watch
from projections.api.questions import Question
from projections.api.responses import Written
from projections.models.registry import PROJECTIONS
from projections.projector import process
from projections.pulse import Pulse
from projections.reading import Reader
from projections.views import Views
from replay.simulator.occurrences import StripeOccurrence
from replay.simulator.simulation import simulate

START: Final = datetime(2025, 1, 1, tzinfo=UTC)
STEPS: Final = 16
ALL: Final = Grant(scopes=frozenset({"read"}))


def happenings(chance: random.Random) -> Iterator[list[Event]]:
    """Yield companies' lives in parts, some of it late, with links and a policy between."""
    told: list[Event] = [
        stripe_event(each.body, ledger_livemode=False)
        for each in simulate(seed=5, accounts=24, months=3, start=START)
        if isinstance(each, StripeOccurrence)
    ]
    places = sorted(range(len(told)), key=lambda at: at + chance.expovariate(1 / 40))
    told = [told[at] for at in places]
    customers = sorted({each.account for each in told if each.account} - {None})
    size = len(told) // STEPS + 1
    for number in range(STEPS):
        own: list[Event] = [
            AccountLinked(
                account=f"shop-{chance.randint(1, 3)}",
                command=Command(id=f"cmd:{number}", fingerprint=""),
                customer=chance.choice([each for each in customers if each[:4] == "cus_"]),
            )
        ]
        if number == STEPS // 2:
            own.append(
                PolicySet(
                    command=Command(id="cmd:policy", fingerprint=""),
                    policy=Policy(retry_days=(1,), pause_day=2, cancel_day=4),
                    effective_at=START,
                )
            )
        yield [*told[number * size : (number + 1) * size], *own]


@pytest.fixture
async def log(ledger_database18: str) -> AsyncIterator[PostgresLog]:
    async with PostgresLog.open(ledger_database18, role=Role.APPENDER) as log:
        yield log


async def test_A03_B09_what_is_kept_is_what_is_read_at_every_position(
    ledger_database18: str, log: PostgresLog
) -> None:
    chance = random.Random(11)
    reader = Reader(ledger_database18)
    await reader.open()
    watch = Watch(reader, log)
    clock = [START]
    views = Views(reader=reader, log=log, clock=lambda: clock[0])
    access, everything = entitlements(reader, watch), billings(reader, views, watch)
    seen: set[str] = set()
    kept_again: Counter[str] = Counter()
    compared = 0
    await process.catch_up(ledger_database18, log)

    for events in happenings(chance):
        await log.append(events)
        seen |= {each.account for each in events if each.account}
        # Some projections are further than others, as they are between two commits.
        some = tuple(each for each in PROJECTIONS if chance.random() < 0.7)
        for projected in (some, PROJECTIONS)[chance.random() < 0.5 :]:
            await process.catch_up(ledger_database18, log, projected)
            await watch.pulse.take()
            # Dates pass: what the log took has happened, and a month may go by.
            clock[0] = utc_now() + timedelta(seconds=chance.choice([0, 0, 0, 0, 3e6]))
            for account in sorted(seen):
                before = access.peek(account), everything.peek(account)
                found = await access.find(account, clock[0])
                whole = await everything.find(account, clock[0])
                if whole is None:
                    continue
                view = await views.view(account, Question(), ALL)
                expected = view.answer()
                view = await views.with_wrongful(view, expected)
                assert whole.written == Written.of(rendering.billing(expected)), account
                assert whole.answer.wrongful == view.wrongful
                assert whole.stale == view.stale
                compared += 1
                kept_again["billing"] += whole is before[1]
                if found is not None:
                    assert found.written == Written.of(rendering.access(expected)), account
                    assert found.stale == view.stale
                    kept_again["access"] += found is before[0]

    await reader.close()
    assert compared > 150
    for times in kept_again.values():
        assert 20 < times < compared, "some is kept, and some is read again"


async def test_a_look_is_shared_by_all_who_came_before_it_began() -> None:
    begun = 0
    allowed = asyncio.Event()

    async def look() -> int:
        nonlocal begun
        begun += 1
        number = begun
        await allowed.wait()
        return number

    pulse = Pulse(look)
    first = asyncio.create_task(pulse.take())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    later = [asyncio.create_task(pulse.take()) for _ in range(5)]
    await asyncio.sleep(0)
    allowed.set()

    assert await first == 1
    assert await asyncio.gather(*later) == [2] * 5


async def test_a_look_that_fails_fails_for_those_who_wait_and_for_no_other() -> None:
    answers: list[Any] = [OSError("away"), 7]

    async def look() -> int:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return int(answer)

    pulse = Pulse(look)
    with pytest.raises(OSError, match="away"):
        await pulse.take()
    assert await pulse.take() == 7
