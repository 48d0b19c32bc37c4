"""Text that came from elsewhere, made harmless for a terminal, a sheet and a page.

Names in the log are written by anyone: they may hold what moves a cursor, turns the
reading direction, or starts a formula. What is hidden is shown as its escape.
"""

from __future__ import annotations

import re
from typing import Final

# C0 and C1 controls, invisible and bidirectional marks, line separators, lone surrogates
# and tags: none of them is ever seen, all of them change what is.
_HIDDEN: Final = (
    "\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\ufeff\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e007f"
)
_UNSEEN: Final = re.compile(f"[{_HIDDEN}]")
_UNSEEN_OR_NEWLINE: Final = re.compile(f"[\n{_HIDDEN}]")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_BMP_END: Final = 0xFFFF
NAME_CHARS_MAX: Final = 255


def one_line(text: str) -> str:
    r"""Return *text* on one line, all that cannot be seen as ``\u001b``."""
    return _UNSEEN_OR_NEWLINE.sub(_escape, text)


def lines(text: str) -> str:
    """Do the same, but leave newlines; in JSON the escapes mean what they replace."""
    return _UNSEEN.sub(_escape, text)


def sheet_cell(text: str) -> str:
    """Return *text* so that no spreadsheet takes it for a formula."""
    shown = one_line(text)
    return f"'{shown}" if text.startswith(_FORMULA) else shown


def markdown_cell(text: str) -> str:
    """Return *text* so that it stays inside a cell of a table and marks nothing up."""
    shown = one_line(text)
    for mark in "\\`*_[]|~":
        shown = shown.replace(mark, f"\\{mark}")
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def is_name(text: str) -> bool:
    """Tell whether PostgreSQL can have *text*, and something may go by that name."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return 0 < len(text) <= NAME_CHARS_MAX and "\0" not in text


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code <= _BMP_END:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
