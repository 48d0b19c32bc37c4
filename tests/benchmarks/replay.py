"""A full rebuild: of the status read model beside the library's runner, and of all.

    python tests/benchmarks/replay.py [--events 200000]

Each side reads the same log: ours from zero into fresh rows and an atomic swap; the
library's ProjectionRunner with PostgreSQL tracking, which keeps the same states, one event
and one transaction at a time, over the first events only; and a raw binary cursor that
fetches every row and does nothing with it. Memory is the peak of a process
of its own at a quarter of the log and at all of it. The second line is all projections at
once where every body has to be read, the third where the facts of it are kept, and the
fourth `bl replay --compare` over the same facts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from threading import Event
from time import perf_counter, process_time
from typing import Any, ClassVar

import psycopg
from bench import START, fill, ledger, report, say
from eventsourcing.application import Application
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.conninfo import conninfo_to_dict

from ledger.database import Role
from ledger.encoding import Encodings
from ledger.library import LedgerMapper, LedgerRecorder
from ledger.log import Recorded
from ledger.postgres import PostgresLog
from projections.models.registry import PROJECTIONS
from projections.models.subscriptions import SUBSCRIPTIONS
from projections.projector.process import rebuild
from projections.projector.rows import Codec
from projections.translation.translate import translation
from replay.rebuild.drift import compare

LIBRARY_EVENTS = 4000
ALL_PER_CORE_S_MIN = 50_000
COMPARE_PER_S_MIN = 50_000
CURSOR_RATIO_MIN = 0.4
KEPT_BYTES = "SELECT pg_total_relation_size('read_models.facts')"
Figures = dict[str, float]
CREATE = "CREATE TABLE IF NOT EXISTS status (account text, object text, state bytea, "
CREATE += "PRIMARY KEY (account, object))"
UPSERT = """
INSERT INTO status VALUES (%s, %s, %s)
ON CONFLICT (account, object) DO UPDATE SET state = excluded.state
"""


def bare_cursor(conninfo: str) -> float:
    with psycopg.connect(conninfo) as connection:
        began = perf_counter()
        with connection.cursor("bare", binary=True) as cursor:
            cursor.itersize = 1000
            cursor.execute("SELECT * FROM ledger.log ORDER BY position")
            for _ in cursor:
                pass
        return perf_counter() - began


async def ours(conninfo: str, *, whole: bool) -> None:
    projections = PROJECTIONS if whole else (SUBSCRIPTIONS,)
    async with PostgresLog.open(conninfo, Role.PROJECTOR, readers=2) as log:
        await rebuild(conninfo, log, *projections, afresh=True)


def measured_apart(conninfo: str, *more: str) -> dict[str, float]:
    """Run our work in a process of its own; return its seconds, CPU and memory."""
    done = subprocess.run(
        [sys.executable, __file__, "--work", conninfo, *more],
        check=True,
        capture_output=True,
        text=True,
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def peak_mb() -> float:
    """Return the peak of this process alone; getrusage's is its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (peak,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def work_here(conninfo: str, *, whole: bool, comparing: bool) -> None:
    began, began_cpu = perf_counter(), process_time()
    if comparing:
        compared = asyncio.run(compare(conninfo, lambda _done, _total: None))
        assert not any(one.differing for one in compared)
    else:
        asyncio.run(ours(conninfo, whole=whole))
    print(
        json.dumps(
            {
                "seconds": perf_counter() - began,
                "cpu": process_time() - began_cpu,
                "peak_mb": peak_mb(),
            }
        )
    )


class StatusView(PostgresTrackingRecorder):
    """A table of states, each written in one transaction with its tracking."""

    def keep(self, rows: Sequence[tuple[str, str, bytes]], tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            for row in rows:
                cursor.execute(UPSERT, row)
            self._insert_tracking(cursor, tracking)


class Status(Projection[StatusView]):
    """The same facts, fold and states as ours, one event at a time."""

    name = "status"
    seen = 0
    enough = Event()
    states: ClassVar[dict[tuple[str, str], Any]] = {}
    codec = Codec(SUBSCRIPTIONS)
    translation = translation(SUBSCRIPTIONS.handlers)

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:  # noqa: ANN401
        recorded = Recorded(
            position=tracking.notification_id, recorded_at=START, event=domain_event.event
        )
        rows = []
        for fact in self.translation.facts([recorded]):
            if type(fact) not in SUBSCRIPTIONS.handlers:
                continue
            key = (fact.account, fact.object_id)
            before = self.states.get(key, SUBSCRIPTIONS.initial)
            self.states[key] = SUBSCRIPTIONS.handlers[type(fact)](before, fact)
            rows.append((*key, self.codec.encode(self.states[key])))
        self.view.keep(rows, tracking)
        type(self).seen += 1
        if type(self).seen == LIBRARY_EVENTS:
            type(self).enough.set()


@contextmanager
def library_application(conninfo: str) -> Iterator[type[Application[str]]]:
    @asynccontextmanager
    async def open_log() -> Any:  # noqa: ANN401
        async with PostgresLog.open(conninfo, Role.APPENDER) as log:
            yield log

    recorder = LedgerRecorder(open_log)

    class OverOurLog(Application[str]):
        def construct_mapper(self) -> LedgerMapper:
            return LedgerMapper(Encodings.shipped())

        def construct_recorder(self) -> LedgerRecorder:
            return recorder

    yield OverOurLog
    recorder.close()


def library(conninfo: str) -> float:
    """Return the seconds that the library's runner takes for the first events."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(CREATE.encode())
    parts = conninfo_to_dict(conninfo)
    env = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(parts["dbname"]),
        "POSTGRES_HOST": str(parts["host"]),
        "POSTGRES_PORT": str(parts.get("port") or 5432),
        "POSTGRES_USER": str(parts["user"]),
        "POSTGRES_PASSWORD": "peer",
    }
    with library_application(conninfo) as application:
        began = perf_counter()
        with ProjectionRunner(
            application_class=application,
            projection_class=Status,
            view_class=StatusView,
            env=env,
        ):
            Status.enough.wait(300)
            return perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--work", metavar="CONNINFO", help=argparse.SUPPRESS)
    parser.add_argument("--all", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--compare", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work_here(options.work, whole=options.all, comparing=options.compare)
        return
    count = options.events
    with ledger(databases=2) as (quarter, whole):
        say(f"appending {count // 4:,} and {count:,} events")
        asyncio.run(fill(quarter, count // 4))
        asyncio.run(fill(whole, count))
        say("rebuilding")
        status = both(quarter, whole)
        cursor = bare_cursor(whole)
        say(f"the library, over {LIBRARY_EVENTS:,} events")
        theirs = library(whole)
        report_status(count, status, cursor=cursor, theirs=theirs)
        say("rebuilding all from bodies")
        report_all("replay_all_bodies", count, both(quarter, whole, "--all"))
        say("rebuilding all from kept facts")
        of_all = both(quarter, whole, "--all")
        report_all(
            "replay_all",
            count,
            of_all,
            limit_per_core_s=ALL_PER_CORE_S_MIN,
            kept_bytes_per_event=round(kept_bytes(whole) / count),
        )
        say("comparing")
        compared = both(quarter, whole, "--compare")
        report_all("compare", count, compared, limit_per_s=COMPARE_PER_S_MIN)


def both(quarter: str, whole: str, *work: str) -> tuple[Figures, Figures]:
    return measured_apart(quarter, *work), measured_apart(whole, *work)


def kept_bytes(conninfo: str) -> int:
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(KEPT_BYTES).fetchone()
    return 0 if row is None else int(row[0])


def report_status(
    count: int, figures: tuple[Figures, Figures], *, cursor: float, theirs: float
) -> None:
    small, large = figures
    rate = count / large["seconds"]
    report(
        "replay",
        events=count,
        events_per_s=round(rate),
        events_per_core_s=round(count / large["cpu"]),
        library_per_s=round(LIBRARY_EVENTS / theirs),
        ratio_library=round(rate / (LIBRARY_EVENTS / theirs), 1),
        bare_cursor_per_s=round(count / cursor),
        ratio_bare_cursor=round(rate / (count / cursor), 2),
        limit_ratio_bare_cursor=CURSOR_RATIO_MIN,
        peak_mb_quarter=round(small["peak_mb"]),
        peak_mb=round(large["peak_mb"]),
        ratio_memory=round(large["peak_mb"] / small["peak_mb"], 2),
    )


def report_all(
    name: str, count: int, figures: tuple[Figures, Figures], **more: object
) -> None:
    small, large = figures
    report(
        name,
        projections=len(PROJECTIONS),
        events=count,
        events_per_s=round(count / large["seconds"]),
        events_per_core_s=round(count / large["cpu"]),
        **more,
        ratio_linear=round(4 * small["cpu"] / large["cpu"], 2),
        peak_mb_quarter=round(small["peak_mb"]),
        peak_mb=round(large["peak_mb"]),
        ratio_memory=round(large["peak_mb"] / small["peak_mb"], 2),
    )


if __name__ == "__main__":
    main()
