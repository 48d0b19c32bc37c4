"""Where two states of an object part: the first field, and what stands there in each.

recent.0.value.items.0.quantity   4   5
users.u_7.active                  true   nothing
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Final

import attrs
import msgspec

from ledger.masking import masked
from ledger.moments import rfc3339

NOTHING: Final = "nothing"
CHARS_MAX: Final = 80


@attrs.frozen
class Parting:
    """Where two states part.

    Attributes:
        field: By its way from the state, names and places joined by dots.
        expected: What the log says, shortened.
        actual: What is kept, shortened.
    """

    field: str
    expected: str
    actual: str


def parting(expected: object, actual: object) -> Parting | None:
    """Return the first field in which the states differ; None if none does."""
    found = next(_partings(expected, actual, ()), None)
    if found is None:
        return None
    way, wanted, kept = found
    return Parting(".".join(way) or "state", said(wanted), said(kept))


def said(value: object) -> str:
    """Return *value* in few words, without what looks like a card number."""
    if value is None or value is _ABSENT:
        return NOTHING
    if isinstance(value, datetime):
        return rfc3339(value)
    text = value if isinstance(value, str) else _json(value)
    short = text if len(text) <= CHARS_MAX else f"{text[: CHARS_MAX - 1]}…"
    return masked(short)


_ABSENT: Final = object()
Way = tuple[str, ...]


def _partings(
    expected: object, actual: object, way: Way
) -> Iterator[tuple[Way, object, object]]:
    if type(expected) is type(actual):
        ours, theirs = _parts(expected), _parts(actual)
        if ours is not None and theirs is not None:
            for name in [*ours, *(name for name in theirs if name not in ours)]:
                pair = ours.get(name, _ABSENT), theirs.get(name, _ABSENT)
                yield from _partings(*pair, (*way, name))
            return
    if expected != actual:
        yield way, expected, actual


def _parts(value: Any) -> Mapping[str, object] | None:  # noqa: ANN401 - any state
    """Return the parts of *value* by name; None if it has none."""
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        return {str(name): each for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return {str(place): each for place, each in enumerate(value)}
    return None


def _json(value: object) -> str:
    return msgspec.json.encode(value, enc_hook=_plain, order="deterministic").decode()


def _plain(value: object) -> object:
    return value.value if isinstance(value, Enum) else str(value)
