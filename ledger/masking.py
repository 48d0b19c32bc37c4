"""Card numbers that somebody typed where none belong, made unreadable but for the end.

    paid with 4242 4242 4242 4242      paid with ****4242
    order 12 4242-4242-4242-4242       order 12 ****4242
    invoice 1234567890123              invoice 1234567890123      fails the Luhn check

Stripe sends no card numbers, but a customer may type one into a name, a description or
metadata. What is stored is what was signed, so a body in the log keeps it; everything
that reads a body for a person or for a read model masks it here first.
"""

from __future__ import annotations

import json
import re
from typing import Final

# Groups of digits, one to three blanks, dots or dashes between them.
_BETWEEN: Final = r"[ .\u00a0\u2009\u202f\u2010-\u2014-]{1,3}"
_RUN: Final = re.compile(
    rf"(?<![0-9])[0-9]{{1,19}}(?:{_BETWEEN}[0-9]{{1,19}})*(?![0-9])",
)
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_DIGIT: Final = re.compile(rb"[0-9]")
_GROUP: Final = re.compile(r"[0-9]+")
_DIGITS_MIN: Final = 13
_DIGITS_MAX: Final = 19
_SHOWN: Final = 4
_LAST_OF_TEN: Final = 9


def masked(text: str) -> str:
    """Return *text* with whatever looks like a card number cut to its last four digits.

    That is 13 to 19 digits, in one group or several, that pass the Luhn check; one such
    number in ten is none, and is cut all the same.
    """
    if len(text) < _DIGITS_MIN or _GROUP.search(text) is None:
        return text
    return _RUN.sub(_mask_run, text)


def masked_json(body: bytes) -> bytes:
    """Return the JSON text *body* with its strings masked; every other byte as it was.

    Numbers stay: Stripe's own are amounts and times.
    """
    return _STRING.sub(_mask_string, body)


def _mask_string(found: re.Match[bytes]) -> bytes:
    written = found[0]
    if _DIGIT.search(written) is None:
        return written
    text = json.loads(written.decode("utf-8", "surrogateescape"), strict=False)
    shown = masked(text)
    return written if shown == text else json.dumps(shown).encode("ascii")


def _mask_run(found: re.Match[str]) -> str:
    run = found[0]
    groups = list(_GROUP.finditer(run))
    parts: list[str] = []
    copied = at = 0
    while at < len(groups):
        end = _card_end(groups, at)
        if end is not None:
            digits = "".join(group[0] for group in groups[at:end])
            parts += [run[copied : groups[at].start()], "****", digits[-_SHOWN:]]
            copied = groups[end - 1].end()
        at = at + 1 if end is None else end
    return "".join([*parts, run[copied:]])


def _card_end(groups: list[re.Match[str]], start: int) -> int | None:
    """Return the end of the longest card number that begins with group *start*."""
    digits, longest = "", None
    for at in range(start, len(groups)):
        digits += groups[at][0]
        if len(digits) > _DIGITS_MAX:
            break
        if len(digits) >= _DIGITS_MIN and _passes_luhn(digits):
            longest = at + 1
    return longest


def _passes_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - _LAST_OF_TEN if value > _LAST_OF_TEN else value
    return total % 10 == 0 and digits.strip("0") != ""
