"""The log replayed from the command line: compared, and put in place in one step."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import time
from collections.abc import Iterator

import psycopg
import pytest

from command_line import BL, bl, damaged, on
from ledger_on_disk import fill
from projections.models.registry import PROJECTIONS

LIVE = "SELECT projection, generation FROM read_models.bookmarks WHERE live"
BUILT = "SELECT count(*) FROM read_models.bookmarks WHERE NOT live AND position > 0"


@pytest.fixture(scope="module")
def ledger(module_ledger18: str) -> dict[str, str]:
    asyncio.run(fill(module_ledger18))
    return on(module_ledger18)


@pytest.fixture
def connection(
    ledger: dict[str, str],
) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(ledger["DATABASE_URL"], autocommit=True) as connection:
        yield connection


def live(connection: psycopg.Connection[tuple[object, ...]]) -> dict[object, object]:
    return {row[0]: row[1] for row in connection.execute(LIVE)}


def test_rows_are_what_the_log_makes_of_them_until_one_is_changed(
    ledger: dict[str, str],
) -> None:
    intact = json.loads(bl("replay", "-O", "json", env=ledger).out)
    damaged(
        ledger,
        "UPDATE read_models.seats SET state = '\\xc0' "
        "WHERE account = (SELECT min(account) FROM read_models.seats)",
    )
    damaged(
        ledger,
        "DELETE FROM read_models.customers "
        "WHERE account = (SELECT min(account) FROM read_models.customers)",
    )

    said = bl("replay", "--compare", "-O", "json", env=ledger)
    alone = bl("replay", "--compare", "--projection", "invoices", env=ledger)
    shown = bl("replay", env=ledger)

    assert (intact["ok"], intact["differences"]) == (True, [])
    assert {each["projection"] for each in intact["projections"]} == {
        each.name for each in PROJECTIONS
    }
    document = json.loads(said.out)
    assert (said.code, document["ok"], alone.code) == (1, False, 0)
    found = {(each["projection"], each["what"]) for each in document["differences"]}
    assert found == {("seats", "other"), ("customers", "missing")}
    assert document["stamp"]["totals"]["differ"] == len(document["findings"]) >= 2
    assert "bl replay --swap makes them anew" in shown.out


def test_C04_a_swap_interrupted_at_the_last_moment_swaps_nothing_and_goes_on_later(
    ledger: dict[str, str], connection: psycopg.Connection[tuple[object, ...]]
) -> None:
    before = live(connection)

    with connection.transaction():
        # Whoever holds a bookmark keeps every model from being put in place.
        connection.execute(
            "SELECT FROM read_models.bookmarks WHERE projection = 'ties' FOR UPDATE"
        )
        with (
            subprocess.Popen(
                [*BL, "replay", "--swap"], env=ledger, stderr=subprocess.PIPE
            ) as process,
            psycopg.connect(ledger["DATABASE_URL"], autocommit=True) as watching,
        ):
            while watching.execute(BUILT).fetchone() != (len(PROJECTIONS),):
                assert process.poll() is None
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=20)
        interrupted = live(connection)

    again = bl("replay", "--swap", env=ledger)

    assert (process.returncode, interrupted) == (130, before)
    assert said.endswith(b"bl: interrupted\n")
    assert again.code == 0
    after = live(connection)
    assert {after[name] for name in before} == {2}
    assert bl("replay", "--compare", env=ledger).code == 0


def test_C03_a_wrong_replay_is_told_in_one_line(ledger: dict[str, str]) -> None:
    both = bl("replay", "--compare", "--swap", env=ledger)
    unknown = bl("replay", "--projection", "subscribers", env=ledger)

    assert (both.code, unknown.code) == (2, 4)
    assert both.err.count("\n") == unknown.err.count("\n") == 1


def test_rows_of_another_version_are_not_taken_for_damage(
    ledger: dict[str, str], connection: psycopg.Connection[tuple[object, ...]]
) -> None:
    connection.execute(
        "UPDATE read_models.bookmarks SET version = 0 WHERE projection = 'ties'"
    )

    said = bl("replay", env=ledger)

    connection.execute(
        "UPDATE read_models.bookmarks SET version = 1 WHERE projection = 'ties'"
    )
    assert said.code == 6
    assert "bl projections rebuild" in said.err
