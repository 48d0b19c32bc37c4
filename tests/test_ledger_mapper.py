"""Events become rows and rows the same events, for every kind there will ever be."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Any, Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.acts import Act, ActDone, ActFailed, ActRequested
from ledger.encoding import CURRENT, PLAIN, Encodings
from ledger.errors import IntegrityFailureError
from ledger.events import (
    TOPIC_OF,
    TOPICS,
    AccountLinked,
    Check,
    Command,
    DeliveryConflicted,
    Event,
    MonthClosed,
    PolicySet,
    SeatAssigned,
    SeatReleased,
    SeatsCounted,
    Source,
    StripeChecked,
    StripeEvent,
    StripeObject,
    TermsSet,
    UnknownEvent,
    Verdict,
)
from ledger.mapper import Mapper
from ledger.policy import DEFAULT, Policy
from ledger.row import EPOCH, MICROSECOND, Row
from samples import EVERY_KIND, NOON

MAPPER: Final = Mapper(Encodings.shipped())
GOLDEN: Final = Path(__file__).parent / "golden" / "log.bin"
PINNED: Final = {
    "stripe_event": StripeEvent,
    "stripe_object": StripeObject,
    "stripe_checked": StripeChecked,
    "seat_assigned": SeatAssigned,
    "seat_released": SeatReleased,
    "seats_counted": SeatsCounted,
    "account_linked": AccountLinked,
    "terms_set": TermsSet,
    "policy_set": PolicySet,
    "act_requested": ActRequested,
    "act_done": ActDone,
    "act_failed": ActFailed,
    "month_closed": MonthClosed,
    "delivery_conflicted": DeliveryConflicted,
}


def there_and_back(event: Event) -> Event:
    return MAPPER.recorded(MAPPER.entry(event).at(7, NOON)).event


def row_of(event: Event, **changes: Any) -> Row:  # noqa: ANN401, fields of any type
    return MAPPER.entry(event).at(1, NOON)._replace(**changes)


def test_topics_are_pinned_for_ever() -> None:
    assert TOPICS == PINNED
    assert {TOPIC_OF[event] for event in PINNED.values()} == set(PINNED)


def test_every_kind_of_event_but_the_unknown_has_a_topic() -> None:
    assert set(get_args(Event)) == {*PINNED.values(), UnknownEvent}


@pytest.mark.parametrize("event", EVERY_KIND, ids=lambda event: type(event).__name__)
def test_every_kind_of_event_comes_back(event: Event) -> None:
    assert there_and_back(event) == event


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
maybe = st.none() | texts
moments = st.none() | st.datetimes(timezones=st.just(UTC))
commands = st.builds(
    Command, id=texts, version=st.integers(-(2**63), 2**63 - 1), fingerprint=texts
)
given_to_all: Final[dict[str, Any]] = {
    "account": texts,
    "command": commands,
    "actor": maybe,
}
changes: Final = {**given_to_all, "user": texts, "effective_at": moments}
EVENTS: Final[dict[type[Event], st.SearchStrategy[Event]]] = {
    StripeEvent: st.builds(
        StripeEvent,
        event_id=texts,
        body=st.binary(),
        verdict=st.sampled_from(list(Verdict)),
        source=st.sampled_from(list(Source)),
        account=maybe,
        occurred_at=moments,
        stripe_type=maybe,
        api_version=maybe,
        livemode=st.none() | st.booleans(),
        stripe_account=maybe,
        object_id=maybe,
        endpoint=maybe,
        signed_at=moments,
    ),
    StripeObject: st.builds(
        StripeObject,
        id=texts,
        version=st.integers(-(2**63), 2**63 - 1),
        body=st.binary(),
        source=st.sampled_from(list(Source)),
        kind=texts,
        object_id=texts,
        account=maybe,
        occurred_at=moments.filter(bool),
        api_version=maybe,
        livemode=st.none() | st.booleans(),
        stripe_account=maybe,
    ),
    StripeChecked: st.builds(
        StripeChecked,
        account=texts,
        command=commands,
        check=st.sampled_from(list(Check)),
        begun_at=moments.filter(bool),
        ended_at=moments.filter(bool),
        ok=st.booleans(),
        counts=st.lists(st.tuples(texts, st.integers(0, 2**63 - 1))).map(tuple),
        differing=st.lists(texts).map(tuple),
        stripe_account=maybe,
    ),
    SeatAssigned: st.builds(SeatAssigned, **changes),
    SeatReleased: st.builds(SeatReleased, **changes),
    SeatsCounted: st.builds(
        SeatsCounted,
        **given_to_all,
        users=st.none() | st.lists(texts).map(tuple),
        count=st.none() | st.integers(0, 2**63 - 1),
        effective_at=moments,
    ),
    AccountLinked: st.builds(AccountLinked, **given_to_all, customer=texts),
    TermsSet: st.builds(
        TermsSet,
        **given_to_all,
        price=texts,
        role=maybe,
        included=st.none() | st.integers(0, 2**63 - 1),
        counts=maybe,
        increase=maybe,
        effective_at=moments,
    ),
    PolicySet: st.builds(
        PolicySet,
        **given_to_all,
        policy=st.builds(
            Policy,
            retry_days=st.lists(st.integers(0, 99)).map(tuple),
            pause_day=st.integers(0, 99),
            cancel_day=st.integers(0, 99),
        ),
        effective_at=moments,
    ),
    ActRequested: st.builds(
        ActRequested,
        **given_to_all,
        act=st.sampled_from(list(Act)),
        key=texts,
        asked=st.lists(st.tuples(texts, texts)).map(tuple),
    ),
    ActDone: st.builds(
        ActDone,
        account=texts,
        command=commands,
        act=st.sampled_from(list(Act)),
        object_id=maybe,
    ),
    ActFailed: st.builds(
        ActFailed,
        account=texts,
        command=commands,
        act=st.sampled_from(list(Act)),
        status=st.integers(400, 599),
        code=maybe,
        message=texts,
    ),
    MonthClosed: st.builds(
        MonthClosed,
        **given_to_all,
        month=texts,
        zone=texts,
        position=st.integers(0, 2**63 - 1),
        hash=texts,
        digest=texts,
        totals=st.lists(st.tuples(texts, st.integers(-(2**63), 2**63 - 1))).map(tuple),
        program=texts,
    ),
    DeliveryConflicted: st.builds(
        DeliveryConflicted,
        event_id=texts,
        kept=texts,
        refused=texts,
        account=maybe,
        endpoint=maybe,
        body=st.binary(),
    ),
}


def test_the_table_of_strategies_knows_every_kind() -> None:
    assert set(EVENTS) == set(PINNED.values())


@given(event=st.one_of(*EVENTS.values()))
def test_any_event_comes_back_as_it_was(event: Event) -> None:
    assert there_and_back(event) == event


def test_a_body_is_decoded_only_when_asked_for() -> None:
    event = EVERY_KIND[0]
    damaged = row_of(event, encoding_id=CURRENT, body=b"no frame")

    read = MAPPER.recorded(damaged).event

    assert isinstance(read, StripeEvent)
    assert read.event_id == "evt_full"
    with pytest.raises(IntegrityFailureError):
        _ = read.body


def test_a_topic_of_a_later_release_is_unknown_and_never_appended() -> None:
    row = row_of(EVERY_KIND[4], topic="moon_phase", body=b"\xff")

    unknown = MAPPER.recorded(row).event

    assert unknown == UnknownEvent(
        originator_id="cmd:in", topic="moon_phase", account="Käse & Söhne 🧀"
    )
    with pytest.raises(KeyError):
        MAPPER.entry(unknown)


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "released"},
        {"source": "of a later release"},
        {"source": None},
        {"topic": "seat_assigned", "encoding_id": PLAIN, "body": b""},
        {"topic": "seat_assigned", "encoding_id": PLAIN, "body": b"[]"},
        {"topic": "seat_assigned", "encoding_id": PLAIN, "body": b'{"user": "u"}'},
        {"topic": "seats_counted", "encoding_id": PLAIN, "body": b'{"fingerprint": 1}'},
        {"topic": "account_linked", "encoding_id": PLAIN, "body": b'{"customer": "\xff"}'},
        {"topic": "delivery_conflicted", "encoding_id": 9},
    ],
    ids=str,
)
def test_a_row_that_was_never_written_so_is_an_integrity_failure(
    changes: dict[str, Any],
) -> None:
    with pytest.raises(IntegrityFailureError):
        MAPPER.recorded(row_of(EVERY_KIND[0], **changes))


def test_fields_that_a_later_release_adds_to_a_body_are_passed_over() -> None:
    body = b'{"user": "u_1", "fingerprint": "f1", "seat_type": "viewer"}'
    event = EVERY_KIND[5]

    read = MAPPER.recorded(row_of(event, encoding_id=PLAIN, body=body)).event

    assert isinstance(read, SeatReleased)
    assert read.user == "u_1"


def test_conflicts_of_one_id_have_ids_of_their_own() -> None:
    def key(event_id: str, refused: str) -> tuple[str, int]:
        conflict = DeliveryConflicted(event_id=event_id, kept="k", refused=refused)
        return MAPPER.entry(conflict).key

    assert key("a", "b") == key("a", "b")
    assert len({key("a", "b"), key("a", "c"), key("ab", ""), key("", "ab")}) == 4


def test_commands_are_told_apart_by_every_part_of_their_name() -> None:
    def key(account: str, route: str, key: str) -> str:
        of = Command.identify(account=account, route=route, key=key, fingerprint="f")
        return of.id

    triples = [("a", "b", "c"), ("ab", "", "c"), ("a", "bc", ""), ("", "ab", "c")]

    assert len({key(*triple) for triple in triples}) == len(triples)
    assert key("a", "b", "c").startswith("cmd:")


def golden_rows() -> Sequence[Row]:
    """Read the golden log with a reader of its own."""
    data, at, rows = GOLDEN.read_bytes(), 19, []
    while data[at : at + 2] != b"\xff\xff":
        at += 2
        fields: list[bytes | None] = []
        for _ in range(21):
            (size,) = struct.unpack_from(">i", data, at)
            fields.append(None if size < 0 else data[at + 4 : at + 4 + size])
            at += 4 + max(0, size)
        rows.append(Row._make(map(plain, Row._fields, fields)))
    return rows


def plain(name: str, field: bytes | None) -> Any:  # noqa: ANN401, a field of any type
    if field is None or name == "body":
        return field
    if name in {"framing", "position", "originator_version", "encoding_id"}:
        return int.from_bytes(field, "big", signed=True)
    if name.endswith("_at"):
        return EPOCH + int.from_bytes(field, "big", signed=True) * MICROSECOND
    return bool(field[0]) if name == "livemode" else field.decode()


def test_L08_the_golden_log_is_read_as_the_events_that_were_written() -> None:
    assert [MAPPER.recorded(row).event for row in golden_rows()] == list(EVERY_KIND)


def test_terms_and_policies_are_the_operators_and_stand_in_the_catalogue() -> None:
    of = Command(id="cmd:1", fingerprint="f")

    for event in (
        TermsSet(command=of, price="price_1", included=0),
        PolicySet(command=of, policy=DEFAULT),
    ):
        entry = MAPPER.entry(event)
        assert (entry.account, entry.source) == ("ledger:catalogue", "operator")
        assert there_and_back(event) == event


def test_the_policy_that_holds_unless_another_is_set() -> None:
    assert (DEFAULT.retry_days, DEFAULT.pause_day, DEFAULT.cancel_day) == (
        (0, 3, 5, 7),
        7,
        30,
    )
