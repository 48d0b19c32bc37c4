from __future__ import annotations

import json

import pytest

from replay.report.text import lines, markdown_cell, one_line, sheet_cell


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Café 東京", "Café 東京"),
        ("\x1b[31mred", "\\u001b[31mred"),
        ("\x9b31mred", "\\u009b31mred"),
        ("invoice\u202egnp.exe", "invoice\\u202egnp.exe"),
        ("a\u2066b\u2069c\u200bd\ufeff", "a\\u2066b\\u2069c\\u200bd\\ufeff"),
        ("two\nlines\r\ttab", "two\\u000alines\\u000d\\u0009tab"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\udb40\\udc41"),
        ("null\0byte\x7f", "null\\u0000byte\\u007f"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_its_escape(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_escaped_json_still_says_the_same() -> None:
    value = {"name": "a\x9b\u202e\U000e0041b", "next": "c"}

    written = lines(json.dumps(value, ensure_ascii=False, indent=1))

    assert json.loads(written) == value
    assert written.isprintable() or written.replace("\n", "").isprintable()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\uff1d"])
def test_no_cell_of_a_sheet_starts_a_formula(start: str) -> None:
    cell = sheet_cell(f"{start}HYPERLINK(0)")

    assert cell.startswith("'")


def test_other_cells_of_a_sheet_stay_as_they_are() -> None:
    assert sheet_cell("cus_1") == "cus_1"
    assert sheet_cell("a=b") == "a=b"


def test_cell_of_a_page_marks_nothing_up() -> None:
    assert markdown_cell("a|b <img> *x*") == "a\\|b &lt;img&gt; \\*x\\*"
