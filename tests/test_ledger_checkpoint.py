"""A checkpoint is four lines that can be read back exactly, or is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.checkpoint import Checkpoint, CheckpointError
from ledger.log import Head

CHECKPOINT = Checkpoint(
    ledger_id="led_1",
    position=48_213,
    hash=bytes(range(32)),
    taken_at=datetime(2026, 11, 1, tzinfo=UTC),
)
TEXT = """\
billing-ledger/led_1
48213
AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
2026-11-01T00:00:00Z
"""


def test_a_checkpoint_is_four_lines() -> None:
    assert CHECKPOINT.text() == TEXT
    assert Checkpoint.parse(TEXT) == CHECKPOINT


def test_a_checkpoint_is_taken_of_a_head() -> None:
    head = Head(ledger_id="led_1", position=48_213, hash=bytes(range(32)), recorded_at=None)

    assert Checkpoint.of(head, now=CHECKPOINT.taken_at) == CHECKPOINT


@given(
    ledger_id=st.from_regex(r"led_[0-9a-f]{16}", fullmatch=True),
    position=st.integers(0, 2**63 - 1),
    digest=st.binary(min_size=32, max_size=32),
    taken_at=st.datetimes(timezones=st.just(UTC)),
)
def test_whatever_was_written_is_read_back(
    ledger_id: str, position: int, digest: bytes, taken_at: datetime
) -> None:
    written = Checkpoint(
        ledger_id=ledger_id, position=position, hash=digest, taken_at=taken_at
    )

    assert Checkpoint.parse(written.text()) == written


def test_lines_after_the_fourth_and_other_line_ends_do_not_matter() -> None:
    assert Checkpoint.parse(f"{TEXT}\nsignature\n") == CHECKPOINT
    assert Checkpoint.parse(TEXT.replace("\n", "\r\n")) == CHECKPOINT
    assert Checkpoint.parse(TEXT.rstrip()) == CHECKPOINT


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    elsewhere = TEXT.replace("00:00:00Z", "02:00:00+02:00")

    assert Checkpoint.parse(elsewhere) == CHECKPOINT
    assert Checkpoint.parse(elsewhere).text() == TEXT


LINES = TEXT.splitlines()


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (0, ""),
        (0, "billing-ledger"),
        (0, "another-ledger/led_1"),
        (0, "\ufeffbilling-ledger/led_1"),
        (1, ""),
        (1, "-1"),
        (1, "01"),
        (1, "4 8"),
        (1, "48,213"),
        (1, "1e3"),
        (1, "\u0664\u0668"),
        (1, "9" * 20),
        (2, ""),
        (2, "not base64!"),
        (2, "AAEC"),
        (2, LINES[2][:-1]),
        (2, LINES[2][:-1] + "A"),
        (2, "\u00e4" + LINES[2][1:]),
        (3, ""),
        (3, "yesterday"),
        (3, "2026-11-01T00:00:00"),
        (3, "2026-13-01T00:00:00Z"),
        (3, "0001-01-01T00:00:00+14:00"),
    ],
)
def test_a_text_that_is_no_checkpoint_is_refused(line: int, text: str) -> None:
    changed = [text if number == line else kept for number, kept in enumerate(LINES)]

    with pytest.raises(CheckpointError, match="not a checkpoint"):
        Checkpoint.parse("\n".join(changed))


@given(st.text() | st.text("billing-ledger/\n0123456789AB=TZ:-"))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    with pytest.raises(CheckpointError):
        Checkpoint.parse(text)


def test_a_checkpoint_of_a_cut_file_is_refused() -> None:
    for end in range(len(TEXT) - 1):
        with pytest.raises(CheckpointError):
            Checkpoint.parse(TEXT[:end])
    assert attrs.evolve(CHECKPOINT, position=1) != CHECKPOINT
