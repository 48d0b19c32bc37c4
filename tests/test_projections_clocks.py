"""Both clocks at every pair of moments: what a replay of the filtered log would say."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.events import (
    AccountLinked,
    Command,
    Event,
    SeatAssigned,
    SeatReleased,
    SeatsCounted,
    StripeEvent,
)
from ledger.problems import Problem
from ledger.tokens import Grant, Scope
from ledger.twin import MemoryLog
from projections import rendering
from projections.answer import answer
from projections.api.questions import Question
from projections.assembly import Kept, Needs, assembled
from projections.models.catalogue import CATALOGUE
from projections.models.links import LINKS, Link, Linked, resolve
from projections.models.mandates import MANDATES
from projections.models.registry import PROJECTIONS
from projections.projector.folding import Key
from projections.projector.rows import Codec
from projections.projector.runner import Runner
from projections.projector.twin import MemoryRows
from projections.reading import Found
from projections.views import Views
from test_laws import EXAMPLES, held, histories

START: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL: Final = Grant(scopes=frozenset({Scope.READ}))


class Clock:
    """A clock that moves on by five minutes whenever the log is written."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=5)
        return self.now


@attrs.define
class TwinReader:
    """The read models' twin: the rows of a replay of the whole log."""

    kept: Kept
    head: int

    async def find(self, account: str) -> Found:
        links: dict[str, Link] = {
            key[0]: link for key, link in self.kept[LINKS.name].items()
        }
        linked = resolve(account, links)
        return Found(
            linked=linked,
            links=links,
            kept={
                name: {key: one for key, one in states.items() if key[0] in linked.streams}
                for name, states in self.kept.items()
            },
            position=self.head,
            stale=False,
        )

    async def around(self, needs: Needs) -> Kept:
        return {
            CATALOGUE.name: {
                key: one
                for key, one in self.kept[CATALOGUE.name].items()
                if key[1] in needs.wares
            },
            MANDATES.name: self.kept[MANDATES.name],
        }

    async def position(self) -> int:
        return self.head


async def logged(events: Sequence[Event]) -> MemoryLog:
    log = MemoryLog(clock=Clock())
    for event in events:
        await log.append([event])
    return log


async def replayed(log: MemoryLog, until: int | None = None) -> dict[str, dict[Key, Any]]:
    found: dict[str, dict[Key, Any]] = {}
    for each in PROJECTIONS:
        rows = MemoryRows(each.version)
        await Runner(each, log, rows).catch_up(until)
        decode = Codec(each).decode
        found[each.name] = {key: decode(row.state) for key, row in rows.rows.items()}
    return found


async def views(log: MemoryLog) -> Views:
    head = await log.head()
    reader = TwinReader(await replayed(log), head.position)
    return Views(reader=reader, log=log, clock=lambda: head.recorded_at or START)


async def asked(views: Views, **question: Any) -> bytes:  # noqa: ANN401 - its fields
    view = await views.view("cus_1", Question(**question), ALL)
    return _body(rendering.billing(view.answer()))


async def brute_force(
    history: Sequence[Event], known: int, recorded: Sequence[datetime], moment: datetime
) -> bytes:
    """Replay what was recorded by then and had happened by then, and ask that."""
    known_events = list(history[:known])
    happened = [
        event
        for event, at in zip(known_events, recorded, strict=False)
        if isinstance(event, AccountLinked) or _date(event, at) <= moment
    ]
    kept = await replayed(await _at_its_times(happened, known_events, recorded))
    whole = await replayed(await logged(known_events))
    links = {key[0]: link for key, link in whole[LINKS.name].items()}
    kept[CATALOGUE.name] = whole[CATALOGUE.name]
    linked: Linked = resolve("cus_1", links)
    return _body(rendering.billing(answer(assembled(linked, kept), moment)))


async def _at_its_times(
    happened: Sequence[Event], known: Sequence[Event], recorded: Sequence[datetime]
) -> MemoryLog:
    """Append *happened*, each at the time at which it was recorded."""
    times = [recorded[known.index(event)] for event in happened]
    log = MemoryLog(clock=iter(times).__next__)
    for event in happened:
        await log.append([event])
    return log


def _date(event: Event, recorded_at: datetime) -> datetime:
    at = event.occurred_at if isinstance(event, StripeEvent) else None
    if isinstance(event, SeatAssigned | SeatReleased | SeatsCounted):
        at = event.effective_at
    return at or recorded_at


def _body(body: dict[str, Any]) -> bytes:
    return msgspec.json.encode(rendering.without_evidence(body), order="deterministic")


@pytest.mark.parametrize("examples", EXAMPLES)
def test_every_pair_of_clocks_tells_what_a_replay_of_the_filtered_log_tells(
    examples: int,
) -> None:
    held(law_of_clocks, examples)


@given(history=histories(), data=st.data())
def law_of_clocks(history: list[Event], data: st.DataObject) -> None:
    arrived = data.draw(st.permutations(history))
    known = data.draw(st.integers(1, len(arrived)))
    moment = START + timedelta(minutes=data.draw(st.integers(-60, 6000)), seconds=1)
    recorded = [START + timedelta(minutes=5 * n) for n in range(1, len(arrived) + 1)]
    at = recorded[known - 1]

    async def compare() -> None:
        asking = await views(await logged(arrived))
        pairs: list[tuple[int, dict[str, Any], datetime]] = [
            (known, {"known_at": known}, at),
            (known, {"known_at": at}, at),
            (known, {"known_at": known, "as_of": moment}, moment),
            (len(arrived), {"as_of": moment}, moment),
        ]
        for position, clocks, evaluated in pairs:
            told = await asked(asking, **clocks)
            # What is known at a moment may be dated later: only as_of leaves that out.
            filtered = evaluated if "as_of" in clocks else datetime.max.replace(tzinfo=UTC)
            expected = await _expected(arrived, position, recorded, filtered, evaluated)
            assert told == expected, clocks

    asyncio.run(compare())


async def _expected(
    arrived: Sequence[Event],
    known: int,
    recorded: Sequence[datetime],
    happened_by: datetime,
    evaluated: datetime,
) -> bytes:
    if happened_by == evaluated:
        return await brute_force(arrived, known, recorded, evaluated)
    kept = await replayed(await logged(arrived[:known]))
    links = {key[0]: link for key, link in kept[LINKS.name].items()}
    return _body(
        rendering.billing(answer(assembled(resolve("cus_1", links), kept), evaluated))
    )


def command(name: str) -> Command:
    return Command(id=f"cmd:{name}", fingerprint="")


MOVED: Final[list[Event]] = [
    SeatsCounted(account="shop-1", command=command("a"), users=("u_1",)),
    AccountLinked(account="shop-1", command=command("b"), customer="cus_1"),
    SeatsCounted(account="shop-2", command=command("c"), users=("u_2", "u_3")),
    AccountLinked(account="shop-1", command=command("d"), customer="cus_2"),
    AccountLinked(account="shop-2", command=command("e"), customer="cus_1"),
]


async def test_a_link_that_moved_is_where_it_was_known_to_be() -> None:
    asking = await views(await logged(MOVED))

    for known, product, active in [(2, "shop-1", 1), (4, None, None), (5, "shop-2", 2)]:
        view = await asking.view("cus_1", Question(known_at=known), ALL)
        seats = view.answer().seats
        assert view.linked.product == product
        assert (None if seats is None else seats.active) == active


async def test_what_was_true_asks_who_is_who_of_the_present() -> None:
    asking = await views(await logged(MOVED))

    view = await asking.view("cus_1", Question(as_of=START + timedelta(minutes=16)), ALL)

    assert view.linked.product == "shop-2"


async def test_a_token_of_one_side_does_not_see_the_other_before_they_were_linked() -> None:
    asking = await views(await logged(MOVED))
    own = Grant(scopes=frozenset({Scope.READ}), account="shop-2")

    with pytest.raises(Problem):
        await asking.view("cus_1", Question(known_at=2), own)
    assert (
        await asking.view("cus_1", Question(known_at=5), own)
    ).linked.product == "shop-2"


@pytest.mark.parametrize("known_at", [6, 10**17, START + timedelta(days=1)])
async def test_what_will_be_known_cannot_be_asked(known_at: int | datetime) -> None:
    asking = await views(await logged(MOVED))

    with pytest.raises(Problem) as refused:
        await asking.view("cus_1", Question(known_at=known_at), ALL)

    assert (refused.value.status, refused.value.detail[:25]) == (
        400,
        "known_at is in the future",
    )


async def test_only_an_answer_that_no_later_event_can_change_is_final() -> None:
    asking = await views(await logged(MOVED))
    last = START + timedelta(minutes=25)

    questions: list[tuple[dict[str, Any], bool]] = [
        ({"known_at": 5}, True),
        ({"known_at": last - timedelta(seconds=1)}, True),
        ({"known_at": last}, False),
        ({"as_of": START}, False),
        ({}, False),
    ]
    for clocks, final in questions:
        view = await asking.view("cus_1", Question(**clocks), ALL)
        assert view.final is final, clocks


async def test_before_the_first_event_nothing_was_known() -> None:
    asking = await views(await logged(MOVED))

    view = await asking.view("cus_1", Question(known_at=START), ALL)

    assert (view.position, view.answer().status, view.answer().seats) == (0, "none", None)
