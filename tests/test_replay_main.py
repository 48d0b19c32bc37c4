from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from command_line import BL
from replay.__main__ import main, module_of, summary
from replay.contents import COMMANDS, VERBS
from replay.endings import EXITS

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


@pytest.mark.parametrize(
    ("name", "verb"), [(name, verb) for name, verbs in VERBS.items() for verb in verbs]
)
def test_every_verb_has_examples_of_its_own(
    name: str, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, verb, "--help"]) == 0

    assert f"    bl {name} {verb}" in capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_no_sample_is_broken_where_it_is_pasted_from(name: str) -> None:
    manual = import_module(f"replay.commands.{module_of(name)}").__doc__ or ""

    samples = [line for line in manual.splitlines() if line.startswith("    ")]
    assert [line for line in samples if len(line) > 80] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_command_takes_the_options_of_all(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for asked in [[name, verb] for verb in VERBS.get(name, ())] or [[name]]:
        assert main([*asked, "--help"]) == 0
        shown = capsys.readouterr().out
        panel = shown.partition("─ Output ─")[2]
        assert all(each in panel for each in ("--progress", "--no-input", "--yes")), asked
        assert "--as-of" not in panel


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
        (["verify", "--against", __file__], "not a checkpoint"),
        (["verify", "--as-of", "2026-05-01"], "not about a moment of the past"),
        (["status", "twice"], "has no use for 'twice'"),
        (["log", "--type"], "a value after --type"),
        (["audit-pack", "2026-05"], "a pack is a file"),
        (["checkpoint", "--sign", __file__], "is no Ed25519 private key"),
        (["token", "--scope", "read", "--account", ""], "no account goes by the name"),
        (["policy", "set"], "see bl policy set --help"),
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
