"""The log under the library's own reusable test cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from threading import Event, Thread
from uuid import uuid4

import pytest
from eventsourcing.persistence import (
    ApplicationRecorder,
    EventStore,
    IntegrityError,
    OperationalError,
    StoredEvent,
)
from eventsourcing.tests.persistence import (
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
)

from ledger.database import Role
from ledger.encoding import Encodings
from ledger.errors import UnavailableError
from ledger.events import StripeEvent
from ledger.library import DomainEvent, LedgerMapper, LedgerRecorder
from ledger.postgres import PostgresLog

Recorders = Callable[[], LedgerRecorder]


@pytest.fixture
def recorders(ledger_database: str) -> Iterator[Recorders]:
    opened: list[LedgerRecorder] = []

    def open_recorder() -> LedgerRecorder:
        opened.append(
            LedgerRecorder(lambda: PostgresLog.open(ledger_database, Role.APPENDER))
        )
        return opened[-1]

    yield open_recorder
    for recorder in opened:
        with suppress(OperationalError):  # the test closed it
            recorder.close()


class WithTextIds:
    """Originator ids of the log are text; the library's cases leave that open."""

    __test__ = False  # run one by one below, each on a database of its own

    def new_originator_id(self) -> str:
        return str(uuid4())


class OurRecorderCase(WithTextIds, ApplicationRecorderTestCase[LedgerRecorder]):
    open_recorder: Recorders

    def create_recorder(self) -> LedgerRecorder:
        return type(self).open_recorder()

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class OurNonInterleavingCase(WithTextIds, NonInterleavingNotificationIDsBaseCase):
    open_recorder: Recorders

    def create_recorder(self) -> ApplicationRecorder:
        return type(self).open_recorder()


@pytest.mark.parametrize(
    ("case", "name"),
    [
        (OurRecorderCase, "test_insert_select"),
        (OurRecorderCase, "test_insert_subscribe"),
        (OurRecorderCase, "test_concurrent_no_conflicts"),
        (OurRecorderCase, "test_concurrent_throughput"),
        (OurRecorderCase, "test_performance"),
        (OurNonInterleavingCase, "test"),
    ],
)
def test_the_log_passes_the_librarys_test_case(
    case: type[OurRecorderCase | OurNonInterleavingCase], name: str, recorders: Recorders
) -> None:
    bound = type(case.__name__, (case,), {"open_recorder": staticmethod(recorders)})
    getattr(bound(name), name)()


def test_every_test_of_the_librarys_cases_is_run() -> None:
    theirs = {name for name in dir(ApplicationRecorderTestCase) if name.startswith("test_")}

    assert theirs == {
        "test_insert_select",
        "test_concurrent_no_conflicts",
        "test_concurrent_throughput",
        "test_performance",
    }


def test_a_refused_call_writes_nothing_and_names_what_is_there(
    recorders: Recorders,
) -> None:
    recorder = recorders()
    first = StoredEvent(str(uuid4()), 1, "topic", b"one")
    second = StoredEvent(first.originator_id, 2, "topic", b"two")
    recorder.insert_events([first])

    with pytest.raises(IntegrityError, match=f"{first.originator_id} version 1 is at"):
        recorder.insert_events([second, first])
    with pytest.raises(IntegrityError, match="the same id"):
        recorder.insert_events([second, second])

    assert recorder.max_notification_id() == 1
    assert recorder.insert_events([second]) == [2]


def test_the_librarys_event_store_keeps_events_of_ours_whole(
    recorders: Recorders,
) -> None:
    store: EventStore[str] = EventStore(LedgerMapper(Encodings.shipped()), recorders())
    body = b'{ "id": "evt_1",\n  "_type_": "x", "_data_": "y" }'
    event = StripeEvent(event_id="evt_1", body=body, account="cus_1", livemode=False)

    store.put([DomainEvent("evt_1", 1, event)])

    assert list(store.get("evt_1")) == [DomainEvent("evt_1", 1, event)]


def test_a_thread_that_still_asks_when_the_recorder_closes_is_told(
    recorders: Recorders,
) -> None:
    recorder = recorders()
    started, ended = Event(), Event()

    def ask_on() -> None:
        try:
            while True:
                started.set()
                recorder.wait(0)
        except (OperationalError, UnavailableError, CancelledError):
            ended.set()

    Thread(target=ask_on, daemon=True).start()
    started.wait(5)
    recorder.close()

    assert ended.wait(5)
    with pytest.raises(OperationalError, match="closed"):
        recorder.max_notification_id()
