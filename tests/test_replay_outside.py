"""bl import, catch-up and reconcile as commands: what they print, and how they end."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from command_line import BL, Said, bl, on
from ledger.clock import utc_now
from ledger.database import Role
from ledger.events import Source, StripeObject
from ledger.postgres import PostgresLog
from ledger.shown_objects import Showing, stripe_object
from replay.simulator.api.access import ApiKey
from replay.simulator.api.server import SECRET_KEY
from stripe_outside import company
from stripe_server import RunningStripe, running_stripe

NARROW = ApiKey("rk_test_narrow", frozenset({"rak_customer_read"}))


@pytest.fixture(scope="module")
def server() -> Iterator[RunningStripe]:
    with running_stripe(company(12, 4), keys=(ApiKey(SECRET_KEY), NARROW)) as running:
        yield running


@pytest.fixture
def env(server: RunningStripe, ledger_database18: str, tmp_path: Path) -> dict[str, str]:
    return {
        **on(ledger_database18),
        "LEDGER_DATA_DIR": str(tmp_path),
        "STRIPE_API_BASE": server.base,
        "STRIPE_API_KEY": server.key,
    }


def answer(said: Said, code: int = 0) -> dict[str, Any]:
    assert said.code == code, said
    content: dict[str, Any] = json.loads(said.out)
    return content


async def believed(conninfo: str) -> StripeObject:
    """Make the ledger believe in another status of a subscription than Stripe's."""
    async with PostgresLog.open(conninfo, Role.APPENDER) as log:
        events = [
            each.event
            async for page in log.read()
            for each in page
            if isinstance(each.event, StripeObject) and each.event.kind == "subscription"
        ]
        content = msgspec.json.decode(events[0].body)
        content["status"] = "past_due" if content["status"] != "past_due" else "active"
        at = utc_now() - timedelta(seconds=1)
        showing = Showing(source=Source.IMPORT, at=at)
        drifted = stripe_object(msgspec.json.encode(content), showing)
        await log.append([drifted])
        return drifted


def test_a_company_is_taken_over_reconciled_and_mended(env: dict[str, str]) -> None:
    empty = answer(bl("reconcile", "-O", "json", env=env), 1)
    imported = answer(bl("import", "-O", "json", env=env))
    filled = answer(bl("status", "-O", "json", env=env))
    again = answer(bl("import", "-O", "json", env=env))
    green = answer(bl("reconcile", "-O", "json", env=env))
    drifted = asyncio.run(believed(env["DATABASE_URL"]))
    red = answer(bl("reconcile", "-O", "json", env=env), 1)
    told = answer(bl("status", "-O", "json", env=env))
    words = bl("status", env=env)
    fixed = answer(bl("reconcile", "--fix", "-O", "json", env=env))
    after = bl("reconcile", env=env)
    caught_up = answer(bl("catch-up", "-O", "json", env=env))

    assert (imported["ok"], again["appended"]) == (True, 0)
    # What the empty ledger lacked is no difference any more.
    assert empty["differing"] > 0
    assert (imported["differing"], again["differing"]) == (0, 0)
    assert (filled["reconciled_ok"], filled["differing"]) == (True, 0)
    assert imported["objects"] == again["objects"] > 100
    assert any("who holds a seat" in each for each in imported["unknown"])
    assert (green["ok"], green["findings"]) == (True, [])
    assert {each["object"] for each in red["findings"]} == {drifted.object_id}
    assert {each["code"] for each in red["findings"]} == {"status"}
    assert (fixed["fixed"], fixed["ok"]) == (1, True)
    assert (told["reconciled_ok"], told["differing"]) == (False, 1)
    assert told["reconciled_at"] == red["ended_at"]
    assert "1 account differs; bl reconcile says in what" in words.out
    assert (after.code, "differing  0" in after.out) == (0, True)
    assert (caught_up["ok"], caught_up["appended"]) == (True, 0)


@pytest.mark.parametrize("kills", [4, pytest.param(25, marks=pytest.mark.slow, id="many")])
def test_an_import_that_is_killed_again_and_again_loses_and_doubles_nothing(
    env: dict[str, str], kills: int
) -> None:
    chance = random.Random(kills)
    ended = []
    for _ in range(kills):
        work = subprocess.Popen(
            [*BL, "import"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        with suppress(subprocess.TimeoutExpired):
            work.wait(timeout=chance.uniform(0.5, 1.6))
        work.kill()
        ended.append(work.wait())
    begun = asyncio.run(objects(env["DATABASE_URL"]))
    last = answer(bl("import", "-O", "json", env=env))
    verified = bl("verify", env=env)
    green = answer(bl("reconcile", "-O", "json", env=env))
    names = asyncio.run(objects(env["DATABASE_URL"]))

    assert -signal.SIGKILL in ended
    assert set(begun) <= set(names)
    assert len(names) == len(set(names))
    assert len(names) >= last["objects"]
    assert (verified.code, green["ok"]) == (0, True)


@pytest.mark.slow
def test_catch_ups_and_mendings_killed_as_processes_lose_and_double_nothing(
    env: dict[str, str],
) -> None:
    answer(bl("import", "-O", "json", env=env))
    drifted = asyncio.run(believed(env["DATABASE_URL"]))
    chance = random.Random(25)
    ended = []
    for _ in range(25):
        command = chance.choice(
            [("catch-up", "--since", "20d ago"), ("reconcile", "--fix")]
        )
        work = subprocess.Popen(
            [*BL, *command], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        with suppress(subprocess.TimeoutExpired):
            work.wait(timeout=chance.uniform(0.5, 4.0))
        work.kill()
        ended.append(work.wait())
    last = answer(bl("reconcile", "--fix", "-O", "json", env=env))
    verified = bl("verify", env=env)
    green = answer(bl("reconcile", "-O", "json", env=env))
    names = Counter(asyncio.run(objects(env["DATABASE_URL"])))

    assert -signal.SIGKILL in ended
    assert (verified.code, last["ok"], green["ok"]) == (0, True, True)
    # As imported, as believed, and as it was mended, however often that was begun.
    assert names.pop((drifted.kind, drifted.object_id)) == 3
    assert set(names.values()) == {1}


async def objects(conninfo: str) -> list[tuple[str, str]]:
    async with PostgresLog.open(conninfo, Role.APPENDER) as log:
        return [
            (each.event.kind, each.event.object_id)
            async for page in log.read()
            for each in page
            if isinstance(each.event, StripeObject)
        ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"STRIPE_API_KEY": "sk_test_nobody_knows"}, "is not accepted by Stripe"),
        ({"STRIPE_API_KEY": "rk_test_narrow"}, "rak_invoice_read"),
        ({"STRIPE_API_KEY": "sk_live_12345678"}, "STRIPE_API_KEY is of live mode"),
        ({"STRIPE_API_KEY": "whatever"}, "STRIPE_API_KEY"),
        ({"LEDGER_MODE": "live"}, "LEDGER_MODE is live"),
    ],
)
def test_what_cannot_be_asked_is_one_line_and_exit_5(
    env: dict[str, str], changes: dict[str, str], words: str
) -> None:
    said = bl("import", env={**env, **changes})

    assert said.code == 5
    assert words in said.err
    assert said.err.count("\n") == 1
    assert changes.get("STRIPE_API_KEY", "none") not in said.err or "live" in words


def test_without_a_key_the_line_says_where_to_get_one(env: dict[str, str]) -> None:
    del env["STRIPE_API_KEY"]
    for command in ("import", "catch-up", "reconcile"):
        said = bl(command, env=env)
        assert (said.code, "STRIPE_API_KEY is missing" in said.err) == (5, True)
