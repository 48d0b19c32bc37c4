from __future__ import annotations

import json
import os
import pty
import subprocess
from contextlib import suppress
from typing import Any

import attrs
import pytest

from command_line import BL, bl, on
from told_account import ACCOUNT, project, tell


@attrs.frozen
class Shop:
    """A ledger with two prices, and its database."""

    env: dict[str, str]
    conninfo: str

    def json(self, *arguments: str) -> Any:  # noqa: ANN401 - any report
        said = bl(*arguments, "-O", "json", env=self.env)
        assert said.code == 0, said.err
        return json.loads(said.out)

    def prices(self) -> dict[str, dict[str, Any]]:
        return {each["price"]: each for each in self.json("terms", "show")["prices"]}

    def head(self) -> int:
        position: int = self.json("status")["position"]
        return position


@pytest.fixture
async def shop(ledger_database18: str) -> Shop:
    await tell(ledger_database18)
    return Shop(on(ledger_database18), ledger_database18)


def test_terms_of_each_price_are_shown_with_where_they_come_from(shop: Shop) -> None:
    prices = shop.prices()

    base, seat = prices["price_base"], prices["price_seat"]
    assert (base["role"], base["included"], base["counts"]) == ("base", 10, None)
    assert (seat["role"], seat["counts"]) == ("seat", "extra")
    assert seat["increase"] == "prorated"
    assert {base["source"], seat["source"]} == {"metadata"}
    assert (base["name"], base["subscriptions"]) == ("Shop", 1)


async def test_terms_that_are_set_are_an_event_and_change_the_figures(shop: Shop) -> None:
    head = shop.head()
    command = ("terms", "set", "price_base", "--included", "11")

    stored = shop.json(*command, "--effective-at", "2026-01-01", "--yes")
    await project(shop.conninfo)

    assert (stored["ok"], stored["changed"], stored["position"]) == (True, True, head + 1)
    assert shop.prices()["price_base"]["source"] == "set"
    assert shop.prices()["price_base"]["evidence"] == [head + 1]
    for then in (["--known-at", f"#{head}"], ["--as-of", "2025-12-31"]):
        before = shop.json("terms", "show", "price_base", *then)
        assert before["source"] != "set", then
    seats = shop.json("seats", ACCOUNT, "--as-of", "2026-04-16")["seats"]
    assert (seats["included"], seats["terms"]) == (11, "set")
    logged = bl("log", f"#{head + 1}", "-O", "jsonl", env=shop.env).out
    assert json.loads(logged)["type"] == "terms_set"


def test_terms_that_hold_already_append_nothing(shop: Shop) -> None:
    command = ("terms", "set", "price_seat", "--role", "seat", "--increase", "full")
    first = shop.json(*command, "--yes")

    again = shop.json(*command, "--no-input")
    part = shop.json("terms", "set", "price_seat", "--increase", "full")

    assert first["changed"] is True
    assert (again["changed"], again["position"]) == (False, first["position"])
    assert part["changed"] is False
    assert shop.head() == first["position"]


def test_parts_that_are_not_given_stay_until_all_is_forgotten(shop: Shop) -> None:
    bl("terms", "set", "price_seat", "--role", "seat", "--yes", env=shop.env)

    added = shop.json("terms", "set", "price_seat", "--increase", "full", "--yes")
    gone = shop.json("terms", "set", "price_seat", "--forget", "--yes")

    assert (added["role"], added["increase"]) == ("seat", "full")
    assert (gone["role"], gone["increase"]) == (None, None)


@pytest.mark.parametrize(
    "command",
    [
        ("terms", "set", "price_base", "--included", "4"),
        ("terms", "set", "price_base", "--included", "4", "--no-input"),
        ("policy", "set", "--pause", "9"),
    ],
)
def test_nothing_is_appended_that_nobody_confirmed(
    shop: Shop, command: tuple[str, ...]
) -> None:
    head = shop.head()

    said = bl(*command, env=shop.env)

    assert (said.code, said.out) == (2, "")
    assert "--yes" in said.err
    assert shop.head() == head


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("terms", "set", "price_base"), "at least one of --role"),
        (("terms", "set", "price_base", "--forget", "--included", "1"), "--forget alone"),
        (("terms", "set", "price_base", "--included", "-1"), "--included"),
        (("terms", "set", "price_base", "--quantity", "some"), "--quantity"),
        (("terms", "set", "price_base", "--role", "lord"), "--role"),
        (("terms", "set", "", "--included", "1"), "nothing goes by the name"),
        (("terms", "set", "\udcff", "--included", "1"), "nothing goes by the name"),
        (("policy", "set", "--pause", "6", "--actor", "a" * 256), "nothing goes by"),
        (("policy", "set"), "at least one of --retries"),
        (("policy", "set", "--retries", "1,2"), "begins with 0"),
        (("policy", "set", "--retries", "0,5,3"), "goes up"),
        (("policy", "set", "--retries", "0,x"), "days such as"),
        (("policy", "set", "--cancel", "3"), "the cancellation comes last"),
        (("policy", "set", "--cancel", "9", "--effective-at", "soon"), "is no time"),
    ],
)
def test_decision_that_cannot_be_read_is_a_mistake(
    shop: Shop, command: tuple[str, ...], says: str
) -> None:
    head = shop.head()

    said = bl(*command, "--yes", env=shop.env)

    assert (said.code, said.out) == (2, "")
    assert says in said.err
    assert shop.head() == head


def test_price_that_nobody_told_of_is_not_found(shop: Shop) -> None:
    said = bl("terms", "show", "price_nobody", env=shop.env)

    assert (said.code, said.out) == (4, "")


def test_policy_is_the_default_until_one_is_set(shop: Shop) -> None:
    default = shop.json("policy", "show")
    head = shop.head()

    stored = shop.json("policy", "set", "--retries", "0,2,4", "--pause", "5", "--yes")
    again = shop.json("policy", "set", "--retries", "0,2,4", "--pause", "5", "--yes")
    shown = shop.json("policy", "show")

    assert (default["retries"], default["pause"]) == ([0, 3, 5, 7], 7)
    assert (default["cancel"], default["source"]) == (30, "default")
    assert (stored["changed"], stored["position"]) == (True, head + 1)
    assert (again["changed"], again["position"]) == (False, head + 1)
    assert (shown["retries"], shown["pause"], shown["cancel"]) == ([0, 2, 4], 5, 30)
    assert [each["position"] for each in shown["set"]] == [head + 1]


def test_policy_of_the_future_is_not_in_force_yet(shop: Shop) -> None:
    shop.json("policy", "set", "--cancel", "60", "--effective-at", "30d", "--yes")

    shown = shop.json("policy", "show")

    assert (shown["cancel"], shown["source"]) == (30, "default")
    assert [each["cancel"] for each in shown["set"]] == [60]
    then = shop.json("policy", "show", "--as-of", "2999-01-01")
    assert (then["cancel"], then["source"]) == (60, "as set here")
    before = shop.json("policy", "show", "--as-of", "2999-01-01", "--known-at", "1")
    assert (before["cancel"], before["set"]) == (30, [])


@pytest.mark.parametrize(("answer", "appended"), [("y", 1), ("yes", 1), ("n", 0), ("", 0)])
def test_answer_in_a_terminal_decides(shop: Shop, answer: str, appended: int) -> None:
    head = shop.head()

    code, shown = answered(answer, "policy", "set", "--pause", "6", env=shop.env)

    assert code == (0 if appended else 130)
    assert "pause on day 6; cancel on day 30; from now on" in shown
    assert (f"appended, #{head + 1}" in shown) is bool(appended)
    assert shop.head() == head + appended


def answered(answer: str, *arguments: str, env: dict[str, str]) -> tuple[int, str]:
    """Run a command in a terminal where somebody answers its question."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*BL, *arguments], env=env, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        with suppress(OSError):
            while b"[y/N]" not in shown:
                shown += os.read(ours, 4096)
            os.write(ours, f"{answer}\n".encode())
            while read := os.read(ours, 4096):
                shown += read
        code = process.wait()
    os.close(ours)
    return code, shown.decode()
