"""An explanation as rows of a table: the tree that the API tells, from above.

Total                          99.00 + 16.00 - 23.00 = 92.00     $92.00
    Extra seats   invoice      2 x 8.00 = 16.00                  $16.00   #41,007
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Final

import attrs

from projections.explain.tree import Explanation, Node, Unit, adds_up
from projections.explain.writing import Writing
from projections.page import explaining
from projections.page.explaining import Part
from projections.page.readers import Reader
from projections.page.texts import words

ROWS_MAX: Final = 200
_SOURCES: Final = explaining.SOURCES
_INVOICE: Final = re.compile(r"in_[A-Za-z0-9]+", re.ASCII)


def told(
    found: Explanation, reader: Reader, names: Mapping[str, str]
) -> explaining.Explanation:
    """Return *found* as the page tells it to *reader*.

    Args:
        names: What invoices are called, by their ids, which say nothing to a person.
    """
    writing = Writing(currency=found.currency, zone=reader.zone)
    rows = [row for each in found.root.children for row in _rows(each, writing, 0)]
    beside = [row for each in found.beside for row in _rows(each, writing, 0)]
    root = found.root
    is_money = root.unit is Unit.MONEY and isinstance(root.value, int)
    return explaining.Explanation(
        title=_called(found.title, names),
        text=_called(_headed(root, writing), names),
        currency=found.currency,
        amount=root.value if is_money and isinstance(root.value, int) else None,
        parts=tuple(
            attrs.evolve(
                part,
                label=_called(part.label, names),
                detail=part.detail and _called(part.detail, names),
            )
            for part in [*rows, *beside][:ROWS_MAX]
        ),
        sums_up=adds_up(root) if is_money else None,
    )


def _called(text: str, names: Mapping[str, str]) -> str:
    return _INVOICE.sub(lambda found: names.get(found[0], found[0]), text)


def _headed(root: Node, writing: Writing) -> str:
    """Say in a line what comes of it, and how."""
    formula = writing.arithmetic(root)
    value = words(root.value) if isinstance(root.value, str) else writing.value(root)
    said = [f"{root.label}: {formula or value}" if value else root.label]
    if root.detail:
        said.append(root.detail)
    return ". ".join(said) + "."


def _rows(node: Node, writing: Writing, depth: int) -> Iterator[Part]:
    yield _part(node, writing, depth)
    for child in writing.drawn(node):
        yield from _rows(child, writing, depth + 1)


def _part(node: Node, writing: Writing, depth: int) -> Part:
    value = node.value
    whole = value if isinstance(value, int) else None
    said = [
        node.detail,
        writing.arithmetic(node),
        _SOURCES.get(node.source or "", node.source),
        f"by {node.by}" if node.by else None,
    ]
    return Part(
        label=node.label,
        detail=" · ".join(each for each in said if each) or None,
        amount=whole if node.unit is Unit.MONEY else None,
        number=whole if node.unit is Unit.SEATS else None,
        text=_text(node, writing),
        moment=value if isinstance(value, datetime) else None,
        at=node.at,
        depth=min(depth, 3),
        evidence=node.evidence,
    )


def _text(node: Node, writing: Writing) -> str | None:
    """Return a value that is neither an amount nor a count of seats nor a time."""
    if isinstance(node.value, str):
        return words(node.value)
    plain = isinstance(node.value, int) and node.unit in {Unit.MONEY, Unit.SEATS}
    if plain or not isinstance(node.value, int | Fraction):
        return None
    percent = "\N{NO-BREAK SPACE}%" if node.unit is Unit.PERCENT else ""
    return writing.value(node) + percent
