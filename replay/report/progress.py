"""Work under way, shown on stderr: a bar for people, lines for logs, or nothing.

verify ━━━━━━━━━━━━━━━━━━━━━━╸━━━━━━━━━━━━━━━━━  58%  13,920/24,000  0:00:01
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from replay.arguments.options import ProgressStyle
from replay.report.words import say


class Tick(Protocol):
    """What is to be told how far the work is, as often as one likes."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Show *done* of *total*, or *note* in place of the numbers."""


FIRST_LINE_S: Final = 1.0
LINE_EVERY_S: Final = 5.0


def draws_bar(style: ProgressStyle) -> bool:
    """Tell whether a bar is drawn: only for a terminal that can move its cursor."""
    return (
        style is ProgressStyle.AUTO
        and sys.stderr.isatty()
        and os.environ.get("TERM", "dumb") != "dumb"
    )


@contextmanager
def progress(label: str, style: ProgressStyle) -> Iterator[Tick]:
    """Yield what is to be told (done, in all) now and then; *label* names the work."""
    if style is ProgressStyle.NONE:
        yield _nothing
        return
    if not draws_bar(style):
        yield _Lines(label).tick
        return
    # Imported here: it costs 60 ms, and only a terminal needs it.
    from replay.report.progress_bar import bar  # noqa: PLC0415

    with bar(label) as tick:
        yield tick


def _nothing(done: int, total: int, note: str = "") -> None:
    """Show nothing."""
    del done, total, note


class _Lines:
    """A line now and then, the first after a second: quick work stays silent."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._due = time.monotonic() + FIRST_LINE_S

    def tick(self, done: int, total: int, note: str = "") -> None:
        """Print how far it is, if it is time."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + LINE_EVERY_S
        share = f"{done * 100 // total:3d} %" if total else ""
        say(f"{self._label}: {share}  {note or f'{done:,} of {total:,}'}")
