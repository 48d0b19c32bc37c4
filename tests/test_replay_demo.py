from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import replay
from command_line import BL, bl, bl_in_terminal, environment

SMALL = ["demo", "--accounts", "5", "--months", "2"]
# Has a name everywhere, and is not whoever runs the tests.
ORDINARY = "daemon"
WRONG = {
    "DATABASE_URL": "host=nowhere.invalid",
    "LEDGER_MODE": "live",
    "LEDGER_PORT": "1",
    "LEDGER_SETTINGS": "/nowhere/settings.toml",
    "STRIPE_WEBHOOK_SECRETS": "whsec_of_somebody_else",
}


@pytest.fixture
def temporary(open_directory: Path) -> Iterator[Path]:
    """Where demos make their directories; none of them is left."""
    folder = open_directory / "temporary"
    folder.mkdir()
    folder.chmod(0o1777)
    yield folder
    assert list(folder.iterdir()) == []


def figures(out: str) -> dict[str, str]:
    """Return the summary's lines by label."""
    lines = (line.strip() for line in out.partition("Look at it")[0].splitlines())
    return dict(re.split(r"\s{2,}", line, maxsplit=1) for line in lines if "  " in line)


def test_demo_posts_a_company_through_the_door_and_proves_it(temporary: Path) -> None:
    said = bl(*SMALL, "--exit", env=environment(TMPDIR=str(temporary)) | WRONG)

    assert said.code == 0, said
    told = figures(said.out)
    deliveries, changes = map(int, re.findall(r"(\d+) (?:del|seat)", told["posted"]))
    appended = int(told["appended"].split(",")[0])
    duplicates = int(told["duplicates"].split()[0])
    forged = int(told["refused"].split()[0])
    assert deliveries > 100
    assert changes > 20
    assert deliveries + changes == appended + duplicates + forged
    assert told["verify"].startswith(f"ok, {appended} rows")
    assert told["truth"].endswith("all 5 accounts are as simulated")
    assert "unexpected" not in told
    assert "\x1b" not in said.out + said.err


def test_demo_in_a_terminal_fits_it(temporary: Path) -> None:
    code, shown = bl_in_terminal(
        *SMALL, "--exit", env=environment(TMPDIR=str(temporary)), columns=80
    )

    assert code == 0
    assert "The demo, from the socket to the proof" in shown


@contextmanager
def started(temporary: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a demo that stays up; one that does not end by itself fails its test."""
    with subprocess.Popen(
        [*BL, *SMALL],
        env=environment(TMPDIR=str(temporary)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        try:
            yield demo
        finally:
            demo.kill()


def test_demo_stays_up_so_that_its_ledger_can_be_asked(temporary: Path) -> None:
    with started(temporary) as demo:
        assert demo.stdout is not None
        shown = ""
        while "bl verify" not in shown:
            line = demo.stdout.readline()
            assert line, shown
            shown += line
        directory = re.findall(r"LEDGER_DATA_DIR=(\S+)", shown)[0]
        account = re.findall(r"bl show (\S+)", shown)[0]
        env = environment(LEDGER_DATA_DIR=directory, LEDGER_MODE="test")
        answers = [
            bl("status", "--accounts", env=env),
            bl("show", account, env=env),
            bl("log", account, "--limit", "20", env=env),
            bl("verify", env=env),
        ]
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0
    # Whoever has not put the environment on the path finds `bl` all the same.
    folder = Path(sys.executable).parent
    if (folder / "bl").exists() and shutil.which("bl") != str(folder / "bl"):
        assert f'export PATH={folder}:"$PATH"' in shown
    assert [answer.code for answer in answers] == [0, 0, 0, 0]
    assert "5 active" in answers[0].out


@pytest.mark.parametrize("after_s", [0.3, 2.5])
def test_demo_interrupted_leaves_nothing(temporary: Path, after_s: float) -> None:
    with started(temporary) as demo:
        time.sleep(after_s)
        demo.send_signal(signal.SIGINT)
        _, said = demo.communicate(timeout=40)

    # Before any of our code runs, the signal alone ends the process: a shell says 130.
    assert demo.returncode in {0, 130, -signal.SIGINT}
    assert "Traceback" not in said


def test_demo_killed_takes_its_server_with_it(temporary: Path) -> None:
    with started(temporary) as demo:
        while not list(temporary.glob("*/token.key")):
            assert demo.poll() is None
        demo.kill()
        demo.wait()
    deadline = time.monotonic() + 30
    while list(temporary.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs a demo as another user")
def test_demo_runs_as_an_ordinary_user(
    temporary: Path, skip_unless_required: Callable[[str], None]
) -> None:
    found = pwd.getpwnam(ORDINARY)
    paths = [str(Path(replay.__file__).parents[1]), *filter(None, sys.path)]
    env = environment(
        TMPDIR=str(temporary),
        PYTHONPATH=os.pathsep.join(paths),
        PYTHONDONTWRITEBYTECODE="1",
    )
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        try:
            done = subprocess.run(
                [python, *BL[1:], *SMALL, "--exit"],
                env=env,
                user=found.pw_uid,
                group=found.pw_gid,
                extra_groups=[],
                cwd="/",
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError:
            continue
        if "No module named" in done.stderr:
            continue
        assert done.returncode == 0, done.stderr
        assert figures(done.stdout)["truth"].endswith("accounts are as simulated")
        return
    skip_unless_required(f"{ORDINARY} can run no Python that has the project")
