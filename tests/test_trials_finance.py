"""Rows C, L06, L10: what finance runs at month end, as programs and tired people do."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from command_line import BL, on
from ledger.checkpoint import Checkpoint
from ledger.database import Role
from ledger.events import Command, SeatAssigned
from ledger.notes import SignatureError, public_key, signed, signer
from ledger.postgres import PostgresLog
from ledger.verify import verify
from ledger_on_disk import fill
from replay.__main__ import main

Json = dict[str, Any]
Run = Callable[..., tuple[int, str, str]]

T1, T2 = "2026-09-20", "2026-10-28"
REPORTS: Final = {
    "invoices": (["invoices"], "invoices"),
    "invoices of a month": (["invoices", "--month", "2026-09"], "invoices"),
    "receivables": (["receivables"], "invoices"),
    "aging then": (["receivables", "--aging", "--as-of", T2], "accounts"),
    "tax": (["tax"], "taxes"),
    "diff --all": (["diff", "--all", T1, T2], "accounts"),
    "diff by position": (["diff", "--all", "#1", "#90"], "accounts"),
    "replay": (["replay"], "differences"),
}
CHECKING: Final = {"diff --all", "diff by position", "replay"}
MUTATIONS: Final = 5_000
NOON: Final = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def ledger(module_ledger18: str) -> dict[str, str]:
    asyncio.run(fill(module_ledger18))
    return on(module_ledger18)


@pytest.fixture
def run(
    ledger: dict[str, str],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Run a command in this process; return its code, stdout and stderr."""
    for name in ("DATABASE_URL", "LEDGER_TOKEN_KEY", "LEDGER_MODE"):
        monkeypatch.setenv(name, ledger[name])

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments])
        said = capfd.readouterr()
        return code, said.out, said.err

    return run


@pytest.mark.parametrize("name", REPORTS)
def test_C01_C06_json_is_one_document_and_the_same_again(run: Run, name: str) -> None:
    arguments, records = REPORTS[name]
    documents = []
    for _ in range(2):
        code, out, err = run(*arguments, "-O", "json")
        document: Json = json.loads(out)
        assert (code, err) == (int(name.startswith("diff")), "")
        assert document["stamp"]["rows"] == len(document[records])
        documents.append(document)
        document["stamp"].pop("run_at")
        document.pop("as_of", None)

    assert documents[0] == documents[1]
    assert ("ok" in documents[0], "findings" in documents[0]) == (name in CHECKING,) * 2


@pytest.mark.parametrize("name", ["invoices", "aging then", "diff --all"])
def test_C01_every_form_holds_the_same_rows(run: Run, name: str, tmp_path: Path) -> None:
    arguments, records = REPORTS[name]
    wanted = json.loads(run(*arguments, "-O", "json")[1])[records]

    lines = run(*arguments, "-O", "jsonl")[1].splitlines()
    sheet = run(*arguments, "-O", "csv")[1].splitlines()
    run(*arguments, "-o", str(tmp_path / "kept.parquet"))

    assert [json.loads(line) for line in lines] == wanted
    assert len(sheet) == 1 + len(wanted)
    assert (tmp_path / "kept.parquet").stat().st_size > 0


@pytest.mark.parametrize("name", REPORTS)
def test_C02_nothing_but_a_terminal_gets_escapes(run: Run, name: str) -> None:
    for form in ("table", "md"):
        _, out, err = run(*REPORTS[name][0], "-O", form)
        assert "\x1b" not in out + err


def test_C04_an_export_that_is_interrupted_leaves_nothing(
    ledger: dict[str, str], tmp_path: Path
) -> None:
    with psycopg.connect(ledger["DATABASE_URL"]) as connection:
        # Who has the table for himself keeps the export at its first page.
        connection.execute("LOCK TABLE ledger.log IN ACCESS EXCLUSIVE MODE")
        with subprocess.Popen(
            [*BL, "export", "--format", "parquet", "-o", tmp_path / "events.parquet"],
            env=ledger,
            stderr=subprocess.PIPE,
        ) as process:
            while not list(tmp_path.iterdir()):
                assert process.poll() is None, process.communicate()
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=20)

    assert process.returncode == 130
    assert said == b"bl: interrupted\n"
    assert list(tmp_path.iterdir()) == []


def forged(chance: random.Random, notes: list[str]) -> str:
    """Return one of *notes*, spoiled: bytes changed, lines of others, or cut."""
    note, other = chance.sample(notes, 2)
    lines, others = note.split("\n"), other.split("\n")
    how = chance.randrange(4)
    if how == 0:
        place = chance.randrange(len(note))
        return note[:place] + chr(chance.randrange(32, 127)) + note[place + 1 :]
    if how == 1:
        place = chance.randrange(4)
        return "\n".join([*lines[:place], others[place], *lines[place + 1 :]])
    if how == 2:
        return "\n".join([*lines[:-2], others[-2], ""])
    return note[: chance.randrange(len(note))]


def test_L06_no_forged_note_is_ever_accepted() -> None:
    chance = random.Random(6)
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    honest = {
        Checkpoint(
            ledger_id="led_1", position=n, hash=bytes([n] * 32), taken_at=NOON
        ).text()
        for n in range(1, 9)
    }
    notes = [signed(text, "acme", key) for text in sorted(honest)]
    accepted = []
    tried = 0

    for _ in range(MUTATIONS):
        note = forged(chance, notes)
        if note in notes:
            continue
        tried += 1
        try:
            signer(note, key.public_key())
        except SignatureError:
            continue
        if note.partition("\n\n")[0] + "\n" not in honest:
            accepted.append(note)

    assert tried > MUTATIONS // 2
    assert accepted == []
    assert all(signer(note, key.public_key()) == "acme" for note in notes)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signing key, ``acme.pem``, and the public one beside it."""
    folder = tmp_path_factory.mktemp("keys")
    key = Ed25519PrivateKey.generate()
    public = key.public_key()
    kept = {
        "acme.pem": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "acme.pub": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    }
    for name, pem in kept.items():
        (folder / name).write_bytes(pem)
        (folder / name).chmod(0o600)
    return folder


def seat(number: int) -> SeatAssigned:
    account = "shop-racing"
    return SeatAssigned(
        account=account,
        command=Command.identify(
            account=account, route="seats", key=f"racing-{number}", fingerprint="f"
        ),
        user=f"u_{number}",
    )


def texts_of(folder: Path) -> list[str]:
    return [note.read_text() for note in sorted(folder.glob("*.note"))]


async def test_L10_signers_that_race_or_die_publish_nothing_that_is_not_so(
    ledger: dict[str, str], keys: Path, tmp_path: Path
) -> None:
    signing = [*BL, "checkpoint", "--sign", str(keys / "acme.pem"), "-o"]
    async with PostgresLog.open(ledger["DATABASE_URL"], Role.APPENDER) as log:
        racing = [
            await asyncio.create_subprocess_exec(
                *signing, str(tmp_path / f"{number}.note"), env=ledger, stderr=DEVNULL
            )
            for number in range(3)
        ]
        number = 0
        while any(each.returncode is None for each in racing):
            number += 1
            await log.append([seat(number)])
            await asyncio.sleep(0.01)
            if racing[2].returncode is None and (tmp_path / "0.note").exists():
                racing[2].kill()
    trusted = public_key((keys / "acme.pub").read_bytes())

    published = texts_of(tmp_path)
    for text in published:
        assert signer(text, trusted)
        told = Checkpoint.parse(text)
        verified = await verify(ledger["DATABASE_URL"], against=told, progress=None)
        assert verified.fault is None
    assert {each.returncode for each in racing[:2]} == {0}
    assert len(published) >= 2


def test_a_command_imports_nothing_that_it_does_not_use() -> None:
    for name, heavy in {
        "status": {"aiohttp", "pyarrow", "jinja2", "rich.progress"},
        "invoices": {"pyarrow", "jinja2"},
        "export": {"pyarrow", "duckdb"},
    }.items():
        code = f"import sys, replay.commands.{name}; print(*({heavy} & sys.modules.keys()))"
        done = subprocess.run(
            [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == [], name
