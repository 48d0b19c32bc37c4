"""Nodes of an explanation: what makes no sense, and how values are written."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest

from projections.explain.tree import Node, Operation, Unit, Value, adds_up
from projections.explain.writing import Writing


@pytest.mark.parametrize(
    ("operation", "values"),
    [
        (Operation.DIFFERENCE, (1,)),
        (Operation.SUM, ("full", 1)),
        (Operation.LAST, ()),
        (Operation.STRICTEST, ("odd",)),
    ],
)
def test_what_makes_no_sense_does_not_add_up(
    operation: Operation, values: tuple[Any, ...]
) -> None:
    parts = tuple(Node(label="", value=each) for each in values)
    assert not adds_up(Node(label="", value=1, operation=operation, children=parts))


def test_values_are_written_in_their_units() -> None:
    rows: list[tuple[str | None, Value, Unit, str]] = [
        ("usd", 9900, Unit.MONEY, "99.00"),
        ("usd", -230050, Unit.MONEY, "-2,300.50"),
        ("usd", Fraction(25, 2), Unit.MONEY, "0.125"),
        ("jpy", 1200, Unit.MONEY, "1,200"),
        ("kwd", 1200, Unit.MONEY, "1.200"),
        (None, 12_000, Unit.SEATS, "12,000"),
        (None, 1, Unit.SEAT_CHANGE, "+1"),
        (None, -1, Unit.SEAT_CHANGE, "-1"),
        (None, Fraction(333, 10), Unit.PERCENT, "33.3"),
        (None, Fraction(1, 3), Unit.NUMBER, "1/3"),
        (None, None, Unit.WORD, ""),
        (None, datetime(2026, 3, 1, tzinfo=UTC), Unit.TIME, "1 Mar 2026 00:00:00"),
    ]
    for currency, value, unit, written in rows:
        assert Writing(currency=currency, plain=True).written(value, unit) == written
    assert Writing().written(-5, Unit.NUMBER) == "\N{MINUS SIGN}5"
