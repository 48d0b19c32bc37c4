"""What is said of a file that a command made: that it is there, and of which ledger.

    bl export: 899 invoices
    live · ledger acme · position 48,213 · 7f3a…91

With -O the same is a report on stdout, while the file holds what was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from replay.arguments.options import Reporting, UsageError
from replay.ledgers import Connection
from replay.report.output import write
from replay.report.report import Report
from replay.report.stamping import stamp_of
from replay.report.words import say


class Made:
    """A file in the making; the ledger is noted before it is read."""

    def __init__(self, connection: Connection, options: Reporting) -> None:
        if options.form is not None and options.target is None:
            raise UsageError("-O is the form of what is said of a file: give -o FILE")
        self._stamp = stamp_of(connection)
        self._options = options

    def told(self, name: str, rows: int, what: str, facts: Mapping[str, object]) -> None:
        """Say what the command *name* has made: *rows* of *what*, and *facts* in JSON."""
        said = f"{rows:,} {what}"
        if self._options.form is None:
            for line in (f"bl {name}: {said}", *self._stamp(rows).lines()):
                say(line)
            return
        file = str(self._options.target)
        report = Report(
            facts={"ok": True, "findings": [], "file": file, "rows": rows, **facts},
            card=(("written", file), ("with", said)),
            stamp=lambda _: self._stamp(rows),
        )
        write(report, attrs.evolve(self._options, file=None))
