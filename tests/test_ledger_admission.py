"""Who gets which position: laws of the pure half of an append."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.admission import Admission, Key, RepeatedIdError, admit, unit
from ledger.log import Head
from ledger.row import Entry, Row, chain_hash, genesis_hash, pack, preamble
from samples import NOON

EMPTY: Final = Head(ledger_id="led", position=0, hash=genesis_hash("led"), recorded_at=None)

entries = st.builds(
    Entry,
    originator_id=st.sampled_from("abcdef"),
    originator_version=st.integers(1, 2),
    topic=st.just("t"),
    body=st.binary(max_size=3),
)
units = st.lists(entries, max_size=4, unique_by=lambda entry: entry.key)
batches = st.lists(st.lists(units, max_size=4), max_size=5)


def admitted(batches: Sequence[Sequence[Sequence[Entry]]]) -> list[Admission]:
    """Admit batch after batch, as a log does."""
    head, taken, made = EMPTY, dict[Key, Row](), list[Admission]()
    for batch in batches:
        admission = admit(batch, head=head, taken=taken, now=NOON)
        taken |= {
            (row.originator_id, row.originator_version): row for row in admission.rows
        }
        head = admission.head
        made.append(admission)
    return made


@given(batches)
def test_positions_are_contiguous_and_none_is_burnt(
    batches: list[list[list[Entry]]],
) -> None:
    made = admitted(batches)
    rows = [row for admission in made for row in admission.rows]

    assert [row.position for row in rows] == list(range(1, len(rows) + 1))
    assert [admission.head.position for admission in made] == [
        sum(len(each.rows) for each in made[: number + 1]) for number in range(len(made))
    ]


@given(batches)
def test_every_id_is_there_once_and_every_entry_is_answered(
    batches: list[list[list[Entry]]],
) -> None:
    made = admitted(batches)
    keys = [row[3:5] for admission in made for row in admission.rows]

    assert len(keys) == len(set(keys))
    for batch, admission in zip(batches, made, strict=True):
        assert list(map(len, admission.answers)) == list(map(len, batch))


@given(batches)
def test_a_unit_is_admitted_whole_or_not_at_all(batches: list[list[list[Entry]]]) -> None:
    seen = set[Key]()
    for batch, admission in zip(batches, admitted(batches), strict=True):
        for entries, answer in zip(batch, admission.answers, strict=True):
            free = not seen & {entry.key for entry in entries}

            assert [placed.duplicate for placed in answer] == [not free] * len(entries)
            if free:
                seen |= {entry.key for entry in entries}
                assert [placed.row[3:] for placed in answer] == [
                    entry.at(0, NOON)[3:] for entry in entries
                ]
            for entry, placed in zip(entries, answer, strict=True):
                if entry.key in seen:
                    assert placed.row[3:5] == entry.key


@given(st.lists(units, max_size=6), st.integers(0, 6))
def test_two_batches_admit_what_one_would(units: list[list[Entry]], cut: int) -> None:
    whole = admitted([units])[0]
    parts = admitted([units[:cut], units[cut:]])

    assert [row for part in parts for row in part.rows] == whole.rows
    assert [each for part in parts for each in part.packed] == whole.packed
    assert parts[-1].head == (whole.head if whole.rows else parts[-1].head)


@given(units)
def test_the_chain_runs_over_what_is_packed(units: list[Entry]) -> None:
    admission = admitted([[units]])[0]
    previous = EMPTY.hash

    for row, fields in zip(admission.rows, admission.packed, strict=True):
        previous = chain_hash(preamble("led"), previous, b"".join(pack(row)))
        assert fields == [*pack(row), b"\0\0\0\x20" + previous]
    assert admission.head.hash == previous


@pytest.mark.parametrize(("moved_s", "expected_s"), [(-3600, 0), (0, 0), (5, 5)])
def test_the_moment_never_goes_back(moved_s: int, expected_s: int) -> None:
    head = Head(ledger_id="led", position=9, hash=bytes(32), recorded_at=NOON)
    now = NOON + timedelta(seconds=moved_s)

    admission = admit([[Entry(originator_id="a", topic="t")]], head=head, taken={}, now=now)

    assert admission.rows[0].position == 10
    assert admission.head.recorded_at == NOON + timedelta(seconds=expected_s)


def test_a_batch_of_duplicates_leaves_the_head_alone() -> None:
    entry = Entry(originator_id="a", topic="t")
    head = Head(ledger_id="led", position=9, hash=bytes(32), recorded_at=NOON)
    later = NOON + timedelta(days=1)

    admission = admit([[entry]], head=head, taken={entry.key: entry.at(3, NOON)}, now=later)

    assert admission.head == head
    assert (admission.rows, admission.packed) == ([], [])


def test_a_unit_with_one_id_twice_is_none() -> None:
    first, second = (
        Entry(originator_id="a", topic="t", body=body) for body in (b"1", b"2")
    )

    with pytest.raises(RepeatedIdError):
        unit([first, second])
    assert unit([first]) == [first]
