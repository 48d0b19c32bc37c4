"""Explain a figure down to the events that made it, added up again.

    bl explain total cus_JT01                       what this period costs
    bl explain total cus_JT01 --period 2026-11-14   another period
    bl explain status cus_JT01                      status, access, what is next
    bl explain seats cus_JT01                       each change that is billed
    bl explain dunning cus_JT01                     after a failed payment

Each line names where it comes from, the position in the log and the event there. The
parts are added up again before they are shown; a check mark says that they come to the
figure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ledger.errors import NotFoundError
from ledger.postgres import PostgresLog
from projections.explain.evidence import Witness, witnesses
from projections.explain.figures import explanation, total_explanation
from projections.explain.rendering import exact
from projections.explain.rendering import explanation as rendered
from projections.explain.rendering import witnesses as written
from projections.explain.tree import Explanation, Figure, Node, Unit, wrong
from projections.explain.writing import Writing
from replay.arguments.options import Asking, UsageError
from replay.arguments.periods import total_of
from replay.asking import Asked, need, question
from replay.ledgers import connected, database
from replay.report.output import write
from replay.report.report import Column, Record, Report
from replay.report.stamping import stamp_of
from replay.shown.explanation_picture import picture

DEFECT: Final = 70
PARTS: Final = (
    Column("depth", ""),
    Column("label", "part", words=lambda row: f"{'· ' * row['depth']}{row['label']}"),  # type: ignore[operator]
    Column("detail", "detail"),
    Column("arithmetic", "arithmetic"),
    Column("value", "", words=lambda row: row["text"]),
    Column("text", "value"),
    Column("currency", "in"),
    Column("unit", ""),
    Column("source", "source"),
    Column("position", "#"),
    Column("event", "event"),
    Column("type", ""),
    Column("at", "when"),
    Column("by", "by"),
)


def run(
    figure: Figure,
    subject: str,
    /,
    *,
    period: str | None = None,
    options: Asking | None = None,
) -> int:
    """Explain a figure.

    Args:
        figure: total, status, seats or dunning.
        subject: cus_…, or the product's own id.
        period: Of a total: a day in it, current or next.
    """
    options = options or Asking()
    if period is not None and figure is not Figure.TOTAL:
        raise UsageError("--period is of a total; leave it out")
    with database() as conninfo, connected(conninfo) as connection:
        asked = need(conninfo, subject, question(options))
        told = _explained(asked, figure, period)
        found = asyncio.run(_witnesses(conninfo, told))
        total = told.root.value if isinstance(told.root.value, int) else None
        stamp = stamp_of(connection, {} if total is None else {str(figure): total})
        write(
            Report(
                columns=PARTS,
                records=list(_records(told, found)),
                records_name="parts",
                facts={
                    **rendered(told),
                    "meta": {**asked.meta, "events": written(found)},
                },
                card=(("", told.account), *asked.clocks),
                picture=lambda style: picture(told, found, asked.view.now, style),
                stamp=stamp,
            ),
            options,
        )
    return DEFECT if any(wrong(told)) else 0


def _explained(asked: Asked, figure: Figure, period: str | None) -> Explanation:
    account, billing = asked.view.account, asked.view.answer()
    if period is None:
        return explanation(account, billing, figure)
    total = total_of(billing, period)
    if total is None:
        name = asked.view.linked.account
        raise NotFoundError(f"{name} has no such period; see bl show {name}")
    return total_explanation(account, billing, total)


async def _witnesses(conninfo: str, told: Explanation) -> dict[int, Witness]:
    async with PostgresLog.open(conninfo) as log:
        return witnesses(await log.at(told.evidence))


def _records(told: Explanation, found: Mapping[int, Witness]) -> Iterator[Record]:
    writing = Writing(currency=told.currency)
    for tree in (told.root, *told.beside):
        yield from _below(tree, 0, writing, found)


def _below(
    node: Node, depth: int, writing: Writing, found: Mapping[int, Witness]
) -> Iterator[dict[str, Any]]:
    by = found.get(node.evidence[0]) if node.evidence else None
    yield {
        "depth": depth,
        "label": node.label,
        "detail": node.detail,
        "arithmetic": writing.arithmetic(node),
        "value": exact(node.value),
        "text": writing.value(node),
        "currency": writing.currency if node.unit is Unit.MONEY else None,
        "unit": str(node.unit),
        "source": node.source,
        "position": node.evidence[0] if node.evidence else None,
        "event": None if by is None else by.id,
        "type": None if by is None else by.kind,
        "at": node.at or (None if by is None else by.at),
        "by": node.by,
    }
    for child in node.children:
        yield from _below(child, depth + 1, writing, found)
