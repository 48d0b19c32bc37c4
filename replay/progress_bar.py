"""A progress bar in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from replay.progress import Tick


@contextmanager
def bar(label: str) -> Iterator[Tick]:
    """Draw a bar on stderr while the block runs, and leave nothing behind."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, expand=True) as shown:
        task = shown.add_task(label, total=None, count="")

        def tick(done: int, total: int, note: str = "") -> None:
            count = note or f"{done:,}/{total:,}"
            shown.update(task, completed=done, total=total or None, count=count)

        yield tick
