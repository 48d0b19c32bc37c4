"""The columns of an exported table: a name, a type, and where the value comes from."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

import attrs

Page = Sequence[tuple[Any, ...]]
"""Rows, each with a value or None for every column."""


class Kind(enum.StrEnum):
    """What a column holds."""

    NUMBER = "number"
    TEXT = "text"
    TIME = "time"
    FLAG = "flag"


@attrs.frozen
class Field:
    """A column.

    Attributes:
        expression: Of the log's columns in SQL, where it goes by another name.
    """

    name: str
    kind: Kind
    expression: str | None = None

    @property
    def source(self) -> str:
        """What a query selects for it."""
        return self.expression or self.name


def fields(**kinds: Kind) -> tuple[Field, ...]:
    """Return columns by name."""
    return tuple(Field(name, kind) for name, kind in kinds.items())
