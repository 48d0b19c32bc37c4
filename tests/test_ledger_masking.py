"""What looks like a card number is never shown whole."""

from __future__ import annotations

import re
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.masking import masked, masked_json

CARD: Final = "4242424242424242"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("", ""),
        ("Käse & Söhne", "Käse & Söhne"),
        (CARD, "****4242"),
        (f"Jo {CARD}", "Jo ****4242"),
        ("4242 4242 4242 4242", "****4242"),
        ("4242-4242-4242-4242 12/29", "****4242 12/29"),
        ("4242\u00a04242\u00a04242\u00a04242", "****4242"),
        ("4242 - 4242 - 4242 - 4242", "****4242"),
        ("order 12 4242 4242 4242 4242", "order 12 ****4242"),
        ("12 4242 4242 4242 4242 5105 1051 0510 5100", "12 ****4242 ****5100"),
        ("378282246310005", "****0005"),
        ("3782 822463 10005!", "****0005!"),
        ("4242424242424241", "4242424242424241"),
        ("0000000000000000", "0000000000000000"),
        ("1234567890123", "1234567890123"),
        ("424242424242", "424242424242"),
        (f"{CARD}99999999999", f"{CARD}99999999999"),
        ("VAT 12 345 678", "VAT 12 345 678"),
        ("2026-03-01 12:00:00", "2026-03-01 12:00:00"),
    ],
)
def test_a_card_number_is_cut_to_its_last_four_digits(typed: str, shown: str) -> None:
    assert masked(typed) == shown


def luhn_closed(digits: str) -> str:
    """Append the digit that makes *digits* pass."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 - place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return digits + str(-total % 10)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    digits=st.text("0123456789", min_size=12, max_size=18).filter(lambda d: d.strip("0")),
    gaps=st.lists(st.sampled_from(["", " ", "-", "."]), min_size=19, max_size=19),
    around=st.tuples(st.text("abc ,;", max_size=5), st.text("abc ,;", max_size=5)),
)
def test_no_card_number_is_left_whatever_stands_around_it(
    digits: str, gaps: list[str], around: tuple[str, str]
) -> None:
    number = luhn_closed(digits)
    typed = "".join(digit + gap for digit, gap in zip(number, gaps, strict=False))

    shown = masked(around[0] + typed + around[1])

    assert number not in re.sub(r"[^0-9]", "", shown)
    assert shown.startswith(around[0])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(max_size=60))
def test_masking_twice_is_masking_once_and_touches_nothing_but_digits(text: str) -> None:
    shown = masked(text)

    assert masked(shown) == shown
    assert re.sub(r"[0-9* .\u00a0\u2009\u202f\u2010-\u2014-]", "", shown) == re.sub(
        r"[0-9* .\u00a0\u2009\u202f\u2010-\u2014-]", "", text
    )


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{ "name" : "Jo 4242 4242 4242 4242" }', b'{ "name" : "Jo ****4242" }'),
        (
            b'["4242\\u0034242 42424242", 4242424242424242]',
            b'["****4242", 4242424242424242]',
        ),
        (
            b'{"4242424242424242": "\\"4242424242424242\\""}',
            b'{"****4242": "\\"****4242\\""}',
        ),
        (b'["\\u4242424242424242"]',) * 2,
        (b'{"id": "evt_1", "n": 1.50, "s": "\\u0031"}',) * 2,
    ],
)
def test_of_a_body_only_strings_are_masked(body: bytes, shown: bytes) -> None:
    assert masked_json(body) == shown
