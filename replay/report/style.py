"""What a terminal takes: how wide it is, its colours, its characters."""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

import attrs

_BOLD: Final = "\x1b[1m"
_DIM: Final = "\x1b[2m"
_PLAIN: Final = "\x1b[0m"


@attrs.frozen(kw_only=True)
class Style:
    """How wide and how colourful; a *width* of None shortens nothing.

    Attributes:
        plain: Whether only characters of ASCII can be written.
    """

    zone: tzinfo
    width: int | None = None
    colored: bool = False
    plain: bool = False

    def strong(self, text: str) -> str:
        """Return *text* in bold."""
        return f"{_BOLD}{text}{_PLAIN}" if self.colored else text

    def faint(self, text: str) -> str:
        """Return *text* dimmed."""
        return f"{_DIM}{text}{_PLAIN}" if self.colored else text
