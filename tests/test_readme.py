"""What the README says of settings, tests and commands is so."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ledger.settings import SETTINGS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"^python3 -m venv \.venv && .*$", re.MULTILINE)


def test_every_setting_stands_in_the_table_with_its_meaning() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+?) \| (.+?) \|$", README, re.MULTILINE)

    assert [(name, meaning.removesuffix(" *(later)*")) for name, meaning, _ in rows] == [
        (name, setting.meaning) for name, setting in SETTINGS.items()
    ]


def test_every_test_that_is_named_exists() -> None:
    sources = "\n".join(file.read_text("utf-8") for file in ROOT.glob("tests/test_*.py"))
    named = re.findall(r"`(test_[A-Z]\d\d_)…`", README)
    files = re.findall(r"`(tests/[a-z_*/]+(?:\.py)?)`", README)

    assert named
    assert [name for name in named if f"def {name}" not in sources] == []
    assert [name for name in files if not list(ROOT.glob(name))] == []


def test_two_commands_do_all_the_setting_up_each_on_one_line() -> None:
    demo, tests = COMMAND.findall(README)

    assert demo.endswith("bl demo")
    assert tests.endswith("python -m pytest -n auto --dist loadfile")
    for lock in re.findall(r"-r (\S+)", demo + tests):
        text = (ROOT / lock).read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    unit = README.partition("```ini\n")[2].partition("```")[0]
    started = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", unit)

    assert "KillMode=mixed" in unit
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not there to ask")
    file = tmp_path / "billing-ledger.service"
    file.write_text(started)
    done = subprocess.run(
        [program, "verify", "--man=no", file], capture_output=True, text=True, check=False
    )
    assert [line for line in done.stderr.splitlines() if file.name in line] == []


def test_the_demo_s_output_is_shown_and_no_place_is_left_to_fill() -> None:
    assert "The demo, from the socket to the proof" in README
    assert re.findall(r"@[A-Z]+@", README) == []
