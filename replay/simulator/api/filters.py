"""Parameters by which a list can be narrowed, and where an object holds the values."""

from __future__ import annotations

from enum import StrEnum

import attrs


class Match(StrEnum):
    """How a value asked for is compared with those of an object."""

    EQUAL = "equal"
    RANGE = "range"
    WITHIN = "within"  # payment[type]=…: one comparison for each key
    PATTERN = "pattern"  # a word, or the beginning of one and a star
    ABSENT = "absent"  # true: nothing stands there
    STATUS = "status"  # a subscription's: all, ended, and live by default
    IGNORED = "ignored"


@attrs.frozen
class Filter:
    """A parameter of a list.

    Attributes:
        paths: Where the value may stand, by API version; a list on the way stands for
            each of its members.
    """

    name: str
    paths: tuple[str, ...]
    match: Match = Match.EQUAL


def equal(*names: str) -> tuple[Filter, ...]:
    """Return filters by values that stand under their own name."""
    return tuple(Filter(name, (name,)) for name in names)


def ignored(*names: str) -> tuple[Filter, ...]:
    """Return parameters that Stripe knows and that change nothing here."""
    return tuple(Filter(name, (), Match.IGNORED) for name in names)


def ranges(*names: str) -> tuple[Filter, ...]:
    """Return filters by bounds: gt, gte, lt, lte."""
    return tuple(Filter(name, (name,), Match.RANGE) for name in names)
