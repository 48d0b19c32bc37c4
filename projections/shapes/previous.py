"""What an object was before an event, as ``previous_attributes`` tells.

    after      {"status": "active", "card": {"exp_month": 3, "exp_year": 2030}}
    previous   {"card": {"exp_year": 2026}}
    before     {"status": "active", "card": {"exp_month": 3, "exp_year": 2026}}

Only what changed is named there: of an object within an object the changed fields, of a
list all of it as it was.
"""

from __future__ import annotations

import types
from functools import cache
from itertools import compress, repeat
from operator import is_not
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import NODEFAULT, UNSET, UnsetType

S = TypeVar("S", bound=msgspec.Struct)
_UNIONS: Final = (Union, types.UnionType)


@cache
def sparse(kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """Return *kind* with every field of it unset by default, and so within it."""
    hints = get_type_hints(kind, include_extras=True)
    fields = [(name, _sparse_type(hint) | UnsetType, UNSET) for name, hint in hints.items()]
    return msgspec.defstruct(f"Earlier{kind.__name__}", fields)


def before(after: S, earlier: msgspec.Struct) -> S:
    """Return what *after* was; fields that *earlier* leaves unset are the same."""
    values = msgspec.structs.astuple(earlier)
    named = zip(earlier.__struct_fields__, values, strict=True)
    # Few of many fields: to look for them in Python would take most of the time.
    changes = dict(compress(named, map(is_not, values, repeat(UNSET))))
    for name, value in changes.items():
        full = _FULL.get(type(value))
        if full is not None:
            current = getattr(after, name)
            changes[name] = before(current if isinstance(current, full) else full(), value)
    return msgspec.structs.replace(after, **changes)


def _sparse_type(hint: Any) -> Any:  # noqa: ANN401 - any type a field may have
    if get_origin(hint) in _UNIONS:
        first, *others = map(_sparse_type, get_args(hint))
        for other in others:
            first = first | other
        return first
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct) and _has_defaults(hint):
        kind = sparse(hint)
        _FULL[kind] = hint
        return kind
    return hint


def _has_defaults(kind: type[msgspec.Struct]) -> bool:
    """Tell what can be shown in part from what only means something whole."""
    return all(
        field.default is not NODEFAULT or field.default_factory is not NODEFAULT
        for field in msgspec.structs.fields(kind)
    )


_FULL: Final[dict[type[msgspec.Struct], type[msgspec.Struct]]] = {}
