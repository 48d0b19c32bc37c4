"""An object's values by path, so that two states of it can be compared value by value.

    status                  active
    items                   si_1 si_2
    items.si_1.quantity     3
    phases.0.start          2026-03-01T00:00:00Z

Of a list the names stand at its own path, so that something added or gone is a change.
What is only ever replaced as a whole, such as a line of an invoice, is one value.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import compress
from operator import ne
from typing import Any, Final

import msgspec

_PLAIN: Final = frozenset({str, int, bool, type(None), datetime})


class Whole(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A part of an object that is one value: nothing within it has a path."""


def paths(value: msgspec.Struct) -> dict[str, Any]:
    """Return every value in *value*; what a part of it leaves out has no path."""
    found = msgspec.structs.asdict(value)
    for name, part in [each for each in found.items() if type(each[1]) not in _PLAIN]:
        if isinstance(part, (msgspec.Struct, tuple)):
            del found[name]
            _add(name, part, found)
    return found


def replaced(before: msgspec.Struct, after: msgspec.Struct) -> dict[str, Any]:
    """Return the values of *before* that are others in *after*, by path."""
    found: dict[str, Any] = {}
    old, new = msgspec.structs.astuple(before), msgspec.structs.astuple(after)
    if old != new:
        named = zip(after.__struct_fields__, old, new, strict=True)
        for name, was, is_now in compress(named, map(ne, old, new)):
            if type(was) in _PLAIN:
                found[name] = was
            else:
                _compare(name, was, is_now, found)
    return found


def _compare(path: str, old: Any, new: Any, found: dict[str, Any]) -> None:  # noqa: ANN401
    """Add to *found* what of *old* is another in *new*; they are not equal."""
    if isinstance(old, tuple) and isinstance(new, tuple):
        names = [_name(place, part) for place, part in enumerate(old)]
        now = {_name(place, part): part for place, part in enumerate(new)}
        if names != list(now):
            found[path] = " ".join(names)
        for name, part in zip(names, old, strict=True):
            if now.get(name) != part:
                _compare(f"{path}.{name}", part, now.get(name), found)
    elif isinstance(old, Whole):
        _add(path, old, found)
    elif isinstance(old, msgspec.Struct) and type(new) is type(old):
        for name, was, is_now in _pairs(old, new):
            if was is None or was == is_now:
                continue
            if type(was) in _PLAIN:
                found[f"{path}.{name}"] = was
            else:
                _compare(f"{path}.{name}", was, is_now, found)
    else:
        _add(path, old, found)


def _pairs(before: msgspec.Struct, after: msgspec.Struct) -> Iterator[tuple[str, Any, Any]]:
    return zip(
        after.__struct_fields__,
        msgspec.structs.astuple(before),
        msgspec.structs.astuple(after),
        strict=True,
    )


def _add(path: str, value: Any, found: dict[str, Any]) -> None:  # noqa: ANN401 - any field
    """Add every value within *value* to *found*."""
    if isinstance(value, Whole):
        found[path] = msgspec.json.encode(value).decode()
    elif isinstance(value, msgspec.Struct):
        inner = msgspec.structs.astuple(value)
        for name, part in zip(value.__struct_fields__, inner, strict=True):
            if part is None:
                continue
            if type(part) in _PLAIN:
                found[f"{path}.{name}"] = part
            else:
                _add(f"{path}.{name}", part, found)
    elif isinstance(value, tuple):
        names = [_name(place, part) for place, part in enumerate(value)]
        found[path] = " ".join(names)
        for name, part in zip(names, value, strict=True):
            _add(f"{path}.{name}", part, found)
    else:
        found[path] = value


def _name(place: int, part: Any) -> str:  # noqa: ANN401 - a part of any list
    return str(getattr(part, "id", place))
