"""What the command says beside its data: on stderr, a line at a time."""

from __future__ import annotations

import sys
from contextlib import suppress

from replay.report.text import one_line


def say(text: str) -> None:
    """Write *text* as one line; that nobody listens is no error."""
    with suppress(BrokenPipeError):
        sys.stderr.write(f"{one_line(text)}\n")
        sys.stderr.flush()
