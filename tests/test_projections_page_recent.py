"""What a page says of the past days is what it would say if it were asked anew."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import attrs
import msgspec

from ledger.envelope import stripe_event
from ledger.events import Command, Event, SeatAssigned, Source
from ledger.shown_objects import Showing, stripe_object
from ledger.twin import MemoryLog
from projections.account import Account
from projections.api.billings import Beside
from projections.api.kept_answers import Kept
from projections.api.responses import Written
from projections.api.touches import Names
from projections.models.links import Linked
from projections.page.activity import PAGE, SHOWN
from projections.page.document import Document, Meta
from projections.page.readers import Reader
from projections.page.recent import Recent
from projections.page.showing import Shown
from projections.views import View
from replay.simulator.occurrences import StripeOccurrence
from replay.simulator.simulation import simulate

START: Final = datetime(2025, 1, 1, tzinfo=UTC)
NOW: Final = START + timedelta(days=400)
READERS: Final = (
    Reader("en_US", ZoneInfo("UTC")),
    Reader("de_AT", ZoneInfo("Europe/Vienna")),
)


def life() -> tuple[str, list[Event]]:
    events = [
        stripe_event(each.body, ledger_livemode=False)
        for each in simulate(seed=3, accounts=1, months=2, start=START)
        if isinstance(each, StripeOccurrence)
    ]
    return next(each.account for each in events if each.account), list(events)


def kept(account: str) -> Kept[Beside]:
    return Kept(
        asked=account,
        names=Names.of([account]),
        position=1,
        account=Account(linked=Linked(customer=account, product=None)),
        stale=False,
        decided_at=START,
        until=START,
        answer=Beside(wrongful=(), dunning=()),
        written=Written.of({}),
    )


def shown(answer: Kept[Beside], position: int, now: datetime) -> Shown:
    view = View(
        linked=answer.account.linked, account=answer.account, now=now, position=position
    )
    document = Document(account=answer.asked, meta=Meta(as_of=now))
    return Shown(document=document, tag="", view=view, kept=answer)


def moments(events: list[Event]) -> Iterator[tuple[int, datetime]]:
    """Yield positions and moments, a little later each, and now and then both anew."""
    for number in range(len(events)):
        yield number // 2 + 1, NOW + timedelta(seconds=10 * (number // 3))


async def test_what_is_said_again_is_what_would_be_said_anew() -> None:
    account, events = life()
    # A seat that is given only later is told once its time has come.
    given = SeatAssigned(
        account=account,
        command=Command(id="cmd:1", fingerprint=""),
        user="u_1",
        effective_at=NOW + timedelta(seconds=35),
    )
    log = MemoryLog()
    await log.append([given, *events])
    recent, answers = Recent(log), [kept(account), kept(account)]
    same = 0

    for position, now in moments(events):
        for reader in READERS:
            at = shown(answers[position % 16 == 1], position, now)
            first, again = [await recent.lately(at, reader) for _ in range(2)]
            assert first == await recent.before(at, reader)
            same += first is again

    assert same == 2 * len(list(moments(events)))


async def test_other_words_of_the_bank_are_said_at_once() -> None:
    account, events = life()
    log = MemoryLog()
    await log.append(events)
    recent = Recent(log)
    at = shown(kept(account), len(events), NOW)

    first = await recent.lately(at, READERS[0])
    second = await recent.lately(attrs.evolve(at, kept=kept(account)), READERS[0])

    assert first == second
    assert first is not second


async def test_what_happened_is_found_behind_the_objects_that_an_import_brought() -> None:
    account, events = life()
    objects: list[Event] = [
        stripe_object(
            msgspec.json.encode(
                {"id": f"in_{n}", "object": "invoice", "customer": account}
            ),
            Showing(source=Source.IMPORT, at=NOW - timedelta(hours=1)),
        )
        for n in range(3 * PAGE)
    ]
    told = []
    for taken in (events, [*events, *objects]):
        log = MemoryLog()
        await log.append(taken)
        at = shown(kept(account), len(taken), NOW)
        told.append((await Recent(log).lately(at, READERS[0])).entries)

    assert len(told[1]) >= SHOWN
    assert list(told[1][:SHOWN]) == list(told[0][:SHOWN])
