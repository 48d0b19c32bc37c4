"""Pages of a list: the newest first, from a cursor on, filtered."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import islice
from operator import ge, gt, le, lt
from typing import Any, Final

import attrs
import msgspec

from replay.simulator.api import errors
from replay.simulator.api.asking import Asked, whole_number
from replay.simulator.api.filters import Filter, Match
from replay.simulator.api.resources import Resource
from replay.simulator.api.shelf import Kept, Shelf

Test = Callable[[Kept], bool]

_ENDED: Final = frozenset({"canceled", "incomplete_expired"})
_BOUNDS: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "gt": gt,
    "gte": ge,
    "lt": lt,
    "lte": le,
}


@attrs.frozen
class Page:
    """Some objects of a list, the newest first.

    Attributes:
        has_more: Whether there are others beyond it, in the direction it was asked for.
    """

    objects: tuple[Kept, ...]
    has_more: bool


def page(shelf: Shelf, resource: Resource, request: Asked) -> Page:
    """Return the page of *resource* that *request* asks for.

    Raises:
        StripeError: A parameter is unknown, missing or no number; a cursor names nothing.
    """
    tests = _tests(resource, request)
    candidates = _candidates(shelf, resource, request)
    fitting = (
        kept
        for kept in _walk(shelf, resource, request, candidates)
        if not kept.deleted and all(test(kept) for test in tests)
    )
    found = list(islice(fitting, request.limit + 1))
    chosen = found[: request.limit]
    if request.ending_before is not None:
        chosen.reverse()
    return Page(tuple(chosen), len(found) > request.limit)


def page_within(content: Sequence[Any], request: Asked) -> tuple[list[Any], bool]:
    """Return the part of a list within an object that is asked for, and if there is more.

    Raises:
        StripeError: A cursor names nothing, or there is a filter.
    """
    for name in request.names:
        raise errors.unknown_parameter(name)
    ids = [each["id"] for each in content]
    if request.ending_before is not None:
        end = _index(ids, request.ending_before, "ending_before")
        start = max(0, end - request.limit)
        return list(content[start:end]), start > 0
    start = 0
    if request.starting_after is not None:
        start = _index(ids, request.starting_after, "starting_after") + 1
    end = start + request.limit
    return list(content[start:end]), end < len(content)


def listing(url: str, bodies: Sequence[bytes], *, has_more: bool) -> bytes:
    """Return a list of objects that are JSON already."""
    return b'{"object":"list","data":[%b],"has_more":%b,"url":%b}' % (
        b",".join(bodies),
        b"true" if has_more else b"false",
        msgspec.json.encode(url),
    )


def _candidates(shelf: Shelf, resource: Resource, request: Asked) -> Sequence[Kept]:
    """Return what a filter leaves of the list, where that takes no search."""
    for each in resource.filters:
        values = request.plain.get(each.name, ())
        if each.match is Match.EQUAL and len(values) == 1 and values[0] not in _TRUTH:
            return shelf.grouped(resource.name, each.name, values[0])
    return shelf.listed(resource.name)


def _walk(
    shelf: Shelf, resource: Resource, request: Asked, candidates: Sequence[Kept]
) -> Iterator[Kept]:
    """Yield the candidates beyond the cursor, away from it."""
    if request.ending_before is not None:
        place = _cursor(shelf, resource, request.ending_before, "ending_before")
        start = bisect_left(candidates, place, key=_place)
        past = start < len(candidates) and candidates[start].place == place
        return islice(candidates, start + past, None)
    end = len(candidates)
    if request.starting_after is not None:
        place = _cursor(shelf, resource, request.starting_after, "starting_after")
        end = bisect_left(candidates, place, key=_place)
    return (candidates[number] for number in range(end - 1, -1, -1))


def _cursor(
    shelf: Shelf, resource: Resource, object_id: str, param: str
) -> tuple[int, int]:
    kept = shelf.find(resource.name, object_id)
    if kept is None or (kept.deleted and not resource.keeps_deleted):
        raise errors.no_such(resource.name, object_id, param=param, status=400)
    return kept.place


def _index(ids: list[str], object_id: str, param: str) -> int:
    if object_id not in ids:
        raise errors.no_such("object", object_id, param=param, status=400)
    return ids.index(object_id)


def _tests(resource: Resource, request: Asked) -> list[Test]:
    """Return what an object must pass.

    Raises:
        StripeError: A parameter is unknown or missing.
    """
    filters = {each.name: each for each in resource.filters}
    for name in sorted(request.names - filters.keys()):
        raise errors.unknown_parameter(name)
    if resource.needs and resource.needs not in request.names:
        raise errors.missing_parameter(resource.needs)
    tests = [
        test
        for name, each in filters.items()
        if name in request.names or each.match is Match.STATUS
        for test in _MAKERS[each.match](each, request)
    ]
    if resource.wanted and "customer" not in request.names:
        tests.append(lambda kept: bool(kept.values.get("wanted")))
    return tests


def _equal(each: Filter, request: Asked) -> Iterator[Test]:
    wanted = request.plain.get(each.name, ())
    allowed = {_TRUTH.get(value, value) for value in wanted}
    yield lambda kept: not allowed.isdisjoint(kept.values.get(each.name, ()))


def _range(each: Filter, request: Asked) -> Iterator[Test]:
    bounds = dict(request.keyed.get(each.name, {}))
    for value in request.plain.get(each.name, ()):
        bounds |= {"gte": value, "lte": value}
    for word, value in bounds.items():
        if word not in _BOUNDS:
            raise errors.unknown_parameter(f"{each.name}[{word}]")
        number = whole_number(f"{each.name}[{word}]", value)
        yield _bound(each.name, _BOUNDS[word], number)


def _bound(name: str, compare: Callable[[int, int], bool], number: int) -> Test:
    return lambda kept: any(
        isinstance(value, int) and compare(value, number)
        for value in kept.values.get(name, ())
    )


def _within(each: Filter, request: Asked) -> Iterator[Test]:
    for key, value in request.keyed.get(each.name, {}).items():
        yield _has(f"{each.name}.{key}", _TRUTH.get(value, value))


def _has(name: str, value: object) -> Test:
    return lambda kept: value in kept.values.get(name, ())


def _pattern(each: Filter, request: Asked) -> Iterator[Test]:
    wanted = request.plain.get(each.name, ())
    yield lambda kept: any(
        fnmatchcase(str(value), pattern)
        for value in kept.values.get(each.name, ())
        for pattern in wanted
    )


def _absent(each: Filter, request: Asked) -> Iterator[Test]:
    wanted = request.plain.get(each.name, ())[-1:] == ("true",)
    yield lambda kept: wanted is not bool(kept.values.get(each.name))


def _status(each: Filter, request: Asked) -> Iterator[Test]:
    wanted = request.plain.get(each.name, ())
    if not wanted:
        yield lambda kept: "canceled" not in kept.values[each.name]
    elif wanted[-1] == "ended":
        yield lambda kept: not _ENDED.isdisjoint(kept.values[each.name])
    elif wanted[-1] != "all":
        yield lambda kept: wanted[-1] in kept.values[each.name]


def _ignored(_each: Filter, _request: Asked) -> Iterator[Test]:
    yield from ()


_TRUTH: Final[Mapping[str, object]] = {"true": True, "false": False}
_MAKERS: Final[Mapping[Match, Callable[[Filter, Asked], Iterator[Test]]]] = {
    Match.EQUAL: _equal,
    Match.RANGE: _range,
    Match.WITHIN: _within,
    Match.PATTERN: _pattern,
    Match.ABSENT: _absent,
    Match.STATUS: _status,
    Match.IGNORED: _ignored,
}


def _place(kept: Kept) -> tuple[int, int]:
    return kept.place
