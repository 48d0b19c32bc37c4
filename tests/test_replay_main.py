from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from command_line import BL
from replay.__main__ import COMMANDS, EXITS, main, module_of, summary

NAMES = [name for names in COMMANDS.values() for name in names]
# What no help needs: each costs a good part of the time a person waits for an answer.
HEAVY = ("aiohttp", "asyncio", "eventsourcing", "psycopg", "stripe", "structlog")


def test_help_lists_every_command_with_its_summary(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"]) == 0

    shown = capsys.readouterr().out
    for name in NAMES:
        assert f" {name} " in shown
        assert summary(name).split(":")[0][:40] in shown


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_a_manual_with_examples(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, "--help"]) == 0

    shown = capsys.readouterr().out
    assert summary(name) in " ".join(shown.split())
    assert f"bl {name}" in shown.partition("For example:")[2]
    assert main(["--help", name]) == 0


@pytest.mark.parametrize("name", NAMES)
def test_summary_is_the_first_line_of_the_manual(name: str) -> None:
    manual = import_module(f"replay.commands.{module_of(name)}").__doc__ or ""

    assert manual.splitlines()[0] == f"{summary(name)}."
    assert max(map(len, manual.splitlines())) <= 92


def test_help_loads_nothing_heavy() -> None:
    asked = (
        "import sys; from replay.__main__ import main; main(['--help']);"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True
    )

    assert done.stderr == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["statsu"], "there is no command 'statsu'; did you mean status?"),
        (["--bogus"], "--bogus"),
        (["status", "--bogus"], "see bl status --help"),
        (["status", "-O", "xml"], "json"),
        (["show"], "SUBJECT"),
        (["show", "cus_1", "cus_2"], "cus_2"),
        (["log", "--limit", "0"], "--limit"),
        (["log", "--limit", "many"], "--limit"),
        (["log", "--limit", "9" * 20], "--limit"),
        (["log", "--follow", "-O", "csv"], "--follow"),
        (["log", "--since", "soon"], "is no time"),
        (["log", "--tz", "Mars/Olympus"], "is no time zone"),
        (["token"], "--scope"),
        (["demo", "--accounts", "0"], "--accounts"),
        (["verify", "--against", "/nowhere/file"], "No such file"),
    ],
)
def test_mistake_on_the_command_line_is_one_line_and_exit_2(
    arguments: list[str],
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(arguments) == 2

    said = capsys.readouterr()
    assert says in said.err
    assert said.err.count("\n") == 1
    assert said.err.startswith("bl: ")
    assert said.err.rstrip().endswith("--help")
    assert said.out == ""


def test_every_error_has_one_exit_code_of_the_table() -> None:
    assert set(EXITS.values()) == {2, 3, 4, 5, 6, 130}


def test_option_may_stand_before_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-O", "csv", "log", "--follow"]) == 2

    assert "--follow writes" in capsys.readouterr().err


def test_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0

    assert capsys.readouterr().out.strip()[0].isdigit()


def test_defect_is_one_line_and_its_traceback_is_there_when_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(COMMANDS, "Run", ("nowhere",))

    assert main(["--help"]) == 70
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "BL_TRACEBACK=1" in said

    monkeypatch.setenv("BL_TRACEBACK", "1")
    with pytest.raises(FileNotFoundError):
        main(["--help"])


def test_a_full_disk_is_unavailable_and_no_defect() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*BL, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert done.returncode == 6
    assert "No space left on device; make room and try again" in done.stderr
    assert "Traceback" not in done.stderr
