"""A progress bar in a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from replay.report.progress import Tick

QUICK_S: Final = 0.4


@contextmanager
def bar(label: str) -> Iterator[Tick]:
    """Draw a bar on stderr while the block runs, and leave nothing behind.

    Work that is done in a moment shows none.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    shown = Progress(*columns, console=console, transient=True, expand=True)
    task = shown.add_task(label, total=None, count="")
    due = time.monotonic() + QUICK_S

    def tick(done: int, total: int, note: str = "") -> None:
        count = note or f"{done:,}/{total:,}"
        shown.update(task, completed=done, total=total or None, count=count)
        if not shown.live.is_started and time.monotonic() > due:
            shown.start()

    try:
        yield tick
    finally:
        shown.stop()
