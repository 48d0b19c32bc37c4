"""What is exported can be read by others, and makes the same log again or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import psycopg
import pytest

from command_line import Said, bl, bl_here, damaged, on
from ledger.database import Role
from ledger.errors import IntegrityFailureError
from ledger.events import StripeEvent, Verdict
from ledger.postgres import PostgresLog
from ledger.row import chain_hash, genesis_hash, pack, preamble
from ledger.transcript import Line, TranscriptError, retold, titled
from ledger_on_disk import fill
from test_replay_commands import append


@pytest.fixture
async def ledger(ledger_database18: str) -> dict[str, str]:
    await fill(ledger_database18)
    await append(ledger_database18, "evt_odd")
    return on(ledger_database18)


@pytest.fixture
def empty(found_ledger: Callable[[str], str]) -> dict[str, str]:
    return on(found_ledger("15"))


def exported(ledger: dict[str, str], folder: Path) -> Path:
    kept = folder / "log.jsonl"
    said = bl("export", "--format", "jsonl", "-o", kept, env=ledger)
    assert said.code == 0, said.err
    return kept


def head(ledger: dict[str, str]) -> tuple[object, ...]:
    with psycopg.connect(ledger["DATABASE_URL"]) as connection:
        found = connection.execute(
            "SELECT ledger_id, position, hash FROM ledger.identity, ledger.head"
        ).fetchone()
    assert found is not None
    return found


def imported(kept: Path, into: dict[str, str]) -> Said:
    return bl("import-log", kept, env=into)


def test_log_comes_back_to_the_same_head_hash(
    ledger: dict[str, str], empty: dict[str, str], tmp_path: Path
) -> None:
    kept = exported(ledger, tmp_path)

    said = imported(kept, empty)

    assert said.code == 0, said.err
    assert head(empty) == head(ledger)
    assert bl("verify", "--log", env=empty).code == 0
    again = tmp_path / "again.jsonl"
    assert bl("export", "-o", again, env=empty).code == 0
    assert again.read_bytes() == kept.read_bytes()


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE ledger.log SET account = 'cus_other' WHERE position = 42",
        "DELETE FROM ledger.log WHERE position = 42",
    ],
)
def test_L02_nothing_is_exported_of_a_log_that_was_altered(
    ledger: dict[str, str], tmp_path: Path, spoil: str
) -> None:
    damaged(ledger, spoil)

    said = bl_here("export", "--format", "jsonl", "-o", tmp_path / "log", env=ledger)

    assert (said.code, said.out) == (3, "")
    assert said.err.startswith("bl: #42 is not what was written")
    assert list(tmp_path.iterdir()) == []


def test_every_line_reads_as_json_with_the_body_as_content(
    ledger: dict[str, str], tmp_path: Path
) -> None:
    title, *rows = map(json.loads, exported(ledger, tmp_path).read_bytes().splitlines())

    assert title["position"] == len(rows) == rows[-1]["position"]
    assert title["hash"] == rows[-1]["hash"]
    stripe = [row for row in rows if row["topic"] == "stripe_event"]
    assert {row["content"].get("id", "evt_odd") for row in stripe} == {
        row["originator_id"] for row in stripe
    }


def altered(line: bytes) -> bytes:
    told = json.loads(line)
    told["account"] = "cus_other"
    return json.dumps(told).encode() + b"\n"


CHANGES: list[tuple[Callable[[list[bytes]], list[bytes]], str]] = [
    (lambda lines: lines[:-1], "it ends at #"),
    (lambda lines: [lines[0], *lines[2:]], "where #1 should be"),
    (lambda lines: [lines[0], *reversed(lines[1:])], "where #1 should be"),
    (lambda lines: [*lines[:2], altered(lines[2]), *lines[3:]], "another hash"),
    (lambda lines: [*lines, lines[-1]], "should be"),
    (lambda lines: lines[1:], "no title of a transcript"),
    (lambda lines: [*lines[:3], b"{}\n"], "no row of a log"),
    (lambda lines: [*lines[:3], lines[3][:40]], "no row of a log"),
    (lambda _: [b""], "no title of a transcript"),
]


def test_lines_that_were_changed_moved_or_cut_are_refused(
    ledger: dict[str, str], tmp_path: Path
) -> None:
    lines = exported(ledger, tmp_path).read_bytes().splitlines(keepends=True)
    assert len(list(retold(titled(lines[0]), lines[1:]))) == len(lines) - 1

    for change, why in CHANGES:
        changed = change(lines)
        with pytest.raises((IntegrityFailureError, TranscriptError), match=why):
            list(retold(titled(changed[0]), changed[1:]))


def test_file_that_was_cut_leaves_nothing(
    ledger: dict[str, str], empty: dict[str, str], tmp_path: Path
) -> None:
    kept, before = exported(ledger, tmp_path), head(empty)
    kept.write_bytes(b"".join(kept.read_bytes().splitlines(keepends=True)[:-1]))

    said = imported(kept, empty)

    assert (said.code, head(empty)) == (3, before)
    assert "it ends at #" in said.err


def test_L03_a_file_that_was_edited_is_refused_by_its_line_and_nothing_is_appended(
    ledger: dict[str, str], empty: dict[str, str], tmp_path: Path
) -> None:
    kept, before = exported(ledger, tmp_path), head(empty)
    lines = kept.read_bytes().splitlines(keepends=True)
    last = len(lines) - 1

    for changed, where, code in [
        ([*lines[:5], *lines[6:]], "line 6 is #6, where #5 should be", 3),
        ([*lines[:5], lines[6], lines[5], *lines[7:]], "line 6 is #6, where #5", 3),
        ([*lines[:5], lines[4], *lines[5:]], "line 6 is #4, where #5 should be", 3),
        ([*lines[:last], altered(lines[last])], f"line {last + 1}, #{last}, is not", 3),
        ([*lines[:last], lines[last][:40]], f"line {last + 1} is no row of a log", 2),
        ([lines[0].replace(b"led_", b"led_0", 1), *lines[1:]], "line 2, #1, is not", 3),
    ]:
        kept.write_bytes(b"".join(changed))
        refused = bl_here("import-log", kept, env=empty)
        assert (refused.code, refused.out) == (code, ""), (where, refused)
        assert where in refused.err
        assert refused.err.count("\n") == 1
        assert head(empty) == before
    with psycopg.connect(empty["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT count(*) FROM ledger.log").fetchone() == (0,)


def forged(lines: list[bytes]) -> bytes:
    """Return *lines* with another account in the fifth, all hashes taken anew."""
    title, *told = map(json.loads, lines)
    digest = genesis_hash(title["ledger"])
    told[3]["account"] = "cus_other"
    for each in told:
        row = msgspec.convert(each, Line, strict=False).row()
        digest = chain_hash(preamble(title["ledger"]), digest, b"".join(pack(row)))
        each["hash"] = digest.hex()
    title["hash"] = digest.hex()
    return b"".join(json.dumps(each).encode() + b"\n" for each in (title, *told))


def test_L05_a_file_written_anew_with_its_hashes_is_caught_by_a_checkpoint(
    ledger: dict[str, str], empty: dict[str, str], tmp_path: Path
) -> None:
    kept, taken = exported(ledger, tmp_path), tmp_path / "checkpoint"
    assert bl_here("checkpoint", "-o", taken, env=ledger).code == 0
    kept.write_bytes(forged(kept.read_bytes().splitlines(keepends=True)))

    assert bl_here("import-log", kept, env=empty).code == 0
    assert bl_here("verify", "--log", env=empty).code == 0
    against = bl_here("verify", "--log", "--against", taken, env=empty)

    assert against.code == 3
    assert "the checkpoint holds another hash here" in " ".join(against.out.split())


def test_ledger_that_holds_events_or_is_of_another_mode_is_left_as_it_is(
    ledger: dict[str, str], empty: dict[str, str], tmp_path: Path
) -> None:
    kept = exported(ledger, tmp_path)
    before = head(ledger)
    assert imported(kept, ledger).code == 5
    assert head(ledger) == before

    kept.write_bytes(kept.read_bytes().replace(b'"mode":"test"', b'"mode":"live"', 1))
    said = imported(kept, empty)
    assert said.code == 5
    assert "live" in said.err


def test_ledger_in_use_is_left_as_it_is(
    ledger: dict[str, str], empty: dict[str, str], tmp_path: Path
) -> None:
    kept = exported(ledger, tmp_path)
    with psycopg.connect(empty["DATABASE_URL"]):
        said = imported(kept, empty)

    assert said.code == 5
    assert "in use" in said.err


async def test_body_that_is_no_json_comes_back_too(
    ledger_database18: str, empty: dict[str, str], tmp_path: Path
) -> None:
    async with PostgresLog.open(ledger_database18, Role.APPENDER) as log:
        for number, body in enumerate(
            (b"\xff\x00", b"NaN", b'{"a": 1e400}', b"", b"[" * 9)
        ):
            event = StripeEvent(
                event_id=f"body:{number}", body=body, verdict=Verdict.QUARANTINED
            )
            await log.append([event])
    ledger = on(ledger_database18)
    kept = exported(ledger, tmp_path)

    assert [json.loads(line) for line in kept.read_bytes().splitlines()]
    assert imported(kept, empty).code == 0
    assert head(empty) == head(ledger)
