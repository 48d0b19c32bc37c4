"""Write down the end of the log, to be kept outside the database.

    bl checkpoint -o 2026-11.checkpoint
    bl verify --against 2026-11.checkpoint

A chain alone cannot show that its end was cut off, or that all of it was written anew;
a checkpoint that was kept elsewhere does. Four lines: ledger, position, hash, time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ledger.checkpoint import Checkpoint
from ledger.clock import utc_now
from replay.ledgers import reading, state
from replay.options import OPTIONS, Format
from replay.output import json_text, opened


def run(
    *,
    output: Annotated[
        Path | None, Parameter(name=("--output", "-o"), group=OPTIONS)
    ] = None,
    form: Annotated[
        Format, Parameter(name=("--output-format", "-O"), group=OPTIONS)
    ] = Format.TABLE,
) -> int:
    """Write a checkpoint to stdout or to a file.

    Args:
        output: Write to a file, whole or not at all.
        form: Only json differs from the checkpoint's own four lines.
    """
    with reading() as connection:
        head, mode = state(connection)
    taken = Checkpoint.of(head, now=utc_now())
    document = {
        "ok": True,
        "findings": [],
        "ledger": taken.ledger_id,
        "mode": mode,
        "position": taken.position,
        "hash": taken.hash.hex(),
        "taken_at": taken.taken_at,
        "checkpoint": taken.text(),
    }
    target = None if str(output) == "-" else output
    with opened(target) as out:
        out.write(f"{json_text(document)}\n" if form is Format.JSON else taken.text())
    return 0
