"""A shell that has read what ``bl completion`` wrote completes commands and options."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from command_line import bl, environment
from replay.__main__ import application
from replay.contents import COMMANDS

COMPLETE = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
_bl; printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    kept = tmp_path_factory.mktemp("completion") / "bl"
    kept.write_text(application([]).generate_completion(prog_name="bl", shell="bash"))
    return kept


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["bl", "rece"], {"receivables"}),
        (["bl", "export", "--form"], {"--format"}),
        (["bl", "diff", "--al"], {"--all"}),
        (["bl", "quarantine", "rel"], {"release"}),
    ],
)
def test_bash_completes(script: Path, words: list[str], expected: set[str]) -> None:
    done = subprocess.run(
        ["bash", "-c", COMPLETE, "bash", script, *words],
        capture_output=True,
        text=True,
        check=True,
    )

    assert set(done.stdout.split()) == expected


def test_every_shell_knows_every_command() -> None:
    names = {name for names in COMMANDS.values() for name in names}

    said = bl("completion", "fish", env=environment())

    assert (said.code, said.err) == (0, "")
    assert all(f"'{name}'" in said.out or f" {name}" in said.out for name in names)
    assert bl("completion", "cmd.exe", env=environment()).code == 2
