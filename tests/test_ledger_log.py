"""One contract for the log: PostgreSQL 15, 18 and the twin in memory keep it alike."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TypedDict, Unpack

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import pages as log_pages
from ledger.admission import RepeatedIdError
from ledger.database import Role
from ledger.errors import NotConfiguredError
from ledger.events import Command, Event, SeatAssigned, StripeEvent, UnknownEvent, Verdict
from ledger.log import Log, Receipt, Recorded, Selection
from ledger.postgres import PostgresLog
from ledger.row import UnstorableError
from ledger.twin import MemoryLog
from samples import EVERY_KIND, NOON, seat, stripe

Found = Callable[[str], str]


@asynccontextmanager
async def opened(kind: str, found_ledger: Found) -> AsyncIterator[Log]:
    if kind == "twin":
        yield MemoryLog()
        return
    async with PostgresLog.open(found_ledger(kind), Role.APPENDER) as log:
        yield log


@pytest.fixture(params=["twin", "15", "18"])
async def log(request: pytest.FixtureRequest, found_ledger: Found) -> AsyncIterator[Log]:
    async with opened(request.param, found_ledger) as log:
        yield log


class Bounds(TypedDict, total=False):
    after: int
    until: int | None
    accounts: Collection[str] | None
    only: Selection | None


async def contents(log: Log, **bounds: Unpack[Bounds]) -> list[Recorded]:
    return [recorded async for page in log.read(**bounds) for recorded in page]


async def ids(log: Log, **bounds: Unpack[Bounds]) -> list[str]:
    events = [recorded.event for recorded in await contents(log, **bounds)]
    return [
        event.event_id if isinstance(event, StripeEvent) else event.command.id
        for event in events
        if isinstance(event, StripeEvent | SeatAssigned)
    ]


def told(receipts: Sequence[Receipt]) -> list[tuple[int, bool]]:
    return [(receipt.position, receipt.duplicate) for receipt in receipts]


async def test_an_empty_log_ends_at_position_0(log: Log) -> None:
    head = await log.head()

    assert (head.position, head.recorded_at, len(head.hash)) == (0, None, 32)
    assert await contents(log) == []
    assert await log.find("evt_1") == []


async def test_every_event_is_answered_in_order_also_when_it_comes_twice(log: Log) -> None:
    await log.append([stripe("a")])

    receipts = await log.append([stripe(name) for name in "bacbda"])

    assert told(receipts) == [
        (2, False),
        (1, True),
        (3, False),
        (2, True),
        (4, False),
        (1, True),
    ]
    assert await ids(log) == ["evt_a", "evt_b", "evt_c", "evt_d"]


async def test_a_duplicate_is_told_what_was_there_first(log: Log) -> None:
    await log.append([stripe("a", body=b"first", object_id="in_1")])

    (receipt,) = await log.append([stripe("a", body=b"second", object_id="in_2")])

    (kept,) = await contents(log)
    assert receipt.original == kept
    assert kept.event == stripe("a", body=b"first", object_id="in_1")


async def test_nothing_appended_is_nothing_written(log: Log) -> None:
    assert await log.append([]) == []
    assert list(await log.append_together([])) == []
    assert (await log.head()).position == 0


async def test_a_batch_that_belongs_together_is_appended_whole(log: Log) -> None:
    receipts = await log.append_together([seat("a", version) for version in (1, 2, 3)])

    assert told(receipts) == [(1, False), (2, False), (3, False)]


async def test_one_used_id_keeps_a_whole_batch_out(log: Log) -> None:
    await log.append([seat("a", 2), stripe("x")])

    receipts = await log.append_together([seat("a", version) for version in (1, 2, 3)])

    assert told(receipts) == [(1, True)] * 3
    assert {receipt.original.position for receipt in receipts if receipt.original} == {1}
    assert (await log.head()).position == 2


async def test_a_batch_that_is_there_is_answered_row_by_row(log: Log) -> None:
    batch = [seat("a", version) for version in (1, 2)]
    await log.append_together(batch)

    assert told(await log.append_together(batch)) == [(1, True), (2, True)]


async def test_a_batch_with_one_id_twice_is_refused(log: Log) -> None:
    with pytest.raises(RepeatedIdError):
        await log.append_together([seat("a"), seat("b"), seat("a")])

    assert (await log.head()).position == 0


async def test_every_kind_of_event_comes_back_as_it_went_in(log: Log) -> None:
    await log.append(EVERY_KIND)

    recorded = await contents(log)

    assert [each.event for each in recorded] == list(EVERY_KIND)
    assert [each.position for each in recorded] == list(range(1, len(EVERY_KIND) + 1))
    assert all(each.recorded_at.utcoffset() == timedelta(0) for each in recorded)


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({}, "abcdef"),
        ({"after": 2}, "cdef"),
        ({"until": 2}, "ab"),
        ({"after": 1, "until": 4}, "bcd"),
        ({"after": -5}, "abcdef"),
        ({"until": 99}, "abcdef"),
        ({"after": 4, "until": 2}, ""),
        ({"after": 99}, ""),
        ({"accounts": ["cus_2"]}, "b"),
        ({"accounts": ["cus_1", "cus_2"], "after": 1}, "be"),
        ({"accounts": ["cus_9"]}, ""),
        ({"accounts": []}, ""),
        ({"only": Selection(stripe_types=frozenset({"t"}))}, "abe"),
        ({"only": Selection(stripe_types=frozenset()), "accounts": ["cus_1"]}, ""),
        (
            {
                "only": Selection(
                    stripe_types=frozenset({"t"}), topics=frozenset({"seat_assigned"})
                ),
                "accounts": ["cus_1", "cus_3"],
                "until": 5,
            },
            "ae",
        ),
    ],
    ids=str,
)
async def test_a_reader_gets_what_it_asks_for(
    log: Log, bounds: Bounds, expected: str
) -> None:
    await log.append(
        [
            stripe("a", account="cus_1", stripe_type="t"),
            stripe("b", account="cus_2", stripe_type="t"),
            stripe("c", account="cus_1", stripe_type="t", verdict=Verdict.QUARANTINED),
            stripe("d", account="cus_2", stripe_type="t", verdict=Verdict.FOREIGN),
            stripe("e", account="cus_1", stripe_type="t"),
            stripe("f", account=None, stripe_type="u"),
        ]
    )

    assert await ids(log, **bounds) == [f"evt_{letter}" for letter in expected]


async def test_a_long_log_is_read_in_pages_that_leave_nothing_out(log: Log) -> None:
    count = 2 * log_pages.PAGE_ROWS + 1
    await log.append(
        [stripe(n, body=b"{}", account=f"cus_{n % 2}") for n in range(1, count + 1)]
    )

    pages = [page async for page in log.read()]
    of_one = await contents(log, accounts=["cus_1"], after=1)

    positions = [recorded.position for page in pages for recorded in page]
    assert positions == list(range(1, count + 1))
    assert max(len(page) for page in pages) <= log_pages.PAGE_ROWS
    assert [recorded.position for recorded in of_one] == list(range(3, count + 1, 2))


async def test_events_are_found_by_id_in_order_of_version(log: Log) -> None:
    await log.append([seat("a", 2), stripe("a"), seat("a", 1)])

    found = await log.find("cmd:a")

    assert [each.event for each in found] == [seat("a", 1), seat("a", 2)]
    assert await log.find("cmd:b") == []


async def test_events_are_read_at_any_positions_in_order(log: Log) -> None:
    await log.append([stripe(name) for name in "abcd"])

    found = await log.at([4, 2, 4, 9, 0])

    assert [each.position for each in found] == [2, 4]
    assert [each.event for each in found] == [stripe("b"), stripe("d")]
    assert await log.at([]) == []


async def test_all_who_wait_are_woken_at_once(log: Log) -> None:
    loop = asyncio.get_running_loop()
    waiters = [asyncio.create_task(log.wait(after=0, timeout_s=10)) for _ in range(10)]
    await asyncio.sleep(0.2)
    assert not any(waiter.done() for waiter in waiters)

    start = loop.time()
    await log.append([stripe("a")])
    woken = await asyncio.gather(*waiters)

    assert all(woken)
    assert loop.time() - start < 0.7  # looking each second would take longer


async def test_waiting_ends_at_once_for_the_past_and_in_time_for_what_never_comes(
    log: Log,
) -> None:
    await log.append([stripe("a")])
    loop = asyncio.get_running_loop()

    start = loop.time()
    assert await log.wait(after=0, timeout_s=5)
    assert not await log.wait(after=1, timeout_s=0)
    assert loop.time() - start < 1
    assert (
        await asyncio.gather(*[log.wait(after=1, timeout_s=0.3) for _ in range(5)])
        == [False] * 5
    )
    assert loop.time() - start < 1.5


UNSTORABLE: dict[str, Event] = {
    "a NUL": seat("x", account="a\0b"),
    "half a surrogate pair": seat("x", account="\ud800"),
    "an id longer than an index holds": stripe("x" * 3000),
    "an account longer than an index holds": seat("x", account="€" * 1000),
    "a version beyond 64 bits": seat("x", version=2**63),
    "a time without a zone": stripe("x", occurred_at=datetime(2026, 1, 1)),  # noqa: DTZ001
}


@pytest.mark.parametrize("event", UNSTORABLE.values(), ids=UNSTORABLE)
async def test_what_cannot_be_stored_fails_its_own_caller_only(
    log: Log, event: Event
) -> None:
    first, second, third = await asyncio.gather(
        log.append([stripe("a")]),
        log.append([stripe("never"), event]),
        log.append([stripe("b")]),
        return_exceptions=True,
    )

    assert isinstance(second, UnstorableError)
    assert not isinstance(first, BaseException)
    assert not isinstance(third, BaseException)
    assert await ids(log) == ["evt_a", "evt_b"]
    assert told(await log.append([stripe("c")])) == [(3, False)]


@pytest.mark.parametrize("major", ["15", "18"])
async def test_time_never_goes_back_in_the_log(found_ledger: Found, major: str) -> None:
    conninfo = found_ledger(major)
    async with PostgresLog.open(conninfo, Role.APPENDER) as log:
        await log.append([stripe("a")])
        with psycopg.connect(conninfo) as owner:
            owner.execute("UPDATE ledger.head SET recorded_at = '2100-01-01T00:00:00Z'")
        await log.append([stripe("b")])
        await log.append([stripe("c")])

        years = [recorded.recorded_at.year for recorded in await contents(log)]

    assert years[1:] == [2100, 2100]


async def test_time_never_goes_back_in_the_twin() -> None:
    clock = iter([NOON, NOON - timedelta(hours=1), NOON + timedelta(microseconds=1)])
    log = MemoryLog(clock=lambda: next(clock))
    for name in "abc":
        await log.append([stripe(name)])

    times = [recorded.recorded_at - NOON for recorded in await contents(log)]

    assert times == [timedelta(0), timedelta(0), timedelta(microseconds=1)]


async def test_a_log_opened_for_reading_appends_nothing(ledger_database: str) -> None:
    async with PostgresLog.open(ledger_database) as log:
        with pytest.raises(NotConfiguredError):
            await log.append([stripe("a")])


async def test_a_waiting_reader_outlives_the_connection_it_listens_on(
    ledger_database: str,
) -> None:
    listening = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    )
    async with PostgresLog.open(ledger_database, Role.APPENDER) as log:
        await log.wait(after=0, timeout_s=0.2)
        with psycopg.connect(ledger_database, autocommit=True) as owner:
            assert owner.execute(listening).fetchall() == [(True,)]
            waiter = asyncio.create_task(log.wait(after=0, timeout_s=10))
            await asyncio.sleep(0.1)
            await log.append([stripe("a")])
            async with asyncio.timeout(2.5):
                assert await waiter
            await log.wait(after=1, timeout_s=1.5)
            assert owner.execute(listening).fetchall() == [(True,)]  # it listens again


async def test_a_waiting_reader_looks_for_itself_where_no_notification_comes(
    ledger_database: str,
) -> None:
    listening = (
        "SELECT pid FROM pg_stat_activity "
        "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    )
    async with PostgresLog.open(ledger_database, Role.APPENDER) as log:
        await log.wait(after=0, timeout_s=0.2)
        with psycopg.connect(ledger_database, autocommit=True) as owner:
            ((pid,),) = owner.execute(listening).fetchall()
        os.kill(pid, signal.SIGSTOP)
        try:
            waiter = asyncio.create_task(log.wait(after=0, timeout_s=10))
            await asyncio.sleep(0.1)
            await log.append([stripe("a")])
            async with asyncio.timeout(2.5):
                assert await waiter
        finally:
            os.kill(pid, signal.SIGCONT)


async def test_the_encoding_of_the_environment_changes_nothing(
    ledger_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    async with PostgresLog.open(ledger_database, Role.APPENDER) as log:
        await log.append([seat("a", account="Käse")])

        (kept,) = await contents(log, accounts=["Käse"])

    assert kept.event == seat("a", account="Käse")


async def test_a_topic_of_a_later_release_is_read_as_unknown(ledger_database: str) -> None:
    async with PostgresLog.open(ledger_database, Role.APPENDER) as log:
        await log.append([stripe("a")])
        with psycopg.connect(ledger_database) as owner:
            owner.execute("UPDATE ledger.log SET topic = 'month_reopened'")

        (kept,) = await contents(log)

    assert kept.event == UnknownEvent(
        originator_id="evt_a", topic="month_reopened", account="cus_1"
    )


names = st.sampled_from("abcdefgh")
verdicts = st.sampled_from(list(Verdict))
accounts = st.sampled_from([None, "cus_1", "cus_2", "Käse"])
stripe_events = st.builds(
    StripeEvent,
    event_id=names.map("evt_{}".format),
    body=st.binary(max_size=200) | st.binary(max_size=9).map(lambda body: body * 99),
    verdict=verdicts,
    account=accounts,
    stripe_type=st.sampled_from([None, "t", "u"]),
)
seats = st.builds(
    SeatAssigned,
    account=st.sampled_from(["cus_1", "cus_2"]),
    command=st.builds(
        Command,
        id=names.map("cmd:{}".format),
        version=st.integers(0, 3),
        fingerprint=st.just("f"),
    ),
    user=st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
steps = st.tuples(
    st.sampled_from(["append", "append_together"]),
    st.lists(stripe_events | seats, max_size=6),
)
example = itertools.count()


def renamed(event: Event, suffix: str) -> Event:
    """Give every example ids of its own, since all share one log."""
    if isinstance(event, StripeEvent):
        return stripe_like(event, f"{event.event_id}_{suffix}")
    assert isinstance(event, SeatAssigned)
    of = event.command
    return SeatAssigned(
        account=event.account,
        command=Command(id=f"{of.id}_{suffix}", version=of.version, fingerprint="f"),
        user=event.user,
    )


def stripe_like(event: StripeEvent, event_id: str) -> StripeEvent:
    return StripeEvent(
        event_id=event_id,
        body=event.body,
        verdict=event.verdict,
        account=event.account,
        stripe_type=event.stripe_type,
    )


class Follower:
    """The twin of a log: told the same, at the same moments, under the same id."""

    def __init__(self, log: PostgresLog) -> None:
        self.log = log
        self.now = NOON
        self.twin = MemoryLog(log.ledger_id, clock=lambda: self.now)

    async def step(self, name: str, events: Sequence[Event]) -> None:
        try:
            expected = await getattr(self.log, name)(events)
        except RepeatedIdError:
            with pytest.raises(RepeatedIdError):
                await getattr(self.twin, name)(events)
            return
        self.now = (await self.log.head()).recorded_at or self.now
        assert list(await getattr(self.twin, name)(events)) == list(expected)
        # The hash covers every byte of every row.
        assert await self.twin.head() == await self.log.head()

    async def compare(self, **bounds: Unpack[Bounds]) -> None:
        assert await contents(self.twin, **bounds) == await contents(self.log, **bounds)


@pytest.mark.parametrize("major", ["15", "18"])
def test_any_history_is_the_same_in_postgresql_and_in_the_twin(
    found_ledger: Found, major: str
) -> None:
    conninfo = found_ledger(major)
    with asyncio.Runner() as runner:
        opening = PostgresLog.open(conninfo, Role.APPENDER)
        follower = Follower(runner.run(opening.__aenter__()))

        @settings(
            max_examples=40,
            deadline=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow],
        )
        @given(
            history=st.lists(steps, max_size=6),
            skipped=st.integers(0, 9),
            of=st.none() | st.lists(accounts.filter(bool), max_size=2),
        )
        def compare(
            history: list[tuple[str, list[Event]]], skipped: int, of: list[str] | None
        ) -> None:
            suffix = str(next(example))
            start = len(follower.twin.rows()) + skipped
            for name, events in history:
                mine = [renamed(event, suffix) for event in events]
                runner.run(follower.step(name, mine))
            runner.run(follower.compare(after=start, accounts=of))

        compare()
        runner.run(follower.compare())
        runner.run(opening.__aexit__(None, None, None))
    assert len(follower.twin.rows()) > 100
