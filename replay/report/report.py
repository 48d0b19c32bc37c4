"""What a report is, before it is written: facts, records in columns, and a stamp.

status    past_due                         facts, shown as a card
seats     12

subscription  status    period ends        records, shown as a table
sub_1         past_due  2026-12-01

test · ledger led_5f0c · position 48,213   the stamp
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import attrs

from replay.report.stamp import Stamp
from replay.report.style import Style

Record = Mapping[str, object]


@attrs.frozen
class Column:
    """A column of the records.

    Attributes:
        key: Names it in JSON and CSV.
        title: Names it in a table; empty shows it in no table.
        fixed: Never shortened, however narrow the terminal.
        spare: Left out of a table that is too wide, the highest first; 0 never.
        usual: How wide it mostly is; for records that come as they happen.
        words: How a table says it; JSON and CSV have the value as it is.
    """

    key: str
    title: str
    fixed: bool = False
    spare: int = 0
    usual: int = 0
    words: Callable[[Record], object] | None = None

    def said(self, record: Record) -> object:
        """Return what a table shows of *record* here."""
        return record.get(self.key) if self.words is None else self.words(record)


@attrs.frozen(kw_only=True)
class Closing:
    """What only all records together tell, such as their sums.

    Attributes:
        facts: What JSON has behind the records.
        card: What a table ends with, before the stamp.
    """

    facts: Record = attrs.field(factory=dict)
    card: tuple[tuple[str, object], ...] = ()


@attrs.frozen(kw_only=True)
class Report:
    """A report; records may be endless, so they are written as they come.

    Attributes:
        records_name: Names the records in JSON.
        facts: What JSON has beside them, values that JSON knows.
        card: What a table begins with: label and value, or a line of its own under "".
        live: Whether the records come as they happen, so that each is shown at once.
        text: What a table shows after the card, as it is.
        picture: What a table is instead of its records: lines, harmless already.
        closing: Made after the records, from what they came to; like a card and facts.
        stamp: Made last, from the number of records; None where there is no ledger.
    """

    columns: tuple[Column, ...] = ()
    records: Iterable[Record] = ()
    records_name: str = "rows"
    facts: Record = attrs.field(factory=dict)
    card: tuple[tuple[str, object], ...] = ()
    text: str = ""
    picture: Callable[[Style], Iterable[str]] | None = None
    live: bool = False
    closing: Callable[[], Closing] | None = None
    stamp: Callable[[int], Stamp] | None = None
