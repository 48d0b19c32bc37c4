"""What was acknowledged is there, whoever is killed; all that is there stands once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import psycopg
import pytest

from ledger.database import Role
from ledger.embedded import EmbeddedServer
from ledger.errors import UnavailableError
from ledger.events import StripeEvent
from ledger.migrate import migrate
from ledger.postgres import PostgresLog
from ledger.verify import verify
from samples import stripe

WRITER: Final = Path(__file__).with_name("log_writer.py")
WRITERS: Final = 16


class Writer:
    """A process whose children write until they are killed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.acknowledged: list[str] = []
        self._process = process
        self._children: list[int] = []
        self._said = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def fork(self) -> int:
        """Start a child; return its process id."""
        assert self._process.stdin is not None
        known = len(self._children)
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        with self._said:
            assert self._said.wait_for(lambda: len(self._children) > known, 20)
        return self._children[-1]

    def await_more(self, count: int = 20) -> None:
        """Wait until *count* more events are acknowledged."""
        wanted = len(self.acknowledged) + count
        with self._said:
            assert self._said.wait_for(lambda: len(self.acknowledged) >= wanted, 60)

    def end(self) -> None:
        for child in self._children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._said:
                if line.startswith("child "):
                    self._children.append(int(line.split()[1]))
                else:
                    self.acknowledged.append(line.strip())
                self._said.notify_all()


def started(conninfo: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(WRITER), conninfo, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@contextmanager
def writing(conninfo: str) -> Iterator[Writer]:
    with started(conninfo, "load", WRITERS) as process:
        writer = Writer(process)
        try:
            yield writer
        finally:
            writer.end()


async def stored(conninfo: str) -> list[str]:
    async with PostgresLog.open(conninfo) as log:
        events = [recorded.event async for page in log.read() for recorded in page]
    return [event.event_id for event in events if isinstance(event, StripeEvent)]


def lost(conninfo: str, acknowledged: list[str]) -> set[str]:
    """Return what was acknowledged and is not there; the rest stands once, in order."""
    ids = asyncio.run(stored(conninfo))
    found = asyncio.run(verify(conninfo))
    assert found.fault is None
    assert len(set(ids)) == len(ids) == found.position
    return set(acknowledged) - set(ids)


def kill_writers(conninfo: str, kills: int) -> None:
    chance = random.Random(kills)
    with writing(conninfo) as writer:
        older = writer.fork()
        for _ in range(kills):
            younger = writer.fork()
            writer.await_more(chance.randint(1, 40))
            os.kill(older, signal.SIGKILL)
            older = younger
        writer.end()
        assert len(writer.acknowledged) > kills * 5
        assert lost(conninfo, writer.acknowledged) == set()


def test_D01_no_acknowledged_event_is_lost_in_50_kills_of_the_writer(
    ledger_database18: str,
) -> None:
    kill_writers(ledger_database18, 50)


@pytest.mark.slow
def test_D01_no_acknowledged_event_is_lost_in_500_kills_of_the_writer(
    ledger_database: str,
) -> None:
    kill_writers(ledger_database, 500)


@pytest.fixture(params=["18"])
def server(
    request: pytest.FixtureRequest,
    open_directory: Path,
    find_bin_dir: Callable[[str], Path | None],
) -> Iterator[EmbeddedServer]:
    """A server of this test alone."""
    server = EmbeddedServer(open_directory / "data", bin_dir=find_bin_dir(request.param))
    with server:
        migrate(server.conninfo)
        yield server


def postmaster(server: EmbeddedServer) -> int:
    (file,) = server.data_dir.glob("pg*/postmaster.pid")
    return int(file.read_text().split("\n", 1)[0])


def children(pid: int) -> list[int]:
    try:
        return [
            int(child)
            for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except FileNotFoundError:
        return []


def kill_all(server: EmbeddedServer) -> None:
    pid = postmaster(server)
    for each in [pid, *children(pid)]:
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def stop_at_once(server: EmbeddedServer) -> None:
    os.kill(postmaster(server), signal.SIGQUIT)  # what pg_ctl stop -m immediate sends


def kill_one_backend(server: EmbeddedServer) -> None:
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        (pid,) = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name LIKE '%appender'"
        ).fetchone() or (0,)
        os.kill(pid, signal.SIGKILL)


def crash_and_restart(
    server: EmbeddedServer, crash: Callable[[EmbeddedServer], None], crashes: int
) -> set[str]:
    """Crash the server under load; return what was acknowledged and is lost."""
    chance = random.Random(crashes)
    with writing(server.conninfo) as writer:
        writer.fork()
        for _ in range(crashes):
            writer.await_more(chance.randint(10, 200))
            crash(server)
            if crash is not kill_one_backend:
                await_end(server)
            server.start()
        writer.await_more()
        writer.end()
        await_answers(server)
        return lost(server.conninfo, writer.acknowledged)


def await_answers(server: EmbeddedServer) -> None:
    """Wait out a recovery: one that a killed backend began may have only just begun."""
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(server.conninfo).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def await_end(server: EmbeddedServer) -> None:
    deadline = time.monotonic() + 10
    while server.owns_server:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_D02_no_acknowledged_event_is_lost_in_25_kills_of_postgresql(
    server: EmbeddedServer,
) -> None:
    assert crash_and_restart(server, kill_all, 25) == set()


@pytest.mark.slow
@pytest.mark.parametrize("server", ["15", "18"], indirect=True)
def test_D02_no_acknowledged_event_is_lost_in_200_kills_of_postgresql(
    server: EmbeddedServer,
) -> None:
    assert crash_and_restart(server, kill_all, 200) == set()


def test_D02_K_commits_that_are_not_synced_are_lost(server: EmbeddedServer) -> None:
    with psycopg.connect(server.conninfo, autocommit=True) as owner:
        owner.execute("ALTER DATABASE ledger SET synchronous_commit = off")
        owner.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
        owner.execute("SELECT pg_reload_conf()")

    assert len(crash_and_restart(server, kill_all, 3)) > 0


@pytest.mark.parametrize("server", ["15", "18"], indirect=True)
@pytest.mark.parametrize("crash", [kill_one_backend, stop_at_once], ids=["D03", "D04"])
def test_a_backend_or_server_that_dies_at_once_loses_nothing(
    server: EmbeddedServer, crash: Callable[[EmbeddedServer], None]
) -> None:
    assert crash_and_restart(server, crash, 3) == set()


async def backend_of(conninfo: str) -> int:
    async with await psycopg.AsyncConnection.connect(conninfo) as owner:
        query = (
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name LIKE '%appender' AND query LIKE '%ledger.head%'"
        )
        row = await (await owner.execute(query)).fetchone()
    assert row is not None
    return int(row[0])


async def test_D05_a_backend_that_hangs_costs_a_deadline_and_no_more(
    ledger_database: str,
) -> None:
    loop = asyncio.get_running_loop()
    async with PostgresLog.open(ledger_database, Role.APPENDER, deadline_s=0.8) as log:
        await log.append([stripe("a")])
        pid = await backend_of(ledger_database)
        os.kill(pid, signal.SIGSTOP)
        try:
            start = loop.time()
            with pytest.raises(UnavailableError, match=r"no answer within 0\.8 s"):
                await log.append([stripe("b")])
            assert loop.time() - start < 1.5
            await log.append([stripe("c")])  # on a connection of its own
        finally:
            os.kill(pid, signal.SIGCONT)
        await log.append([stripe(name) for name in "abc"])

    assert (await verify(ledger_database)).fault is None
    assert sorted(await stored(ledger_database)) == ["evt_a", "evt_b", "evt_c"]


async def test_D05_a_lock_that_is_held_costs_a_deadline_and_no_more(
    ledger_database: str,
) -> None:
    loop = asyncio.get_running_loop()
    async with PostgresLog.open(ledger_database, Role.APPENDER, deadline_s=0.5) as log:
        await log.append([stripe("a")])
        async with await psycopg.AsyncConnection.connect(ledger_database) as owner:
            await owner.execute("SELECT FROM ledger.head FOR UPDATE")
            for _ in range(3):
                start = loop.time()
                with pytest.raises(UnavailableError):
                    await log.append([stripe("b")])
                assert loop.time() - start < 1.2
            await owner.rollback()
        (receipt,) = await log.append([stripe("b")])

    assert receipt.position == 2
    assert (await verify(ledger_database)).fault is None


def test_D09_one_id_50_times_from_4_processes_is_one_row(ledger_database: str) -> None:
    counts = [13, 13, 12, 12]
    processes = [started(ledger_database, "same", count, "evt_same") for count in counts]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()

    answers = [process.communicate(timeout=30)[0] for process in processes]

    told = Counter(line for answer in answers for line in answer.splitlines())
    assert told == {"1 appended": 1, "1 duplicate": 49}
    assert asyncio.run(stored(ledger_database)) == ["evt_same"]


async def test_D09_K_looking_first_and_then_inserting_doubles(database18: str) -> None:
    async with AsyncExitStack() as until_the_end:
        owners = [
            await until_the_end.enter_async_context(
                await psycopg.AsyncConnection.connect(database18, autocommit=True)
            )
            for _ in range(20)
        ]
        await owners[0].execute("CREATE TABLE naive (id text)")

        async def deliver(owner: psycopg.AsyncConnection) -> None:
            found = await owner.execute("SELECT FROM naive WHERE id = 'evt_same'")
            if await found.fetchone() is None:
                await owner.execute("INSERT INTO naive VALUES ('evt_same')")

        await asyncio.gather(*[deliver(owner) for owner in owners])
        counted = await (await owners[0].execute("SELECT count(*) FROM naive")).fetchone()

    assert counted is not None
    assert counted[0] > 1


async def test_D10_10_000_deliveries_of_400_ids_take_400_positions(
    ledger_database: str,
) -> None:
    chance = random.Random(10)
    deliveries = [stripe(number % 400, body=b"{}") for number in range(10_000)]
    chance.shuffle(deliveries)
    async with AsyncExitStack() as until_the_end:
        opened = [PostgresLog.open(ledger_database, Role.APPENDER) for _ in range(2)]
        logs = [await until_the_end.enter_async_context(each) for each in opened]

        async def deliver(worker: int) -> list[bool]:
            mine = deliveries[worker::32]
            receipts = [(await logs[worker % 2].append([event]))[0] for event in mine]
            return [receipt.duplicate for receipt in receipts]

        told = await asyncio.gather(*map(deliver, range(32)))
        positions = [
            recorded.position async for page in logs[0].read() for recorded in page
        ]

    assert Counter(each for worker in told for each in worker) == {False: 400, True: 9600}
    assert positions == list(range(1, 401))


def test_D10_K_an_identity_column_burns_numbers(database18: str) -> None:
    with psycopg.connect(database18) as owner:
        owner.execute(
            "CREATE TABLE naive (position int GENERATED ALWAYS AS IDENTITY, id int UNIQUE)"
        )
        for number in range(800):
            owner.execute(
                "INSERT INTO naive (id) VALUES (%s) ON CONFLICT DO NOTHING",
                (number % 400 // 2,),
            )
        owner.execute("INSERT INTO naive (id) VALUES (400)")
        row = owner.execute("SELECT count(*), max(position) FROM naive").fetchone()

    assert row == (201, 801)


async def tail(log: PostgresLog, until: Callable[[], int | None]) -> int:
    """Read on and on; return the last position, having seen every one before it."""
    seen = 0
    while (end := until()) is None or seen < end:
        async for page in log.read(after=seen):
            for recorded in page:
                assert recorded.position == seen + 1
                seen = recorded.position
        await log.wait(after=seen, timeout_s=0.05)
    return seen


async def follow_writers(conninfo: str, seconds: float) -> int:
    end: int | None = None
    async with PostgresLog.open(conninfo) as log:
        with writing(conninfo) as writer:
            tailing = [asyncio.create_task(tail(log, lambda: end)) for _ in range(2)]
            for _ in range(4):
                await asyncio.to_thread(writer.fork)
            await asyncio.sleep(seconds)
        while True:  # the last commits of killed writers may still be on their way
            end = (await log.head()).position
            await asyncio.sleep(0.3)
            if (await log.head()).position == end:
                break
        seen = await asyncio.gather(*tailing)
    assert seen == [end, end]
    assert set(writer.acknowledged) <= set(await stored(conninfo))
    return end or 0


async def test_D11_a_reader_never_skips_what_commits_late(ledger_database: str) -> None:
    assert await follow_writers(ledger_database, 2.5) > 100


@pytest.mark.slow
async def test_D11_a_reader_never_skips_for_a_minute(ledger_database: str) -> None:
    assert await follow_writers(ledger_database, 60) > 10_000


async def test_D11_K_a_sequence_without_a_lock_lets_readers_skip(database18: str) -> None:
    async def write(owner: psycopg.AsyncConnection, number: int) -> None:
        chance = random.Random(number)
        for _ in range(20):
            async with owner.transaction():
                await owner.execute("INSERT INTO naive DEFAULT VALUES")
                await asyncio.sleep(chance.random() / 50)

    async with AsyncExitStack() as until_the_end:
        owners = [
            await until_the_end.enter_async_context(
                await psycopg.AsyncConnection.connect(database18, autocommit=True)
            )
            for _ in range(9)
        ]
        reader = owners.pop()
        await reader.execute("CREATE TABLE naive (position bigserial)")
        writing = asyncio.gather(
            *[write(*each) for each in zip(owners, range(8), strict=True)]
        )
        last, seen, done = 0, 0, False
        while not done:
            done = writing.done()
            query = "SELECT position FROM naive WHERE position > %s ORDER BY position"
            rows = await (await reader.execute(query, (last,))).fetchall()
            seen += len(rows)
            last = rows[-1][0] if rows else last
        await writing

    assert seen < 160


async def test_D15_a_database_that_takes_no_writes_is_refused_and_comes_back(
    ledger_database: str,
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(ledger_database)["dbname"]
    owner = await psycopg.AsyncConnection.connect(ledger_database, autocommit=True)
    async with owner, PostgresLog.open(ledger_database, Role.APPENDER) as log:
        await log.append([stripe("a")])
        pid = await backend_of(ledger_database)
        read_only = f"ALTER DATABASE {name} SET default_transaction_read_only"
        await owner.execute(f"{read_only} = on".encode())
        await owner.execute("SELECT pg_terminate_backend(%s)", (pid,))

        for _ in range(2):
            with pytest.raises(UnavailableError):
                await log.append([stripe("b")])
        with pytest.raises(UnavailableError):
            async with PostgresLog.open(ledger_database, Role.APPENDER):
                pass
        async with PostgresLog.open(ledger_database) as reader:
            assert (await reader.head()).position == 1

        await owner.execute("SET default_transaction_read_only = off")
        await owner.execute(
            f"ALTER DATABASE {name} RESET default_transaction_read_only".encode()
        )
        (receipt,) = await log.append([stripe("b")])

    assert receipt.position == 2
