"""An explanation as a tree in a terminal, its columns aligned, as wide as it is given.

This period's total  1 Nov - 1 Dec 2026               USD   92.00
├─ Base plan  Shop                         invoice         99.00  #41,007  evt_1QaB
├─ Extra seats  12 - 10 included = 2 x 8.00  invoice       16.00  #41,007  evt_1QaB
│  └─ +1  u_88                                                    #36,120  seat
└─ Coupon  LAUNCH20  -20 % of 115.00       invoice        -23.00  #41,007  evt_1QaB
99.00 + 16.00 - 23.00 = 92.00 ✓
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import attrs
from rich.cells import cell_len, set_cell_size

from projections.explain.evidence import Witness
from projections.explain.tree import Explanation, Node, Unit, wrong
from projections.explain.writing import Writing
from replay.report.style import Style
from replay.report.text import one_line

GAP: Final = "  "
TREE_MIN: Final = 34
NARROWEST: Final = 40
ID_CHARS: Final = 10
# What is left out, all of it, where a terminal is too narrow; the last is the least kept.
_LAYOUTS: Final[Sequence[tuple[str, ...]]] = (
    ("source", "value", "position", "event", "when", "by"),
    ("source", "value", "position", "event", "when"),
    ("source", "value", "position", "event"),
    ("source", "value", "position"),
    ("value", "position"),
    ("value",),
)
_RIGHT: Final = frozenset({"value", "position"})
_SHORT: Final = {
    "seat_assigned": "seat",
    "seat_released": "seat",
    "seats_counted": "count",
    "terms_set": "terms",
    "policy_set": "policy",
    "account_linked": "link",
    "stripe_object": "import",
}


@attrs.frozen(kw_only=True)
class _Row:
    """A line of the tree: its branch, what it says, and a cell for each column."""

    branch: str
    text: str
    cells: Mapping[str, str]

    @property
    def tree(self) -> str:
        return self.branch + self.text


@attrs.frozen(kw_only=True)
class _Pen:
    """What a picture is drawn with."""

    told: Explanation
    found: Mapping[int, Witness]
    writing: Writing
    year: int

    @property
    def branches(self) -> tuple[str, str, str, str]:
        """The branch to one of several, to the last, and below either."""
        if self.writing.plain:
            return "|- ", "`- ", "|  ", "   "
        return "├─ ", "└─ ", "│  ", "   "


def picture(
    told: Explanation, found: Mapping[int, Witness], now: datetime, style: Style
) -> Iterator[str]:
    """Yield *told* line by line, each harmless in a terminal.

    Args:
        found: The events that it rests on, as far as they are known.
        now: Times of another year are shown with it.
    """
    writing = Writing(currency=told.currency, zone=style.zone, plain=style.plain)
    pen = _Pen(told=told, found=found, writing=writing, year=now.year)
    rows = [_heading(pen), *_below(pen, told.root, "")]
    rows += [row for each in told.beside for row in _beside(pen, each)]
    yield from _aligned(pen, rows, style)
    yield from _verdict(pen, style)


def _heading(pen: _Pen) -> _Row:
    root = pen.told.root
    text = pen.told.title
    if pen.told.period is not None:
        start, end = (_day(each, pen) for each in pen.told.period)
        text += f"{GAP}{start} {pen.writing.dash} {end}"
    if root.detail:
        text += f"{GAP}{one_line(root.detail)}"
    return _Row(branch="", text=text, cells={**_cells(pen, root), "source": _currency(pen)})


def _currency(pen: _Pen) -> str:
    is_money = pen.told.root.unit is Unit.MONEY
    return one_line((pen.told.currency or "").upper()) if is_money else ""


def _below(pen: _Pen, node: Node, before: str) -> Iterator[_Row]:
    children = list(pen.writing.drawn(node))
    middle, last, beside, under = pen.branches
    for place, child in enumerate(children, start=1):
        is_last = place == len(children)
        yield _Row(
            branch=before + (last if is_last else middle),
            text=_said(pen, child),
            cells=_cells(pen, child),
        )
        yield from _below(pen, child, before + (under if is_last else beside))


def _beside(pen: _Pen, node: Node) -> Iterator[_Row]:
    yield _Row(branch="", text=f"beside it: {_said(pen, node)}", cells=_cells(pen, node))
    yield from _below(pen, node, "")


def _said(pen: _Pen, node: Node) -> str:
    """Return what *node* is, and its arithmetic where that says more than its value."""
    parts = [one_line(node.label)]
    if node.unit is Unit.SEAT_CHANGE:
        parts.insert(0, pen.writing.value(node))
    if node.detail:
        parts.append(one_line(node.detail))
    formula = pen.writing.formula(node)
    if formula is not None and formula not in _trivial(pen, node):
        parts.append(formula)
    if node.until is not None:
        parts.append(f"until {_day(node.until, pen)}")
    return GAP.join(parts)


def _trivial(pen: _Pen, node: Node) -> tuple[str, str]:
    value = pen.writing.value(node)
    return value, f"1 {pen.writing.times} {value}"


def _cells(pen: _Pen, node: Node) -> dict[str, str]:
    by = pen.found.get(node.evidence[0]) if node.evidence else None
    who = node.by
    if who is None and node.at is None and by is not None and by.kind in _SHORT:
        who = by.by
    at = node.at or (None if by is None or node.unit is Unit.TIME else by.at)
    return {
        "source": node.source or "",
        "value": "" if node.unit is Unit.SEAT_CHANGE else _value(pen, node),
        "position": _position(node),
        "event": "" if by is None else one_line(_SHORT.get(by.kind, by.id)),
        "when": "" if at is None else _minute(at, pen),
        "by": "" if who is None else f"by {one_line(who)}",
    }


def _value(pen: _Pen, node: Node) -> str:
    if isinstance(node.value, datetime):
        return _minute(node.value, pen)
    return one_line(pen.writing.value(node))


def _position(node: Node) -> str:
    more = f" +{len(node.evidence) - 1}" if len(node.evidence) > 1 else ""
    return f"#{node.evidence[0]:,}{more}" if node.evidence else ""


def _aligned(pen: _Pen, rows: Sequence[_Row], style: Style) -> Iterator[str]:
    columns, widths, room = _layout(rows, style.width)
    heading, *below = rows
    if "source" not in columns:
        heading, wider = _with_currency(pen, heading, widths["value"])
        room, widths["value"] = max(1, room - wider), widths["value"] + wider
    if cell_len(heading.text) > room:
        yield style.strong(f" {_cut(pen, heading.text, (style.width or room) - 1)}")
        heading = attrs.evolve(heading, text=one_line(pen.told.root.label))

    def line(row: _Row) -> tuple[str, str]:
        cells = [
            _padded(_cut(pen, row.cells[each], widths[each]), widths[each], each)
            for each in columns
        ]
        tree = _padded(_cut(pen, row.tree, room), room)
        return f" {tree}", f"{GAP}{GAP.join(cells)}".rstrip()

    yield style.strong("".join(line(heading)).rstrip())
    for row in below:
        tree, cells = line(row)
        yield tree + style.faint(cells) if cells else tree.rstrip()


def _with_currency(pen: _Pen, heading: _Row, width: int) -> tuple[_Row, int]:
    """Return *heading* with the currency beside its figure, and how much wider that is."""
    value = f"{_currency(pen)} {heading.cells['value']}".strip()
    written = attrs.evolve(heading, cells={**heading.cells, "value": value})
    return written, max(0, cell_len(value) - width)


def _layout(
    rows: Sequence[_Row], limit: int | None
) -> tuple[list[str], dict[str, int], int]:
    """Return the columns that find room, how wide they are, and how wide the tree is."""
    full = max(cell_len(row.tree) for row in rows)
    wide = {name: max(cell_len(row.cells[name]) for row in rows) for name in _LAYOUTS[0]}
    columns = [name for name in _LAYOUTS[0] if wide[name]]
    if limit is None:
        return columns, wide, full
    limit = max(limit, NARROWEST)
    for short in (False, True):
        if short:
            wide["event"] = min(wide["event"], ID_CHARS)
        for layout in _LAYOUTS[: len(_LAYOUTS) if short else 1]:
            columns = [name for name in layout if wide[name]]
            taken = sum(wide[name] + len(GAP) for name in columns) + 1
            if limit - taken >= min(full, TREE_MIN):
                return columns, wide, min(full, limit - taken)
    return columns, wide, max(1, limit - taken)


def _padded(text: str, width: int, column: str = "") -> str:
    pad = " " * max(0, width - cell_len(text))
    return pad + text if column in _RIGHT else text + pad


def _cut(pen: _Pen, text: str, width: int) -> str:
    if cell_len(text) <= width:
        return text
    return (
        set_cell_size(text, max(0, width - len(pen.writing.dots))).rstrip()
        + pen.writing.dots
    )


def _verdict(pen: _Pen, style: Style) -> Iterator[str]:
    """Yield the sum again with a check mark, or which part does not add up."""
    broken = list(wrong(pen.told))
    if broken:
        for node in broken:
            value = one_line(pen.writing.value(node))
            yield style.strong(
                f" {one_line(node.label)} is {value}, but its parts do not come to that: a "
                "defect of this program; do not rely on it"
            )
        return
    if pen.told.root.value is None:
        return
    mark = "ok" if pen.writing.plain else "✓"
    root = pen.told.root
    sums = [
        pen.writing.arithmetic(each)
        for each in (root, *root.operands)
        if pen.writing.formula(each) not in (None, *_trivial(pen, each))
    ]
    arithmetic = next((each for each in sums if each is not None), None)
    yield style.strong(f" {arithmetic or 'each part follows from those below it'} {mark}")


def _minute(at: datetime, pen: _Pen) -> str:
    local = at.astimezone(pen.writing.zone)
    year = "" if local.year == pen.year else f" {local.year}"
    return f"{local.day} {local:%b}{year} {local:%H:%M}"


def _day(at: datetime, pen: _Pen) -> str:
    local = at.astimezone(pen.writing.zone)
    return f"{local.day} {local:%b %Y}"
