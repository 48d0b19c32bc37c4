"""An audit pack in a stranger's hands: checked without us, and spoiled in every way."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import attrs
import msgspec
import pytest

from ledger.row import chain_hash, genesis_hash, pack, preamble
from ledger.transcript import Line
from month_ends import deliveries, take
from replay.__main__ import main
from replay.pack.verify_pack import BadPackError, signed_by

MONTH: Final = "2025-04"


@attrs.frozen
class Handed:
    """What a stranger is handed: the pack, an earlier checkpoint and a public key."""

    zipped: Path
    folder: Path
    earlier: Path
    key: Path


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def checked(folder: Path, *arguments: str | Path) -> tuple[int, str]:
    """Run the check as the README says, with nothing of ours to import."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", folder / "verify.py", *arguments],
        cwd="/",
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def handed(
    module_ledger18: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Handed]:
    bodies = deliveries(accounts=6, months=5)
    place = tmp_path_factory.mktemp("pack")
    found = Handed(place / "p.zip", place / "p", place / "checkpoint", place / "acme.pub")
    openssl("genpkey", "-algorithm", "ed25519", "-out", place / "acme.pem")
    openssl("pkey", "-in", place / "acme.pem", "-pubout", "-out", found.key)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", module_ledger18)
        asyncio.run(take(module_ledger18, bodies[:50]))
        assert main(["checkpoint", "-o", str(found.earlier)]) == 0
        asyncio.run(take(module_ledger18, bodies[50:]))
        assert main(["close", MONTH, "--yes", "-o", str(place / "closed")]) == 0
        signed = ("--sign", str(place / "acme.pem"))
        for path in (found.zipped, place / "again.zip"):
            assert main(["audit-pack", MONTH, *signed, "-o", str(path)]) == 0
        with zipfile.ZipFile(found.zipped) as file:
            file.extractall(found.folder)
        yield found


@pytest.fixture
def copy(handed: Handed, tmp_path: Path) -> Path:
    return Path(shutil.copytree(handed.folder, tmp_path / "copy"))


def listed_anew(folder: Path) -> None:
    """List the files as whoever changed them would."""
    found = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "MANIFEST.json"
    }
    (folder / "MANIFEST.json").write_text(json.dumps(found), encoding="utf-8")


def chained_anew(folder: Path, change: Callable[[list[Line]], list[Line]]) -> None:
    """Write another history as the owner of the log could: every hash follows again."""
    path = folder / "events.jsonl"
    first, *rest = path.read_bytes().splitlines()
    title = json.loads(first)
    lines = change([msgspec.json.decode(each, type=Line) for each in rest])
    digest, ledger, told = genesis_hash(title["ledger"]), title["ledger"], []
    for place, line in enumerate(lines, start=1):
        moved = msgspec.structs.replace(line, position=place)
        digest = chain_hash(preamble(ledger), digest, b"".join(pack(moved.row())))
        told.append(msgspec.json.encode(msgspec.structs.replace(moved, hash=digest.hex())))
    title |= {"position": len(told), "hash": digest.hex()}
    path.write_bytes(b"\n".join([json.dumps(title).encode(), *told]) + b"\n")
    note = (folder / "checkpoint.txt").read_text("utf-8").splitlines()
    note[1:3] = [str(len(told)), base64.b64encode(digest).decode()]
    (folder / "checkpoint.txt").write_text("\n".join(note) + "\n", encoding="utf-8")
    listed_anew(folder)


def test_B11_a_stranger_checks_the_pack_without_us(handed: Handed) -> None:
    code, said = checked(handed.folder, "--against", handed.earlier, "--key", handed.key)

    assert (code, said[:12]) == (0, f"ok: {MONTH}:"), said
    assert "signed by acme" in said
    assert {path.name for path in handed.folder.iterdir()} == {
        *("README.txt", "verify.py", "MANIFEST.json", "checkpoint.txt", "versions.json"),
        *("report.json", "report.txt", "entries.jsonl", "events.jsonl", "dictionaries"),
    }
    assert "verify.py" in (handed.folder / "README.txt").read_text("utf-8")


def test_C06_the_same_pack_has_the_same_bytes(handed: Handed) -> None:
    again = handed.zipped.with_name("again.zip")

    assert again.read_bytes() == handed.zipped.read_bytes()


def test_L02_a_flipped_bit_of_any_file_is_found(copy: Path) -> None:
    chance = random.Random(7)
    for path in sorted(each for each in copy.rglob("*") if each.is_file()):
        if path.name == "verify.py":
            continue
        kept = path.read_bytes()
        spoiled = bytearray(kept)
        spoiled[chance.randrange(len(kept))] ^= 1 << chance.randrange(8)
        path.write_bytes(spoiled)
        code, said = checked(copy)
        assert code == 3, path
        assert path.name in said or path.name == "MANIFEST.json"
        path.write_bytes(kept)
    assert checked(copy)[0] == 0


def rezipped(handed: Handed, change: Callable[[dict[str, bytes]], object]) -> bytes:
    """Return the pack with its members changed; a name with a mark behind stands twice."""
    with zipfile.ZipFile(handed.zipped) as file:
        members = {name: file.read(name) for name in file.namelist()}
    change(members)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for name, raw in members.items():
            file.writestr(name.removesuffix("!"), raw)
    return made.getvalue()


def swapped(members: dict[str, bytes]) -> None:
    one, other = "report.txt", "README.txt"
    members[one], members[other] = members[other], members[one]


ZIPPED: Final[list[tuple[Callable[[dict[str, bytes]], object], str]]] = [
    (swapped, "README.txt was changed"),
    (lambda members: members.pop("versions.json"), "versions.json is missing"),
    (lambda members: members.update({"report.json!": b"{}"}), "report.json was changed"),
    (lambda members: members.update({"../../evil": b"x"}), "'evil' is no file of this"),
    (lambda members: members.update({"/etc/evil": b"x"}), "'etc/evil' is no file of this"),
    (lambda members: members.update({"bomb": bytes(30_000_000)}), "'bomb' is no file of"),
    (
        lambda members: members.update({"events.jsonl": bytes(30_000_000)}),
        "events.jsonl was changed",
    ),
]


@pytest.mark.parametrize(("change", "says"), ZIPPED)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_B11_a_zip_that_was_put_together_anew_is_named_by_its_member(
    handed: Handed,
    tmp_path: Path,
    change: Callable[[dict[str, bytes]], object],
    says: str,
) -> None:
    folder = tmp_path / "deep" / "in" / "pack"
    with zipfile.ZipFile(io.BytesIO(rezipped(handed, change))) as file:
        file.extractall(folder)
    shutil.copy(handed.folder / "verify.py", folder)

    code, said = checked(folder)

    assert (code, says in said) == (3, True), said
    assert {each.name for each in tmp_path.iterdir()} == {"deep"}


def test_B11_a_zip_that_was_cut_off_is_none(handed: Handed) -> None:
    raw = handed.zipped.read_bytes()

    for length in (0, 100, len(raw) // 2, len(raw) - 1):
        with pytest.raises(zipfile.BadZipFile):
            zipfile.ZipFile(io.BytesIO(raw[:length]))


def test_L02_a_flipped_bit_of_an_event_is_found_though_the_list_was_made_anew(
    copy: Path,
) -> None:
    path = copy / "events.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    row = json.loads(lines[30])
    body = bytearray(base64.b64decode(row["body"]))
    body[len(body) // 2] ^= 4
    row["body"] = base64.b64encode(body).decode()
    lines[30] = json.dumps(row).encode() + b"\n"
    path.write_bytes(b"".join(lines))
    listed_anew(copy)

    assert checked(copy) == (3, "bad: #30 is not what was written\n")


SPOILED: Final[dict[str, Callable[[list[bytes]], list[bytes]]]] = {
    "deleted": lambda rows: [*rows[:20], *rows[21:]],
    "swapped": lambda rows: [*rows[:20], rows[21], rows[20], *rows[22:]],
    "doubled": lambda rows: [*rows[:20], rows[19], *rows[20:]],
    "cut off": lambda rows: rows[:-1],
}


@pytest.mark.parametrize("how", SPOILED)
def test_L03_L04_rows_that_are_moved_are_found(copy: Path, how: str) -> None:
    path = copy / "events.jsonl"
    path.write_bytes(b"".join(SPOILED[how](path.read_bytes().splitlines(keepends=True))))
    listed_anew(copy)

    assert checked(copy)[0] == 3


def test_L05_a_history_written_anew_is_caught_by_what_was_kept_outside(
    handed: Handed, copy: Path
) -> None:
    chained_anew(copy, lambda lines: [*lines[:9], *lines[10:]])

    # Nothing inside the pack can tell: the control says that the forgery is a good one.
    assert checked(copy)[0] == 0
    assert checked(copy, "--against", handed.earlier)[0] == 3
    assert checked(copy, "--key", handed.key)[0] == 3


def test_figures_that_were_made_up_are_not_those_that_were_sealed(copy: Path) -> None:
    path = copy / "report.json"
    report = json.loads(path.read_bytes())
    report["books"][0]["closing"] += 1
    report["books"][0]["change"] += 1
    path.write_text(json.dumps(report, sort_keys=True, separators=(",", ":")), "utf-8")
    listed_anew(copy)

    assert checked(copy) == (3, "bad: the report is not the one that was sealed\n")


def test_an_entry_that_is_left_out_is_missed(copy: Path) -> None:
    path = copy / "entries.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    listed_anew(copy)

    assert checked(copy) == (3, "bad: the entries are others\n")


def test_the_signature_is_of_that_key_and_that_text_only(handed: Handed) -> None:
    note = (handed.folder / "checkpoint.txt").read_text("utf-8")
    pem = handed.key.read_text("utf-8")

    assert signed_by(note, pem) == "acme"
    for spoiled in (note.replace("2026", "2027", 1), note.split("\n\n")[0]):
        with pytest.raises(BadPackError):
            signed_by(spoiled, pem)


@pytest.mark.parametrize("arguments", [["--against"], ["--what", "x"]])
def test_what_is_not_understood_is_said(handed: Handed, arguments: list[str]) -> None:
    assert checked(handed.folder, *arguments)[0] == 2


@pytest.mark.usefixtures("handed")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["2025-02"], 4), (["spring"], 2), ([MONTH, "--sign", "/no"], 2)],
)
def test_a_pack_that_cannot_be_made_leaves_nothing(
    tmp_path: Path, arguments: list[str], code: int
) -> None:
    assert main(["audit-pack", *arguments, "-o", str(tmp_path / "x.zip")]) == code
    assert not list(tmp_path.iterdir())
