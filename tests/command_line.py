"""The ``bl`` command as other programs meet it: a process with its streams."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from unittest.mock import patch

import attrs
import psycopg

from replay.__main__ import main

BL = [sys.executable, "-P", "-m", "replay.start"]
SECRET = "whsec_0123456789abcdef0123456789abcdef"
KEY = "0123456789abcdef0123456789abcdef"


@attrs.frozen
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str


def environment(**given: str) -> dict[str, str]:
    """Return a clean environment with the settings *given*."""
    kept = ("PATH", "PYTHONPATH", "TMPDIR", "HOME", "COVERAGE_PROCESS_START")
    return {name: os.environ[name] for name in kept if name in os.environ} | given


def on(conninfo: str) -> dict[str, str]:
    """Return the settings of a command that works on a database."""
    return environment(DATABASE_URL=conninfo, LEDGER_TOKEN_KEY=KEY, LEDGER_MODE="test")


def bl(*arguments: str | Path, env: Mapping[str, str]) -> Said:
    """Run a command without a terminal."""
    done = subprocess.run(
        [*BL, *map(str, arguments)],
        env=dict(env),
        capture_output=True,
        check=False,
        timeout=120,
    )
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


def bl_here(*arguments: str | Path, env: Mapping[str, str]) -> Said:
    """Run a command in this process, which takes no time to start."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with (
        patch.dict(os.environ, env, clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = main([*map(str, arguments)])
    texts = []
    for stream in (out, err):
        stream.seek(0)
        texts.append(stream.read())
    return Said(code, *texts)


def bl_in_terminal(
    *arguments: str, env: Mapping[str, str], columns: int = 80, typed: str = ""
) -> tuple[int, str]:
    """Run a command in a terminal of its own; return its code and all it shows.

    Args:
        typed: What waits to be read there.
    """
    ours, theirs = pty.openpty()
    size = {"COLUMNS": str(columns), "LINES": "50"}
    with subprocess.Popen(
        [*BL, *arguments],
        env={"TERM": "xterm-256color", **env, **size},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        shown = b""
        while True:
            try:
                read = os.read(ours, 65_536)
            except OSError:  # the other end is closed
                break
            if not read:
                break
            shown += read
        code = process.wait()
    os.close(ours)
    return code, shown.decode()


def an_account(ledger: dict[str, str]) -> str:
    listed = bl("log", "--type", "customer.subscription.*", "-O", "jsonl", env=ledger)
    account: str = json.loads(listed.out.splitlines()[0])["account"]
    return account


def damaged(ledger: dict[str, str], statement: str) -> None:
    with psycopg.connect(ledger["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(statement)
