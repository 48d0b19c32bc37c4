"""Rows C and D14: the command line as programs, terminals and tired people meet it."""

from __future__ import annotations

import csv
import io
import json
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from rich.cells import cell_len

from command_line import (
    BL,
    KEY,
    SECRET,
    an_account,
    bl,
    bl_in_terminal,
    damaged,
    environment,
    on,
)
from ledger_on_disk import HOSTILE, fill
from projections.models.registry import PROJECTIONS

UNWATCHED = ["--progress", "none"]
REPORTS = [
    ["status"],
    ["status", "--accounts"],
    ["log"],
    ["log", "--limit", "3"],
    ["show", "#1"],
    ["show", "evt_hostile"],
    ["verify", *UNWATCHED],
    ["doctor"],
    ["checkpoint"],
]


@pytest.fixture
async def ledger(ledger_database18: str) -> dict[str, str]:
    await fill(ledger_database18)
    return on(ledger_database18) | {"STRIPE_WEBHOOK_SECRETS": SECRET}


def test_C01_json_is_one_document_with_nothing_else(ledger: dict[str, str]) -> None:
    account = an_account(ledger)

    for report in [*REPORTS, ["show", account]]:
        said = bl(*report, "-O", "json", env=ledger)

        document = json.loads(said.out)
        assert (said.code, said.err) == (0, ""), report
        if report != ["checkpoint"]:
            stamp = document["stamp"]
            assert stamp["ledger"].startswith("led_")
            assert stamp["mode"] == "test"
            assert stamp["position"] > 100
            assert len(stamp["hash"]) == 64
            assert set(stamp["projections"]) == {each.name for each in PROJECTIONS}
            assert stamp["arguments"].startswith(f"bl {report[0]}")
        if report[0] in {"verify", "doctor", "checkpoint"}:
            assert (document["ok"], document["findings"]) == (True, [])


def test_C01_every_form_holds_the_same_records(ledger: dict[str, str]) -> None:
    document = json.loads(bl("log", "-O", "json", env=ledger).out)
    jsonl = bl("log", "-O", "jsonl", env=ledger).out.splitlines()
    sheet = list(csv.DictReader(io.StringIO(bl("log", "-O", "csv", env=ledger).out)))
    table = bl("log", env=ledger).out.splitlines()

    assert [json.loads(line) for line in jsonl] == document["rows"]
    assert [row["event_id"] for row in sheet] == [r["event_id"] for r in document["rows"]]
    assert len(table) == 1 + len(jsonl) + 1 + 3
    assert document["stamp"]["rows"] == len(jsonl) == document["stamp"]["position"]


def test_C01_reader_that_has_enough_is_no_error(ledger: dict[str, str]) -> None:
    for form in ("table", "json", "jsonl", "csv", "md"):
        with subprocess.Popen(
            [*BL, "log", "-O", form],
            env=ledger,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.read(10)
            process.stdout.close()
            said = process.stderr.read()
            assert process.wait() in {0, 141}
        assert b"Traceback" not in said
        assert b"Error" not in said


def test_C02_terminal_gets_colours_unless_it_declines(ledger: dict[str, str]) -> None:
    _, coloured = bl_in_terminal("status", env=ledger)

    assert "\x1b[" in coloured
    for declined in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        # How far work has come is shown where it takes a second: that is another trial's.
        for report in (["status"], ["log", "--limit", "2"], ["verify", *UNWATCHED]):
            code, shown = bl_in_terminal(*report, env=ledger | declined)
            assert code == 0
            assert "\x1b[" not in shown.replace("\x1b[?25", "").replace("\x1b[2K", "")


def test_C02_pipe_gets_no_escapes(ledger: dict[str, str]) -> None:
    for report in REPORTS:
        said = bl(*report, env=ledger | {"TERM": "xterm-256color"})
        assert "\x1b" not in said.out + said.err


def test_C03_exit_codes_are_those_of_the_table(
    ledger: dict[str, str], tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    away = ledger | {"DATABASE_URL": f"host=127.0.0.1 port={port} dbname=ledger"}
    nowhere = environment(LEDGER_DATA_DIR=str(tmp_path / "none"))
    expected = [
        (["status"], ledger, 0),
        (["nonsense"], ledger, 2),
        (["show", "cus_unknown"], ledger, 4),
        (["show", "evt_unknown"], ledger, 4),
        (["show", "#99999999"], ledger, 4),
        (["show", "#0"], ledger, 4),
        (["status"], nowhere, 5),
        (["status"], ledger | {"LEDGER_PORT": "http"}, 5),
        (["token", "--scope", "read"], ledger | {"LEDGER_TOKEN_KEY": ""}, 5),
        (["token", "--scope", "all"], ledger, 2),
        (["checkpoint", "-o", "/proc/none/file"], ledger, 5),
        (["status"], away, 6),
        (["verify"], away, 6),
    ]

    for arguments, env, code in expected:
        said = bl(*arguments, env=env)
        assert said.code == code, (arguments, said)
        if code:
            assert said.out == ""
            assert said.err.startswith("bl: ")
            assert said.err.count("\n") == 1


def test_C03_damaged_log_is_exit_3_and_names_the_first_bad_position(
    ledger: dict[str, str],
) -> None:
    damaged(ledger, "UPDATE ledger.log SET account = 'cus_other' WHERE position = 42")

    said = bl("verify", "-O", "json", env=ledger)

    assert said.code == 3
    document = json.loads(said.out)
    assert document["ok"] is False
    assert document["findings"][0]["position"] == 42
    assert bl("verify", env=ledger).out.count("#42") == 1


def test_C03_read_model_that_differs_is_exit_1(ledger: dict[str, str]) -> None:
    damaged(ledger, "UPDATE read_models.seats_g1 SET state = '\\xc0'")

    said = bl("verify", "-O", "json", env=ledger)

    assert said.code == 1
    assert {one["code"] for one in json.loads(said.out)["findings"]} == {
        "read_model_differs"
    }
    assert bl("verify", "--log", env=ledger).code == 0


def test_C03_doctor_finds_what_is_wrong(ledger: dict[str, str]) -> None:
    damaged(ledger, "GRANT UPDATE ON ledger.log TO ledger_appender")

    said = bl("doctor", "-O", "json", env=ledger)

    assert said.code == 1
    assert [one["code"] for one in json.loads(said.out)["findings"]] == ["role appender"]
    assert SECRET not in said.out
    assert KEY not in said.out


def test_C04_interrupted_command_ends_with_130_and_leaves_no_draft(
    ledger: dict[str, str], tmp_path: Path
) -> None:
    target = tmp_path / "log.jsonl"
    with subprocess.Popen(
        [*BL, "log", "--follow", "-O", "jsonl", "-o", target],
        env=ledger,
        stderr=subprocess.PIPE,
    ) as process:
        while not list(tmp_path.iterdir()):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)

    assert process.returncode == 130
    assert said.endswith(b"bl: interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_C05_names_can_neither_move_the_cursor_nor_start_a_formula(
    ledger: dict[str, str],
) -> None:
    for arguments in (["log"], ["show", "evt_hostile"], ["show", HOSTILE]):
        for form in ("table", "json", "jsonl", "csv", "md"):
            said = bl(*arguments, "-O", form, env=ledger)
            assert said.code == 0, said
            assert "\x1b" not in said.out + said.err
            assert "\u202e" not in said.out + said.err
    sheet = csv.DictReader(io.StringIO(bl("log", "-O", "csv", env=ledger).out))
    row = next(row for row in sheet if row["event_id"] == "evt_hostile")
    assert row["account"].startswith("'=2+5")
    assert row["object_id"] == "'@SUM(A1)"


def test_C05_json_still_tells_the_name_as_it_is(ledger: dict[str, str]) -> None:
    rows = json.loads(bl("log", "-O", "json", env=ledger).out)["rows"]

    assert rows[-1]["account"] == HOSTILE


def test_C06_same_report_twice_is_the_same_but_for_its_stamp(
    ledger: dict[str, str],
) -> None:
    for report in REPORTS[:-1]:
        first = json.loads(bl(*report, "-O", "json", env=ledger).out)
        second = json.loads(bl(*report, "-O", "json", env=ledger).out)
        for document in (first, second):
            document["stamp"].pop("run_at")
        assert first == second


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_C08_reports_fit_the_terminal(ledger: dict[str, str], columns: int) -> None:
    plain = ledger | {"NO_COLOR": "1"}
    verify = ["verify", *UNWATCHED]
    aging = ["receivables", "--aging", "--as-of", "2026-12-01", *UNWATCHED]
    moved = ["movements", "--from", "2026-09", "--to", "2026-10", *UNWATCHED]
    others = (["log", "--limit", "5"], verify, ["doctor"], aging, moved, ["terms", "show"])
    for report in (["status"], *others):
        _, shown = bl_in_terminal(*report, env=plain, columns=columns)
        assert max(map(cell_len, shown.splitlines())) <= max(columns, 60), report


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("STRIPE_WEBHOOK_SECRETS", ""),
        ("STRIPE_WEBHOOK_SECRETS", "not-a-secret"),
        ("DATABASE_URL", "nonsense"),
        ("LEDGER_PORT", "99999"),
        ("LEDGER_MODE", "production"),
        ("LEDGER_MODE", "live"),
        ("LEDGER_TOKEN_KEY", "short"),
    ],
)
def test_D14_serve_refuses_a_bad_configuration_in_one_line(
    ledger: dict[str, str], setting: str, value: str
) -> None:
    said = bl("serve", env=ledger | {"LEDGER_PORT": "0", setting: value})

    assert said.code == 5, said
    assert said.out == ""
    told = [line for line in said.err.splitlines() if line.startswith("bl: ")]
    assert len(told) == 1
    assert value == "" or value not in told[0] or setting != "LEDGER_TOKEN_KEY"


def test_D14_serve_refuses_a_schema_that_is_not_migrated(database18: str) -> None:
    said = bl(
        "serve", env=on(database18) | {"STRIPE_WEBHOOK_SECRETS": SECRET, "LEDGER_PORT": "0"}
    )

    assert said.code == 5
    assert "bl migrate" in said.err
