"""Whether a body is strict JSON: one meaning for every parser, judged once.

Two parsers that differ on a body (duplicate keys, lone surrogates, numbers out of range)
would read two different invoices from it, so such a body is kept but never read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

import msgspec

DEPTH_MAX: Final = 100
# Far beyond anything of Stripe's; a megabyte of ``{}`` would stop every thread for long.
CONTAINERS_MAX: Final = 20_000

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class NotStrictError(ValueError):
    """The body is not strict JSON; the text says where it departs."""


def parse(body: bytes) -> Any:  # noqa: ANN401, the shape of foreign JSON is not known
    """Return the value of *body*.

    What is refused: anything but one JSON value in UTF-8, NaN and infinities, fractions and
    powers that no double can hold, integers of more than 4,300 digits, unpaired surrogates,
    two equal keys in one object, nesting deeper than `DEPTH_MAX`, and more objects and
    lists than `CONTAINERS_MAX`.

    Raises:
        NotStrictError: It is not strict JSON.
    """
    if len(body) > CONTAINERS_MAX and _containers(body) > CONTAINERS_MAX:
        raise NotStrictError(f"more than {CONTAINERS_MAX:,} objects and lists")
    try:
        value = _decode(body)
    except RecursionError:
        raise NotStrictError(f"nested deeper than {DEPTH_MAX}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise NotStrictError(str(error)) from None
    written = _encode(value)
    if _containers(written) > DEPTH_MAX:
        _refuse_depth(value)
    # A body without duplicate keys that is written back comes out as it went in, but for
    # its white space; only the few that write a string or number another way need a look
    # at every key.
    if msgspec.json.format(body, indent=-1) != written:
        _refuse_duplicate_keys(body)
    return value


def _containers(written: bytes) -> int:
    """Return how many objects and lists *written* can hold at most."""
    return written.count(b"{") + written.count(b"[")


def _refuse_depth(value: object) -> None:
    depth, level = 0, [value]
    while level := [each for each in level if isinstance(each, dict | list)]:
        depth += 1
        if depth > DEPTH_MAX:
            raise NotStrictError(f"nested deeper than {DEPTH_MAX}")
        level = [child for each in level for child in _children(each)]


def _children(container: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return container.values() if isinstance(container, dict) else container


def _refuse_duplicate_keys(body: bytes) -> None:
    json.loads(body, object_pairs_hook=_unique, parse_int=str, parse_float=str)


def _unique(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise NotStrictError(f"the key {key[:80]!r} stands twice in one object")
        seen.add(key)
