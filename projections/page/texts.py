"""Foreign text on the page: names, descriptions and messages, made harmless and short.

Markup is the template's to escape. What is taken out here are characters that no reader
sees and that turn the text around them: controls and marks of direction.
"""

from __future__ import annotations

import unicodedata
from typing import Final

CHARS_MAX: Final = 120
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# They join letters and emoji, and turn nothing around.
_JOINERS: Final = frozenset({"\u200c", "\u200d"})
_MARKS_MAX: Final = 3


def cut(text: str, length: int = CHARS_MAX) -> str:
    """Return *text* without what cannot be seen, at most *length* characters of it."""
    if len(text) <= length and text.isascii() and text.isprintable():
        return " ".join(text.split())  # most names; three times as fast
    found: list[str] = []
    marks = 0
    # Four times the length is enough to look at: what follows would be cut anyway.
    for char in text[: length * 4]:
        category = unicodedata.category(char)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if marks > _MARKS_MAX:
            continue
        if category in _UNSEEN and char not in _JOINERS:
            char = " "  # noqa: PLW2901 - words it parted stay apart
        found.append(char)
    clean = " ".join("".join(found).split())
    whole = len(text) <= length * 4 and len(clean) <= length
    return clean if whole else clean[: length - 1].rstrip() + "…"


def words(name: str) -> str:
    """Return a name of Stripe's as words: ``insufficient_funds`` is Insufficient funds."""
    return cut(name.replace("_", " ")).capitalize()
