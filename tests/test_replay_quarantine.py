"""Read models that differ are named and healed; what was set aside is shown and let go."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
import psycopg
import pytest

from command_line import bl, bl_here, damaged, on
from ledger.database import Role
from ledger.envelope import stripe_event
from ledger.events import Event, StripeEvent
from ledger.postgres import PostgresLog
from projections.facts import ReferenceMade, SubscriptionObserved
from projections.models.customers import CUSTOMERS
from projections.models.declaration import Projection, table
from projections.models.declaration import on as handled
from projections.models.registry import PROJECTIONS
from projections.models.routing import UNROUTED, Loose, made
from projections.models.subscriptions import SUBSCRIPTIONS, History, observed
from projections.projector import process
from replay.rebuild.differing import Parting, parting
from replay.rebuild.drift import compare
from replay.rebuild.drift_words import drift_findings

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
POISON: Final = 66


def shown(number: int, account: str, quantity: int) -> StripeEvent:
    item = {"id": "si_1", "quantity": quantity, "price": {"id": "price_1"}}
    body = {"data": {"object": {"status": "active", "items": {"data": [item]}}}}
    return StripeEvent(
        event_id=f"evt_{number}",
        body=json.dumps(body).encode(),
        account=account,
        object_id=f"sub_{account}",
        occurred_at=NOON + timedelta(seconds=number),
        stripe_type="customer.subscription.updated",
    )


def disputed(number: int, name: str) -> StripeEvent:
    body = {"data": {"object": {"id": name, "charge": f"ch_{number}"}}}
    return StripeEvent(
        event_id=f"evt_{number}",
        body=json.dumps(body).encode(),
        object_id=name,
        occurred_at=NOON + timedelta(seconds=number),
        stripe_type="charge.dispute.updated",
    )


def failing(history: History, fact: SubscriptionObserved) -> History | None:
    if fact.value.items[0].quantity == POISON:
        raise ZeroDivisionError("cannot divide")
    return observed(history, fact)


def falling(loose: Loose, fact: ReferenceMade) -> Loose:
    if fact.references == ("ch_7",):
        raise ZeroDivisionError("cannot divide")
    return made(loose, fact)


BROKEN: Final[dict[str, Projection[Any]]] = {
    SUBSCRIPTIONS.name: attrs.evolve(
        SUBSCRIPTIONS, handlers=table(handled(SubscriptionObserved, failing))
    ),
    UNROUTED.name: attrs.evolve(UNROUTED, handlers=table(handled(ReferenceMade, falling))),
}
UNREADABLE: Final = stripe_event(b'{"id": "evt_5", "id": "evt_5"}', ledger_livemode=False)
EVENTS: Final[list[Event]] = [
    shown(1, "cus_1", 1),
    shown(2, "cus_2", 2),
    shown(3, "cus_1", POISON),
    shown(4, "cus_1", 7),
    UNREADABLE,
    disputed(6, "dp_1"),
    disputed(7, "dp_2"),
    disputed(8, "dp_2"),
]


async def fill(conninfo: str, projections: list[Projection[Any]]) -> None:
    async with PostgresLog.open(conninfo, Role.APPENDER) as log:
        await log.append(EVENTS)
    async with PostgresLog.open(conninfo, Role.PROJECTOR) as log:
        await process.catch_up(conninfo, log, projections)


@pytest.fixture
def intact(ledger_database18: str) -> dict[str, str]:
    asyncio.run(fill(ledger_database18, list(PROJECTIONS)))
    return on(ledger_database18)


@pytest.fixture
def broken(ledger_database18: str) -> dict[str, str]:
    mixed = [BROKEN.get(each.name, each) for each in PROJECTIONS]
    asyncio.run(fill(ledger_database18, mixed))
    return on(ledger_database18)


def said(*arguments: str, env: dict[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(bl(*arguments, "-O", "json", env=env).out)
    return told


def test_P06_control_intact_read_models_have_no_difference(intact: dict[str, str]) -> None:
    verified = bl("verify", "--projections", "-O", "json", env=intact)

    assert (verified.code, json.loads(verified.out)["findings"]) == (0, [])


def test_P06_a_flipped_byte_is_named_by_row_field_and_values_and_healed(
    intact: dict[str, str],
) -> None:
    with psycopg.connect(intact["DATABASE_URL"], autocommit=True) as connection:
        row = connection.execute(
            "SELECT state FROM read_models.subscriptions_g1 WHERE account = 'cus_2'"
        ).fetchone()
        assert row is not None
        at = bytes(row[0]).index(b"active")
        connection.execute(
            "UPDATE read_models.subscriptions_g1 "
            "SET state = set_byte(state, %s, get_byte(state, %s) # 1) "
            "WHERE account = 'cus_2'",
            (at, at),
        )

    verified = bl("verify", "--projections", "-O", "json", env=intact)
    found = json.loads(verified.out)["findings"]
    table_shown = bl("verify", "--projections", env=intact).out
    rebuilt = bl("projections", "rebuild", "subscriptions", env=intact)

    assert verified.code == 1
    assert [each["projection"] for each in found] == ["subscriptions"]
    row_named = (found[0]["account"], found[0]["object"], found[0]["what"])
    assert row_named == ("cus_2", "sub_cus_2", "other")
    assert found[0]["field"].endswith("status")
    assert (found[0]["expected"], found[0]["actual"]) == ("active", "`ctive")
    assert "status is `ctive, the log says active" in " ".join(table_shown.split())
    assert rebuilt.code == 0
    assert bl("verify", env=intact).code == 0


@pytest.mark.parametrize(
    ("expected", "actual", "where"),
    [
        ({"a": 1}, {"a": 1}, None),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, Parting("a.b.1", "2", "3")),
        ({"a": 1}, {}, Parting("a", "1", "nothing")),
        ({}, {"b": "x"}, Parting("b", "nothing", "x")),
        ([1], [1, None], Parting("1", "nothing", "nothing")),
        ({"a": None}, {"a": 0}, Parting("a", "nothing", "0")),
        ("4242 4242 4242 4242", "", Parting("state", "****4242", "")),
    ],
)
def test_the_first_field_that_parts_is_named(
    expected: object, actual: object, where: Parting | None
) -> None:
    assert parting(expected, actual) == where


def test_what_was_set_aside_is_listed_with_its_reason(broken: dict[str, str]) -> None:
    listed = said("quarantine", "list", env=broken)["quarantine"]

    rows = [(each["position"], each["kind"], each["name"]) for each in listed]
    assert rows == [
        (3, "parked", "cus_1"),
        (5, "quarantined", UNREADABLE.event_id),
        (7, "parked", "ledger:unrouted/dp_2"),
    ]
    assert listed[0]["reason"] == "ZeroDivisionError: cannot divide"
    assert "twice" in listed[1]["reason"] or "duplicate" in listed[1]["reason"]
    assert "on the event at" in bl("quarantine", "show", "cus_1", env=broken).out
    assert said("quarantine", "show", "#5", env=broken)["verdict"] == "quarantined"
    assert bl("quarantine", "show", "cus_9", env=broken).code == 4


def test_P03_who_is_parked_goes_on_after_a_release_from_the_command_line(
    broken: dict[str, str],
) -> None:
    for name in ("cus_1", "ledger:unrouted/dp_2"):
        assert bl("quarantine", "release", name, env=broken).code == 0

    kept = [each["kind"] for each in said("quarantine", "list", env=broken)["quarantine"]]
    assert kept == ["quarantined"]
    assert bl("verify", "--projections", env=broken).code == 0
    assert bl("quarantine", "release", "cus_1", env=broken).code == 4
    assert bl("quarantine", "release", UNREADABLE.event_id, env=broken).code == 2


def test_who_is_parked_is_told_once_and_not_compared(broken: dict[str, str]) -> None:
    for command in (["replay", "--compare"], ["verify", "--projections"]):
        compared = bl_here(*command, "-O", "json", env=broken)
        found = json.loads(compared.out)["findings"]

        assert (compared.code, compared.err) == (0, ""), command
        assert [(each["code"], each["account"]) for each in found] == [
            ("account_parked", "cus_1"),
            ("account_parked", "ledger:unrouted/dp_2"),
        ]
        assert json.loads(compared.out)["ok"] is True
    shown = bl_here("replay", "--compare", env=broken).out
    assert "2 accounts are not compared" in shown


def test_what_can_no_longer_be_folded_is_a_difference(
    intact: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    of = [BROKEN[SUBSCRIPTIONS.name], CUSTOMERS]

    compared = asyncio.run(
        compare(intact["DATABASE_URL"], lambda _done, _total: None, of, bodies=True)
    )

    assert [one.differing for one in compared] == [1, 0]
    (finding,) = drift_findings(compared)
    assert finding["message"] == "cus_1: unfoldable, #3: ZeroDivisionError"
    assert [each for each in caplog.records if each.message == "account_parked"] == []


def test_C03_a_comparison_that_meets_an_altered_event_is_exit_3(
    intact: dict[str, str],
) -> None:
    damaged(intact, "UPDATE ledger.log SET topic = 'of_nobody' WHERE position = 2")

    for command in (["replay", "--compare", "--bodies"], ["verify", "--projections"]):
        said_of = bl_here(*command, env=intact)
        assert (said_of.code, said_of.out) == (3, ""), (command, said_of)
        assert said_of.err.count("\n") == 1
        assert "#2 is not what its hash was taken over" in said_of.err


def test_read_models_are_listed_and_only_known_ones_rebuilt(intact: dict[str, str]) -> None:
    listed = said("projections", "list", env=intact)["projections"]
    unknown = bl("projections", "rebuild", "subscribers", env=intact)

    assert {each["name"] for each in listed} == {each.name for each in PROJECTIONS}
    assert {each["lag"] for each in listed} == {0}
    assert (unknown.code, "there are subscriptions" in unknown.err) == (4, True)
