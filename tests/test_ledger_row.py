"""What is hashed of a row: golden bytes, framing that cannot be confused, the server's."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from ledger.row import (
    COLUMNS,
    FIELD_COUNT,
    TEXT_BYTES_MAX,
    Entry,
    Row,
    UnstorableError,
    chain_hash,
    genesis_hash,
    pack,
    pack_place,
    preamble,
)
from samples import NOON

GOLDEN: Final = json.loads(
    (Path(__file__).parent / "golden" / "rows.json").read_text(encoding="utf-8")
)
TEXTS: Final = [column.name for column in COLUMNS if column.type == "text"]


def value(name: str, written: Any) -> Any:  # noqa: ANN401, a field of any type
    if written is None:
        return None
    if name == "body":
        return bytes.fromhex(written)
    return datetime.fromisoformat(written) if name.endswith("_at") else written


def golden_row(case: dict[str, Any]) -> Row:
    return Row(**{name: value(name, given) for name, given in case["row"].items()})


def digest(row: Row) -> bytes:
    return chain_hash(preamble("led"), bytes(32), b"".join(pack(row)))


def with_texts(texts: dict[str, str]) -> Row:
    """Return a row whose other texts are empty."""
    fields = golden_row(GOLDEN["rows"][1])._asdict()
    return Row(**{**fields, **dict.fromkeys(TEXTS, ""), **texts})


def naive(row: Row) -> bytes:
    """Hash a row the way that must not be: fields one after the other."""
    texts = ("" if field is None else str(field) for field in row)
    return hashlib.sha256("".join(texts).encode()).digest()


@pytest.mark.parametrize("case", GOLDEN["rows"], ids=lambda case: case["what"])
def test_L08_a_golden_row_is_packed_as_ever(case: dict[str, Any]) -> None:
    assert b"".join(pack(golden_row(case))).hex() == case["packed"]


def test_L08_the_golden_chain_is_as_ever() -> None:
    previous = genesis_hash(GOLDEN["ledger_id"])
    assert previous.hex() == GOLDEN["genesis"]

    for case in GOLDEN["rows"]:
        fields = b"".join(pack(golden_row(case)))
        previous = chain_hash(preamble(GOLDEN["ledger_id"]), previous, fields)

        assert previous.hex() == case["hash"], case["what"]


@pytest.mark.parametrize("column", range(len(COLUMNS)), ids=[c.name for c in COLUMNS])
def test_L08_every_field_is_under_the_hash(column: int) -> None:
    full, other = map(golden_row, (GOLDEN["rows"][0], GOLDEN["rows"][3]))
    fields: list[Any] = list(full)
    changed: dict[type, Any] = {int: 77, str: "x", bytes: b"x", bool: False}
    changed[datetime] = NOON.replace(year=2001)
    fields[column] = changed.get(type(fields[column]), "x")

    assert fields[column] != full[column]
    assert digest(Row(*fields)) != digest(full)
    assert digest(full) != digest(other)


def test_L08_the_ledgers_id_is_under_every_hash() -> None:
    fields = b"".join(pack(golden_row(GOLDEN["rows"][0])))

    assert chain_hash(preamble("a"), bytes(32), fields) != chain_hash(
        preamble("b"), bytes(32), fields
    )
    assert genesis_hash("a") != genesis_hash("b")


@given(
    pair=st.lists(st.sampled_from(TEXTS), min_size=2, max_size=2, unique=True),
    text=st.text("ab", min_size=1),
)
def test_L07_no_two_rows_of_equal_concatenation_have_one_hash(
    pair: list[str], text: str
) -> None:
    first, second = sorted(pair, key=TEXTS.index)
    borders = range(len(text) + 1)

    rows = [with_texts({first: text[:at], second: text[at:]}) for at in borders]

    assert len({digest(row) for row in rows}) == len(rows)


def test_L07_K_a_plain_concatenation_would_take_one_row_for_another() -> None:
    row = golden_row(GOLDEN["rows"][0])
    moved = row._replace(stripe_account=f"{row.stripe_account}i", object_id="n_1")
    absent = row._replace(endpoint="", key_id=None)
    empty = row._replace(endpoint=None, key_id="")

    assert naive(row) == naive(moved)
    assert naive(absent) == naive(empty)
    assert digest(row) != digest(moved)
    assert digest(absent) != digest(empty)


@pytest.mark.parametrize("case", GOLDEN["rows"], ids=lambda case: case["what"])
def test_an_entry_packs_its_fields_as_its_row_does(case: dict[str, Any]) -> None:
    row = golden_row(case)
    entry = Entry(**{name: getattr(row, name) for name in Row._fields[3:]})

    placed = pack_place(row.position, row.recorded_at) + entry.packed

    assert entry.at(row.position, row.recorded_at) == row
    assert placed == pack(row)


def test_postgresql_sends_the_very_bytes_that_are_hashed(ledger_database: str) -> None:
    rows = [golden_row(case) for case in GOLDEN["rows"]]
    names = sql.SQL(", ").join(map(sql.Identifier, Row._fields))
    places = sql.SQL(", ").join([sql.Placeholder()] * len(Row._fields))
    insert = sql.SQL("INSERT INTO ledger.log ({}, hash) VALUES ({}, '')").format(
        names, places
    )
    copy = sql.SQL("COPY (SELECT {} FROM ledger.log ORDER BY position) TO STDOUT BINARY")
    # Written by psycopg in PostgreSQL's own words, none of them ours.
    with psycopg.connect(ledger_database) as owner:
        for number, row in enumerate(rows):
            renamed = f"{row.originator_id}{number}" if number in {1, 3, 6, 7} else None
            rows[number] = row._replace(originator_id=renamed or row.originator_id)
            owner.execute(insert, rows[number])
        with owner.cursor().copy(copy.format(names)) as sent:
            export = b"".join(bytes(part) for part in sent)

    expected = [
        FIELD_COUNT + b"".join(pack(row)) for row in sorted(rows, key=lambda r: r[1])
    ]
    assert export[19:-2] == b"".join(expected)


@pytest.mark.parametrize(
    "field",
    [
        {"originator_id": "x" * (TEXT_BYTES_MAX + 1)},
        {"account": "€" * 342},
        {"account": "a\0b"},
        {"stripe_type": "\udfff"},
        {"originator_version": 2**63},
        {"originator_version": "1"},
        {"occurred_at": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"encoding_id": 2**31},
        {"body": "text"},
        {"account": 7},
    ],
    ids=str,
)
def test_what_postgresql_would_refuse_is_refused_before(field: dict[str, Any]) -> None:
    given = {"originator_id": "evt_1", "topic": "t", **field}

    with pytest.raises(UnstorableError):
        Entry(**given)


def test_the_longest_texts_still_fit_the_indexes(ledger_database: str) -> None:
    row = with_texts({name: chr(8364 + place) * 341 for place, name in enumerate(TEXTS)})
    names = sql.SQL(", ").join(map(sql.Identifier, Row._fields))
    places = sql.SQL(", ").join([sql.Placeholder()] * len(Row._fields))

    assert Entry(originator_id=row.originator_id, topic=row.topic).packed
    with psycopg.connect(ledger_database) as owner:
        insert = sql.SQL("INSERT INTO ledger.log ({}, hash) VALUES ({}, '')")
        owner.execute(insert.format(names, places), row)
