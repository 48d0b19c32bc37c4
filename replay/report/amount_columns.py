"""Columns of amounts: people read ``1043.00``, programs the minor units as they are."""

from __future__ import annotations

from projections.amounts import amount
from replay.report.report import Column, Record


def amounts(key: str, title: str | None = None, spare: int = 0) -> Column:
    """Return a column of minor units of the record's ``currency``, which stands beside it.

    Args:
        title: None is *key*.
        spare: As in `Column`.
    """

    def words(row: Record) -> str:
        currency = str(row["currency"])
        return amount(row[key], currency).removeprefix(f"{currency.upper()} ")

    return Column(key, title or key, fixed=True, spare=spare, words=words)
