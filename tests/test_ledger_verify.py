"""Whatever is done to a log, a check names the first bad position; a second one agrees."""

from __future__ import annotations

import asyncio
import copy
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs
import psycopg
import pytest
from psycopg import sql

from ledger.checkpoint import Checkpoint
from ledger.database import Role
from ledger.errors import NotConfiguredError
from ledger.events import StripeEvent
from ledger.log import Head
from ledger.migrate import migrate
from ledger.postgres import PostgresLog
from ledger.row import COLUMNS, FRAMING, Row, chain_hash, genesis_hash, pack, preamble
from ledger.verify import EXPORT, Chain, Verification, verify
from samples import EVERY_KIND, NOON, exported, stripe, tuples, twin_of

INDEPENDENT: Final = Path(__file__).with_name("verify_independent.py")
GOLDEN: Final = Path(__file__).parent / "golden" / "log.bin"
GOLDEN_END: Final = "68a305715ef2c2a325c69ed2595cd7b400fb1ab74e7f696b3d6081c2d006ba0d"
ROWS: Final = 40
NAMES: Final = sql.SQL(", ").join(map(sql.Identifier, (*Row._fields, "hash")))


def event(number: int) -> StripeEvent:
    return stripe(
        number,
        body=b'{"id": "evt_%d"}' % number,
        occurred_at=NOON,
        stripe_type="invoice.paid",
        livemode=bool(number % 2),
        object_id=f"in_{number}",
    )


async def fill(conninfo: str, numbers: range = range(1, ROWS + 1)) -> Head:
    async with PostgresLog.open(conninfo, Role.APPENDER) as log:
        for start in range(0, len(numbers), 7):
            await log.append([event(number) for number in numbers[start : start + 7]])
        return await log.head()


@pytest.fixture
def filled(ledger_database: str) -> str:
    asyncio.run(fill(ledger_database))
    return ledger_database


def checked(conninfo: str, against: Head | None = None) -> Verification:
    kept = None if against is None else Checkpoint.of(against, now=NOON)
    return asyncio.run(verify(conninfo, against=kept))


def position_of(found: Verification) -> int | None:
    return None if found.fault is None else found.fault.position


def head_of(conninfo: str) -> Head:
    async def head() -> Head:
        async with PostgresLog.open(conninfo) as log:
            return await log.head()

    return asyncio.run(head())


def independent(path: Path, ledger_id: str, against: Head | None = None) -> int | None:
    """Return the first bad position that the second verifier names, None if all is well."""
    command = [sys.executable, "-S", "-P", str(INDEPENDENT), str(path), ledger_id]
    if against is not None:
        command += ["--against", str(against.position), against.hash.hex()]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    verdict, position = ran.stdout.split()[:2]
    assert (verdict, ran.returncode) in {("ok", 0), ("bad", 3)}, ran.stderr
    return None if verdict == "ok" else int(position)


def independently(conninfo: str, folder: Path, against: Head | None = None) -> int | None:
    path = folder / "export.bin"
    with psycopg.connect(conninfo) as owner, path.open("wb") as file:
        with owner.cursor().copy(EXPORT) as sent:
            file.writelines(sent)
        row = owner.execute("SELECT ledger_id FROM ledger.identity").fetchone()
    assert row is not None
    return independent(path, row[0], against or head_of(conninfo))


def damage(conninfo: str, statement: str) -> None:
    with psycopg.connect(conninfo) as owner:
        for part in statement.split(";"):
            owner.execute(part.encode())


def test_a_log_as_it_was_written_is_in_order(filled: str, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []

    found = asyncio.run(verify(filled, progress=lambda *step: steps.append(step)))

    head = head_of(filled)
    assert (found.rows, found.fault) == (ROWS, None)
    assert (found.position, found.hash) == (head.position, head.hash)
    assert independently(filled, tmp_path) is None
    assert steps == []


def test_an_empty_log_is_in_order(ledger_database: str, tmp_path: Path) -> None:
    found = checked(ledger_database, head_of(ledger_database))

    assert (found.rows, found.fault) == (0, None)
    assert independently(ledger_database, tmp_path) is None


def test_a_database_without_a_ledger_is_not_taken_for_an_empty_one(database: str) -> None:
    with pytest.raises(NotConfiguredError):
        checked(database)


DROP: Final = "ALTER TABLE ledger.log DROP CONSTRAINT log_position_is_unique"
CLOSE: Final = "UPDATE ledger.log SET position = position - 1 WHERE position > 7"
OTHERS: Final = ", ".join({*Row._fields, "hash"} - {"position", "originator_id"})
COPY_40: Final = (
    f"INSERT INTO ledger.log (position, originator_id, {OTHERS}) "
    f"SELECT {{position}}, 'evt_x', {OTHERS} FROM ledger.log WHERE position = 40"
)
DAMAGES: Final[dict[str, tuple[str, int, str]]] = {
    "a body": (
        "UPDATE ledger.log SET body = body || '\\x00' WHERE position = 7",
        7,
        "content",
    ),
    "no body": ("UPDATE ledger.log SET body = '' WHERE position = 40", 40, "content"),
    "a verdict": (
        "UPDATE ledger.log SET verdict = 'foreign' WHERE position = 1",
        1,
        "content",
    ),
    "an account": (
        "UPDATE ledger.log SET account = 'cus_2' WHERE position > 8",
        9,
        "content",
    ),
    "null for text": (
        "UPDATE ledger.log SET account = NULL WHERE position = 7",
        7,
        "content",
    ),
    "text for null": ("UPDATE ledger.log SET key_id = '' WHERE position = 7", 7, "content"),
    "an id": (
        "UPDATE ledger.log SET originator_id = 'evt_x' WHERE position = 7",
        7,
        "content",
    ),
    "a framing": ("UPDATE ledger.log SET framing = 2 WHERE position = 7", 7, "framing 2"),
    "a time forward": (
        "UPDATE ledger.log SET recorded_at = recorded_at + '1 s' WHERE position = 40",
        40,
        "content",
    ),
    "a time back": (
        "UPDATE ledger.log SET recorded_at = '2001-01-01Z' WHERE position = 7",
        7,
        "recorded before",
    ),
    "a hash": ("UPDATE ledger.log SET hash = sha256('') WHERE position = 7", 7, "content"),
    "a short hash": ("UPDATE ledger.log SET hash = '' WHERE position = 7", 7, "32 bytes"),
    "the first row": ("DELETE FROM ledger.log WHERE position = 1", 1, "position 2 follows"),
    "a row": ("DELETE FROM ledger.log WHERE position = 7", 7, "position 8 follows"),
    "the last row": ("DELETE FROM ledger.log WHERE position = 40", 40, "head is at 40"),
    "all rows": ("DELETE FROM ledger.log", 1, "head is at 40"),
    "a gap closed": (
        f"{DROP}; DELETE FROM ledger.log WHERE position = 7; {CLOSE}",
        7,
        "content",
    ),
    "two swapped": (
        f"{DROP}; UPDATE ledger.log SET position = 16 - position WHERE position IN (7, 9)",
        7,
        "content",
    ),
    "one doubled": (
        f"{DROP}; {COPY_40.format(position=40)}",
        40,
        "",
    ),
    "one at position 0": (
        "UPDATE ledger.log SET position = 0 WHERE position = 7",
        1,
        "position 0 is none",
    ),
    "one beyond the head": (
        COPY_40.format(position=41),
        41,
        "content",
    ),
}


@pytest.mark.parametrize(("statement", "position", "what"), DAMAGES.values(), ids=DAMAGES)
def test_L03_the_first_bad_position_is_named(
    filled: str, tmp_path: Path, statement: str, position: int, what: str
) -> None:
    damage(filled, statement)

    found = checked(filled)

    assert found.fault is not None
    assert what in found.fault.what
    # Of two rows at one position either may come first.
    either = {0, 1} if what == "" else {0}
    assert found.fault.position - position in either
    assert independently(filled, tmp_path) == found.fault.position


HEADS: Final[dict[str, tuple[str, int, str]]] = {
    "moved on": ("UPDATE ledger.head SET position = 41", 41, "head is at 41"),
    "moved back": ("UPDATE ledger.head SET position = 39", 40, "beyond the head"),
    "another hash": ("UPDATE ledger.head SET hash = sha256('')", 40, "another hash"),
    "another genesis": (
        "UPDATE ledger.identity SET genesis_hash = sha256('')",
        0,
        "genesis",
    ),
    "another id": ("UPDATE ledger.identity SET ledger_id = 'led_x'", 0, "genesis"),
    "another dictionary": (
        "UPDATE ledger.encodings SET dictionary = set_byte(dictionary, 2000, 0)",
        0,
        "dictionary of encoding 1",
    ),
    "no dictionary": ("DELETE FROM ledger.encodings", 0, "dictionary of encoding 1"),
}


@pytest.mark.parametrize(("statement", "position", "what"), HEADS.values(), ids=HEADS)
def test_what_stands_beside_the_rows_is_checked_too(
    filled: str, statement: str, position: int, what: str
) -> None:
    damage(filled, statement)

    found = checked(filled)

    assert found.fault is not None
    assert what in found.fault.what
    assert found.fault.position == position


def rows_of(conninfo: str) -> list[Row]:
    async def rows() -> list[Row]:
        async with PostgresLog.open(conninfo) as log:
            return [row async for page in log.rows() for row in page]

    return asyncio.run(rows())


def rewrite(conninfo: str, rows: Sequence[Row], ledger_id: str) -> None:
    """Write the log anew as its owner can: every hash right, and the head as well."""
    insert = sql.SQL("INSERT INTO ledger.log ({}) VALUES ({})").format(
        NAMES, sql.SQL(", ").join([sql.Placeholder()] * (len(COLUMNS) + 1))
    )
    digest = genesis_hash(ledger_id)
    with psycopg.connect(conninfo) as owner:
        owner.execute("TRUNCATE ledger.log")
        for place, row in enumerate(rows, start=1):
            moved = row._replace(framing=FRAMING, position=place)
            digest = chain_hash(preamble(ledger_id), digest, b"".join(pack(moved)))
            owner.execute(insert, (*moved, digest))
        owner.execute(
            "UPDATE ledger.head SET position = %s, hash = %s", (len(rows), digest)
        )


FORGERIES: Final[dict[str, tuple[Callable[[list[Row]], list[Row]], int]]] = {
    "L03 one changed": (
        lambda rows: [*rows[:6], rows[6]._replace(account="cus_9"), *rows[7:]],
        ROWS,
    ),
    "L03 one left out": (lambda rows: rows[:6] + rows[7:], ROWS),
    "L03 one put in": (
        lambda rows: [*rows[:6], rows[6]._replace(originator_id="evt_x"), *rows[6:]],
        ROWS,
    ),
    "L03 two swapped": (
        lambda rows: [
            *rows[:3],
            rows[4]._replace(recorded_at=rows[3].recorded_at),
            rows[3],
            *rows[5:],
        ],
        ROWS,
    ),
    "L04 the end cut off": (lambda rows: rows[:-5], ROWS - 4),
    "L04 all cut off": (lambda _rows: [], 1),
    "L05 all written anew": (
        lambda rows: [row._replace(body=b"{}", encoding_id=0) for row in rows],
        ROWS,
    ),
}


@pytest.mark.parametrize(("forge", "position"), FORGERIES.values(), ids=FORGERIES)
def test_L03_L04_L05_a_log_forged_with_its_hashes_is_found_by_a_checkpoint_only(
    filled: str,
    tmp_path: Path,
    forge: Callable[[list[Row]], list[Row]],
    position: int,
) -> None:
    before = head_of(filled)
    rewrite(filled, forge(rows_of(filled)), before.ledger_id)

    assert checked(filled).fault is None
    assert independently(filled, tmp_path) is None
    assert position_of(checked(filled, before)) == position
    assert independently(filled, tmp_path, before) == position


def test_a_checkpoint_in_the_middle_proves_what_stands_before_it(filled: str) -> None:
    rows = rows_of(filled)
    ledger_id = head_of(filled).ledger_id
    digest = genesis_hash(ledger_id)
    for row in rows[:20]:
        digest = chain_hash(preamble(ledger_id), digest, b"".join(pack(row)))
    middle = attrs.evolve(head_of(filled), position=20, hash=digest)

    rewrite(filled, rows[:30], ledger_id)
    assert checked(filled, middle).fault is None
    rewrite(filled, [*rows[:10], *rows[11:]], ledger_id)
    assert position_of(checked(filled, middle)) == 20


def test_a_checkpoint_of_another_ledger_or_genesis_is_refused(filled: str) -> None:
    head = head_of(filled)
    elsewhere = attrs.evolve(head, ledger_id="led_other")
    genesis = attrs.evolve(head, position=0, hash=bytes(32))

    assert "led_other" in checked(filled, elsewhere).fault.what  # type: ignore[union-attr]
    assert position_of(checked(filled, genesis)) == 0
    assert (
        checked(filled, attrs.evolve(genesis, hash=genesis_hash(head.ledger_id))).fault
        is None
    )


def test_L09_rows_of_another_ledger_never_pass_for_ours(
    filled: str, database18: str, tmp_path: Path
) -> None:
    migrate(database18, mode="live")
    copied_out = sql.SQL("COPY ledger.log ({}) TO STDOUT BINARY").format(NAMES)
    copied_in = sql.SQL("COPY ledger.log ({}) FROM STDIN BINARY").format(NAMES)
    end = head_of(filled)
    with psycopg.connect(filled) as out, psycopg.connect(database18) as owner:
        with out.cursor().copy(copied_out) as sent, owner.cursor().copy(copied_in) as taken:
            for part in sent:
                taken.write(part)
        owner.execute("UPDATE ledger.head SET position = %s, hash = %s", (ROWS, end.hash))

    assert position_of(checked(database18)) == 1
    assert independently(database18, tmp_path) == 1
    assert checked(filled).fault is None


def test_L08_the_golden_log_is_in_order_for_both_verifiers(tmp_path: Path) -> None:
    twin = asyncio.run(twin_of(EVERY_KIND, ledger_id="led_golden"))
    golden = GOLDEN.read_bytes()
    chain = Chain("led_golden")
    for row in split(golden):
        chain.add(row)

    assert chain.fault is None
    assert (chain.rows, chain.hash.hex()) == (len(EVERY_KIND), GOLDEN_END)
    assert independent(GOLDEN, "led_golden") is None
    assert independent(GOLDEN, "led_other") == 1
    (tmp_path / "twin.bin").write_bytes(exported(tuples(twin.rows())))
    assert independent(tmp_path / "twin.bin", "led_golden") is None


@pytest.mark.parametrize("major", ["15", "18"])
def test_L08_the_golden_log_restored_into_postgresql_is_in_order(
    found_ledger: Callable[[str], str], major: str
) -> None:
    conninfo = found_ledger(major)
    with psycopg.connect(conninfo) as owner:
        copied_in = sql.SQL("COPY ledger.log ({}) FROM STDIN BINARY").format(NAMES)
        with owner.cursor().copy(copied_in) as taken:
            taken.write(GOLDEN.read_bytes())
        owner.execute(
            "UPDATE ledger.identity SET ledger_id = 'led_golden', genesis_hash = %s",
            (genesis_hash("led_golden"),),
        )
        owner.execute(
            "UPDATE ledger.head SET position = 11, hash = %s", (bytes.fromhex(GOLDEN_END),)
        )

    assert checked(conninfo).fault is None


def split(export: bytes) -> Iterator[bytes]:
    at = 19
    while (start := at) < len(export) - 2:
        at += 2
        for _ in range(21):
            at += 4 + max(0, int.from_bytes(export[at : at + 4], "big", signed=True))
        yield export[start:at]


async def test_L02_a_flipped_bit_in_any_byte_of_a_log_is_found() -> None:
    twin = await twin_of(map(event, range(1, 1001)), each=10)
    chain = Chain("led_of_tests")
    flips = 0

    for row in tuples(twin.rows()):
        expected = chain.rows + 1
        for at in range(len(row)):
            flipped = bytearray(row)
            flipped[at] ^= 1 << (flips + at) % 8
            probe = copy.copy(chain)
            probe.add(bytes(flipped))

            assert probe.fault is not None, (expected, at)
            assert probe.fault.position == expected
            assert probe.rows == chain.rows
        flips += len(row)
        chain.add(row)

    assert chain.fault is None
    assert chain.rows == 1000
    assert flips > 200_000


async def test_L02_a_row_cut_short_or_made_longer_is_found() -> None:
    twin = await twin_of(EVERY_KIND)
    first = tuples(twin.rows())[0]

    for changed in [*(first[:end] for end in range(len(first))), first + b"\0", first * 2]:
        chain = Chain("led_of_tests")
        chain.add(changed)
        assert chain.fault is not None


FLIPS: Final = {
    "int2": "{0} # 1",
    "int4": "{0} # 2",
    "int8": "{0} # 4",
    "timestamptz": "coalesce({0} + '1 us', '2000-01-01Z')",
    "bool": "NOT coalesce({0}, false)",
    "text": "coalesce(overlay({0} PLACING chr(ascii({0}) # 1) FROM 1 FOR 1), '')",
    "bytea": "set_bit({0}, {1} % bit_length({0}), 1 - get_bit({0}, {1} % bit_length({0})))",
}


def test_L02_flips_through_the_database_are_found_by_both(
    filled: str, tmp_path: Path
) -> None:
    chance = random.Random(7)
    types = {**{column.name: column.type for column in COLUMNS}, "hash": "bytea"}
    names = sorted(types)
    with psycopg.connect(filled, autocommit=True) as owner:
        owner.execute(DROP.encode())
        owner.execute("CREATE TABLE kept AS TABLE ledger.log")
        for number in range(50):
            name, position = names[number % len(names)], chance.randint(1, ROWS)
            change = FLIPS[types[name]].format(name, chance.randrange(10**6))
            update = f"UPDATE ledger.log SET {name} = {change} WHERE position = {position}"
            owner.execute(update.encode())

            found = checked(filled)

            expected = {position}
            if name == "position":
                expected = {min(position, position ^ 4), min(position, position ^ 4) + 1}
            assert position_of(found) in expected, (update, found)
            assert independently(filled, tmp_path) == position_of(found), update
            owner.execute("TRUNCATE ledger.log")
            owner.execute("INSERT INTO ledger.log SELECT * FROM kept")
    assert checked(filled).fault is None


async def test_progress_is_told_every_ten_thousand_rows(ledger_database18: str) -> None:
    steps: list[tuple[int, int]] = []
    async with PostgresLog.open(ledger_database18, Role.APPENDER, deadline_s=20) as log:
        await log.append([stripe(number, body=b"{}") for number in range(20_001)])

    found = await verify(ledger_database18, progress=lambda *step: steps.append(step))

    assert found.rows == 20_001
    assert steps == [(10_000, 20_001), (20_000, 20_001)]
