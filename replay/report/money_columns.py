"""Amounts in reports: minor units in JSON and CSV, ``USD 92.00`` in a table."""

from __future__ import annotations

from collections.abc import Callable

from projections.amounts import amount
from replay.report.report import Column, Record


def money(key: str, title: str, *, spare: int = 0) -> Column:
    """Return the column of an amount, whose row names its ``currency``."""
    return Column(key, title, fixed=True, spare=spare, words=_said(key))


def said(minor: int, currency: str) -> str:
    """Return an amount as a table has it."""
    return amount(minor, currency or None)


def _said(key: str) -> Callable[[Record], object]:
    def told(row: Record) -> object:
        minor = row[key]
        return None if minor is None else amount(minor, row["currency"])

    return told
