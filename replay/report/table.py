"""Tables and cards as text, aligned by what a terminal shows and not by characters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, tzinfo
from itertools import chain, islice
from typing import Final

from rich.cells import cell_len, chop_cells, set_cell_size

from replay.report.report import Column, Record, Report
from replay.report.style import Style
from replay.report.text import one_line

MEASURED_ROWS: Final = 500
NARROWEST: Final = 8
GAP: Final = "  "
NOTHING: Final = "-"


def shown(value: object, zone: tzinfo) -> str:
    """Return *value* as a person reads it."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(shown(one, zone) for one in value) or NOTHING
    return one_line(str(value))


def card_lines(card: Sequence[tuple[str, object]], style: Style) -> Iterator[str]:
    """Yield a line for each label with its value; under no label, the value alone."""
    width = max((cell_len(label) for label, _ in card), default=0)
    for label, value in card:
        text = shown(value, style.zone) if value != "" else ""
        if not label:
            yield from map(style.strong, wrapped(text, style.width))
            continue
        head = label + " " * (width - cell_len(label))
        room = None if style.width is None else max(NARROWEST, style.width - width - 4)
        first, *more = wrapped(text, room)
        yield f" {style.faint(head)}{GAP}{first}"
        for line in more:
            yield f" {' ' * width}{GAP}{line}"


def table_lines(report: Report, style: Style) -> Iterator[str]:
    """Yield the heading and a line for each record, the first few deciding the widths."""
    records = iter(report.records)
    # Of records that come as they happen, the first must not wait for the others.
    measured = list(islice(records, 1 if report.live else MEASURED_ROWS))
    if not measured:
        return
    columns = [column for column in report.columns if column.title]
    samples = [_texts(columns, record, style.zone) for record in measured]
    if report.live:
        samples.append(["x" * column.usual for column in columns])
    columns, widths = _layout(columns, samples, style.width)
    right = [any(_is_number(one.get(column.key)) for one in measured) for column in columns]
    cut = _cut if style.width is not None else _whole
    titles = [column.title for column in columns]
    yield style.strong(_line(titles, widths, right, cut))
    for record in chain(measured, records):
        yield _line(_texts(columns, record, style.zone), widths, right, cut)


def _texts(columns: Sequence[Column], record: Record, zone: tzinfo) -> list[str]:
    texts = []
    for column in columns:
        text = shown(column.said(record), zone)
        is_long = column.usual and len(text) > 2 * column.usual
        texts.append(_cut(text, column.usual) if is_long else text)
    return texts


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _layout(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], limit: int | None
) -> tuple[list[Column], list[int]]:
    """Return the columns that find room in *limit*, and how wide each one is."""
    widths = {
        column: max(cell_len(column.title), *(cell_len(row[place]) for row in rows))
        for place, column in enumerate(columns)
    }
    if limit is None:
        return list(columns), list(widths.values())

    def excess() -> int:
        return sum(widths.values()) + len(GAP) * (len(widths) - 1) + 1 - limit

    for column in sorted(columns, key=lambda column: -column.spare):
        if column.spare and excess() > 0:
            del widths[column]
    loose = [column for column in widths if not column.fixed]
    while excess() > 0 and loose:
        widest = max(loose, key=lambda column: widths[column])
        if widths[widest] <= NARROWEST:
            break
        widths[widest] -= 1
    return list(widths), list(widths.values())


def _line(
    texts: Sequence[str],
    widths: Sequence[int],
    right: Sequence[bool],
    cut: Callable[[str, int], str],
) -> str:
    cells = []
    for text, width, is_right in zip(texts, widths, right, strict=True):
        kept = cut(text, width)
        pad = " " * (width - cell_len(kept))
        cells.append(pad + kept if is_right else kept + pad)
    return f" {GAP.join(cells)}".rstrip()


def wrapped(text: str, width: int | None) -> list[str]:
    """Return *text* on lines of *width* at most, broken between words if possible."""
    if width is None or cell_len(text) <= width:
        return [text]
    lines = [""]
    for word in text.split():
        for piece in chop_cells(word, width):
            joined = f"{lines[-1]} {piece}".lstrip()
            if cell_len(joined) <= width:
                lines[-1] = joined
            else:
                lines.append(piece)
    return [line for line in lines if line]


def _cut(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…"


def _whole(text: str, _width: int) -> str:
    return text
