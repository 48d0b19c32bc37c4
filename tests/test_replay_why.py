"""Why a figure is what it is: each field by its event, and the event that made a change."""

from __future__ import annotations

import json
from functools import partial
from operator import le
from typing import Any

import pytest

from command_line import bl, on
from replay.arguments.expression import Expression
from replay.arguments.options import UsageError
from replay.commands.bisect import _first
from told_account import ACCOUNT, tell

DOCUMENT = {
    "status": "active",
    "seats": {"billed": 12, "drift": None},
    "period_total": {"total": 9200},
}


@pytest.mark.parametrize(
    ("text", "so"),
    [
        ("total > 9199", True),
        ("total > 9200", False),
        ("total - 200 == 9000 and seats.billed in (11, 12)", True),
        ("status == 'active' or nothing.there == 1", True),
        ("not status != 'active'", True),
        ("0 <= seats < 12", False),
        ("seats.drift == None", True),
        ("seats.drift > -5", False),
        ("nothing.there + 1 == None", True),
        ("status not in ['canceled']", True),
    ],
)
def test_expression_asks_an_account(text: str, *, so: bool) -> None:
    assert Expression(text).holds(DOCUMENT) is so


@pytest.mark.parametrize(
    "text",
    [
        "",
        "total >",
        "__import__('os')",
        "total.__class__()",
        "[x for x in y]",
        "1.5 > total",
        "lambda: 1",
        "total ** 9",
        "total is None",
        "f'{total}'",
        "(" * 500,
        "a; b",
    ],
)
def test_what_cannot_be_asked_is_refused_before_any_work(text: str) -> None:
    with pytest.raises(UsageError):
        Expression(text)


@pytest.mark.parametrize("text", ["status > 5", "status + 1 == 2", "5 in total"])
def test_kinds_that_do_not_go_together_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Expression(text).holds(DOCUMENT)


@pytest.fixture
async def told(ledger_database18: str) -> tuple[dict[str, str], dict[str, int]]:
    return on(ledger_database18), await tell(ledger_database18)


def asked(env: dict[str, str], *arguments: str) -> Any:  # noqa: ANN401 - any report
    said = bl(*arguments, "-O", "json", env=env)
    assert said.code == 0, said.err
    return json.loads(said.out)


def test_each_field_is_blamed_on_the_event_that_set_it(
    told: tuple[dict[str, str], dict[str, int]],
) -> None:
    env, at = told
    fields = {row["field"]: row for row in asked(env, "blame", ACCOUNT)["fields"]}

    assert fields["status"]["value"] == "active"
    assert fields["status"]["position"] == at["paid_up"]
    assert fields["subscription.cancel_at_period_end"]["position"] == at["set_to_end"]
    assert fields["seats.active"]["position"] == at["late_seat"]
    assert fields["seats.active"]["by"] == "u_2"
    assert fields["subscription.plan"]["value"] == "Shop"

    table = bl("blame", ACCOUNT, "seats", env=env).out
    assert "seats.billed" in table
    assert "subscription.status" not in table
    nothing = bl("blame", ACCOUNT, "seets", env=env)
    assert (nothing.code, nothing.out) == (4, "")


def test_halving_ends_at_the_first_place_that_holds_whichever_it_is() -> None:
    for count in range(20):
        for first in range(count):
            assert _first(count, partial(le, first)) == first
        assert _first(count, lambda _: False) is None


def test_first_event_after_which_something_is_so_is_found(
    told: tuple[dict[str, str], dict[str, int]],
) -> None:
    env, at = told
    found = asked(env, "bisect", ACCOUNT, "--expr", "status in ('past_due', 'active')")
    assert found["position"] == at["active"]

    found = asked(env, "bisect", ACCOUNT, "--expr", "seats.active >= 12")
    assert found["position"] == at["late_seat"]
    assert found["by"] == "u_2"
    assert found["replays"] <= 6

    never = bl("bisect", ACCOUNT, "--expr", "status == 'unpaid'", env=env)
    assert never.code == 4
    assert bl("bisect", ACCOUNT, "--expr", "status ==", env=env).code == 2
    assert bl("bisect", "cus_nobody", "--expr", "total > 1", env=env).code == 4
