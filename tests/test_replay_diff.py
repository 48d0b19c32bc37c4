"""What differs between two moments, and that its causes add up to it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from command_line import bl_here, on
from ledger_on_disk import fill
from projections.api.questions import Question
from replay.ledgers import connected
from replay.past.account_diff import account_diff
from replay.past.causes import Cause, Standing, changes

Json = dict[str, Any]

T1, T2 = "2026-09-20", "2026-10-28"


@pytest.fixture(scope="module")
def ledger(module_ledger18: str) -> dict[str, str]:
    asyncio.run(fill(module_ledger18))
    return on(module_ledger18)


@pytest.fixture(scope="module")
def everybody(ledger: dict[str, str]) -> Json:
    said = bl_here("diff", "--all", T1, T2, "-O", "json", env=ledger)
    assert said.code == 1, said.err
    document: Json = json.loads(said.out)
    return document


def moment(text: str) -> Question:
    at = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return Question(as_of=at, known_at=None)


def told(ledger: dict[str, str], account: str, *asked: Question) -> Json:
    conninfo = ledger["DATABASE_URL"]
    with connected(conninfo) as connection:
        report, _ = account_diff(conninfo, connection, account, (asked[0], asked[1]))
    return dict(report.facts)


def test_the_sums_of_all_accounts_are_those_of_each_alone(
    ledger: dict[str, str], everybody: Json
) -> None:
    changed: Counter[str] = Counter()
    for each in everybody["accounts"]:
        alone = told(ledger, each["account"], moment(T1), moment(T2))
        for total in alone["totals"]:
            steps_ = [
                one["change"]
                for one in alone["waterfall"]
                if one["currency"] == total["currency"]
            ]
            assert sum(steps_) == total["change"] == total["after"] - total["before"]
            if total["currency"] == each["currency"]:
                assert total["change"] == each["change"] == sum(each["causes"].values())
        changed[each["currency"]] += each["change"]

    assert everybody["differing"] == len({e["account"] for e in everybody["accounts"]}) > 0
    for total in everybody["totals"]:
        causes = sum(each["change"] for each in total["causes"])
        assert total["after"] - total["before"] == causes == changed[total["currency"]]


def test_a_waterfall_by_position_ends_where_one_by_time_does(
    ledger: dict[str, str], everybody: Json
) -> None:
    account = everybody["accounts"][0]["account"]
    last = everybody["stamp"]["position"]

    known = told(
        ledger,
        account,
        Question(as_of=None, known_at=1),
        Question(as_of=None, known_at=last),
    )

    assert known["totals"][0]["before"] == 0
    assert sum(each["change"] for each in known["waterfall"]) == known["totals"][0]["after"]
    assert all(each["position"] for each in known["waterfall"] if each["cause"] != "date")


def test_C03_exit_codes_of_diff_are_those_of_the_table(
    ledger: dict[str, str], everybody: Json
) -> None:
    account = everybody["accounts"][0]["account"]
    expected = [
        ([account, T1, T2], 1),
        ([account, T2, T2], 0),
        (["--all", T2, T2], 0),
        ([account, T2, T1], 2),
        ([account, T1], 2),
        ([account, "#1", T2], 2),
        ([account, "#0", "#9"], 2),
        ([account, "soon", T2], 2),
        (["cus_unknown", T1, T2], 4),
        ([account, "#1", "#999999"], 2),
    ]

    for arguments, code in expected:
        said = bl_here("diff", *arguments, env=ledger)
        assert said.code == code, (arguments, said)
        if code > 1:
            assert (said.out, said.err.count("\n")) == ("", 1)


def test_the_waterfall_of_a_table_is_added_up(
    ledger: dict[str, str], everybody: Json
) -> None:
    account = next(e["account"] for e in everybody["accounts"] if e["change"])

    alone = bl_here("diff", account, T1, T2, env=ledger).out
    every = bl_here("diff", "--all", T1, T2, env=ledger).out

    assert "total before" in alone
    assert "✓" in alone
    assert "USD before" in every
    assert "differ" in every


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (Standing(), Standing(), {}),
        (
            Standing(),
            Standing(status="active", currency="usd", parts={Cause.PLAN: 99}, ever=True),
            {(Cause.NEW, "usd"): 99},
        ),
        (
            Standing(status="canceled", currency="usd", ever=True),
            Standing(status="active", currency="usd", parts={Cause.PLAN: 99}, ever=True),
            {(Cause.RETURNED, "usd"): 99},
        ),
        (
            Standing(status="active", currency="usd", parts={Cause.PLAN: 99}, ever=True),
            Standing(status="canceled", currency="usd", ever=True),
            {(Cause.ENDED, "usd"): -99},
        ),
        (
            Standing(status="trialing", currency="usd", ever=True),
            Standing(status="active", currency="usd", parts={Cause.PLAN: 99}, ever=True),
            {(Cause.STATUS, "usd"): 99},
        ),
        (
            Standing(status="active", currency="usd", parts={Cause.PLAN: 99}, ever=True),
            Standing(status="active", currency="eur", parts={Cause.PLAN: 90}, ever=True),
            {(Cause.CURRENCY, "usd"): -99, (Cause.CURRENCY, "eur"): 90},
        ),
        (
            Standing(status="active", seats=1, currency="usd", parts={Cause.PLAN: 99}),
            Standing(
                status="past_due",
                seats=3,
                currency="usd",
                parts={Cause.PLAN: 99, Cause.SEATS: 16, Cause.COUPON: -5, Cause.TAX: 2},
            ),
            {
                (Cause.STATUS, "usd"): 0,
                (Cause.SEATS, "usd"): 16,
                (Cause.COUPON, "usd"): -5,
                (Cause.TAX, "usd"): 2,
            },
        ),
    ],
)
def test_a_difference_is_classed_by_what_changed(
    before: Standing, after: Standing, expected: dict[tuple[Cause, str], int]
) -> None:
    assert changes(before, after) == expected
