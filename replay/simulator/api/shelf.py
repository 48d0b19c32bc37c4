"""Objects as they stand at a moment, known by what was told of them.

Nothing here knows a kind of object: what the simulator begins to tell of stands on the
shelf, and a row in `resources` makes an address of it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs
import msgspec

from replay.simulator.api.filters import Match
from replay.simulator.api.parts import CARRIED, CUT, HIDDEN, WHOLE_WHEN_DELETED
from replay.simulator.api.resources import BY_NAME, Resource

Rendered = dict[str, Any]
EVENTS_KEPT_S: Final = 30 * 86400

_OVER: Final = "deleted"
_ENDED: Final = frozenset({"subscription"})  # its `deleted` is an end, and it stays


@attrs.define
class Kept:
    """One object.

    Attributes:
        order: When it was first told of, among all; breaks ties within a second.
        body: As JSON, without what is hidden.
        values: What it can be filtered by, for each parameter of its resource.
        apart: Keys that an answer shows only when asked to.
        deleted: Whether it is gone, and only its cursor and its stub are left.
    """

    id: str
    created: int
    order: int
    body: bytes
    values: dict[str, tuple[object, ...]]
    apart: Rendered | None = None
    deleted: bool = False

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands in a list, the oldest first."""
        return self.created, self.order

    def rendered(self) -> Rendered:
        """Return the object, to be altered at will."""
        content: Rendered = msgspec.json.decode(self.body)
        return content


class Shelf:
    """All objects of one API version, the newest state of each.

    Attributes:
        hidden: By object id, keys that an answer shows only when asked to.
    """

    def __init__(
        self, *, hidden: Mapping[str, Rendered] | None = None, livemode: bool = False
    ) -> None:
        self.hidden = {} if hidden is None else hidden
        self._livemode = livemode
        self._kept: dict[str, dict[str, Kept]] = defaultdict(dict)
        self._sorted: dict[str, list[Kept]] = {}
        self._groups: dict[tuple[str, str], dict[object, list[Kept]]] = {}
        self._carried: dict[str, frozenset[str]] = {}
        self._events: deque[str] = deque()
        self._told = 0

    def hear(self, event: Rendered) -> None:
        """Take what an event tells of its object."""
        rendered = event["data"]["object"]
        if "id" not in rendered:
            return
        over = event["type"].rpartition(".")[2] == _OVER
        if over and rendered["object"] not in _ENDED:
            self.delete(rendered["object"], rendered["id"])
        else:
            self.put(rendered)
            if rendered["object"] == "price":
                self._reprice(rendered)

    def put(self, rendered: Rendered) -> None:
        """Put an object in the place of what it was."""
        name, object_id = rendered["object"], rendered["id"]
        if name in CARRIED:
            self._put_carried(rendered)
        apart = self._take_apart(rendered)
        body = self._encoded(rendered)
        known = self._kept[name].get(object_id)
        values = _values(BY_NAME.get(name), rendered)
        if known is None:
            self._told += 1
            known = Kept(object_id, rendered.get("created", 0), self._told, b"", {})
            self._kept[name][object_id] = known
            self._sorted.pop(name, None)
        if known.values != values:
            known.values = values
            self._forget_groups(name)
        known.body, known.apart, known.deleted = body, apart, False

    def keep_event(self, event: Rendered) -> None:
        """Keep an event for its thirty days."""
        self.put(event)
        self._events.append(event["id"])

    def expire(self, now: int) -> None:
        """Drop the events that are older than thirty days at *now*."""
        events, oldest = self._kept["event"], now - EVENTS_KEPT_S
        while self._events and events[self._events[0]].created < oldest:
            del events[self._events.popleft()]
            self._sorted.pop("event", None)
            self._forget_groups("event")

    def delete(self, name: str, object_id: str) -> None:
        """Take an object away, as far as it was ever here."""
        known = self._kept[name].get(object_id)
        if known is None:
            return
        known.deleted = True
        left = known.rendered() if name in WHOLE_WHEN_DELETED else {}
        stub = {"id": object_id, "object": name, **left, "deleted": True}
        known.body, known.apart = msgspec.json.encode(stub), None

    def find(self, name: str, object_id: str) -> Kept | None:
        """Return the object of that kind, deleted or not."""
        return self._kept[name].get(object_id)

    def find_any(self, object_id: str, field: str) -> Kept | None:
        """Return what an id refers to: of its field's kind, where two share the id."""
        for name in (field, *self._kept):
            if name in self._kept and object_id in self._kept[name]:
                return self._kept[name][object_id]
        return None

    def listed(self, name: str) -> Sequence[Kept]:
        """Return all objects of a kind, the oldest first."""
        if name not in self._sorted:
            self._sorted[name] = sorted(self._kept[name].values(), key=_place)
        return self._sorted[name]

    def grouped(self, name: str, parameter: str, value: object) -> Sequence[Kept]:
        """Return the objects of a kind that have a value, the oldest first."""
        if (name, parameter) not in self._groups:
            groups: dict[object, list[Kept]] = defaultdict(list)
            for kept in self.listed(name):
                for each in dict.fromkeys(kept.values.get(parameter, ())):
                    groups[each].append(kept)
            self._groups[name, parameter] = groups
        return self._groups[name, parameter].get(value, ())

    def counts(self) -> dict[str, int]:
        """Return how many there are of each kind."""
        counted = {
            name: sum(not one.deleted for one in kept.values())
            for name, kept in self._kept.items()
        }
        return {name: count for name, count in sorted(counted.items()) if count}

    def _forget_groups(self, name: str) -> None:
        for group in [group for group in self._groups if group[0] == name]:
            del self._groups[group]

    def _put_carried(self, rendered: Rendered) -> None:
        """Put what an object carries on the shelf, and take away what it no longer does."""
        key, name = CARRIED[rendered["object"]]
        items = {item["id"]: item for item in rendered[key]["data"]}
        for gone in self._carried.get(rendered["id"], frozenset()) - items.keys():
            self.delete(name, gone)
        self._carried[rendered["id"]] = frozenset(items)
        for item in items.values():
            self.put(dict(item))

    def _reprice(self, price: Rendered) -> None:
        """Show in subscriptions the price that was changed, as it is now."""
        for kept in self.grouped("subscription", "price", price["id"]):
            rendered = kept.rendered()
            for item in rendered["items"]["data"]:
                if item["price"]["id"] == price["id"]:
                    item["price"] = price
                    if item.get("plan"):
                        item["plan"] |= {"metadata": price["metadata"]}
            self.put(rendered)

    def _take_apart(self, rendered: Rendered) -> Rendered | None:
        """Take out of an object what an answer shows only when asked to."""
        name, apart = rendered["object"], dict(self.hidden.get(rendered["id"], ()))
        for key in HIDDEN.get(name, frozenset()) & rendered.keys():
            apart[key] = rendered.pop(key)
        for (kind, key), most in CUT.items():
            if kind == name and len(rendered[key]["data"]) > most:
                apart[key] = rendered[key]
                first = rendered[key]["data"][:most]
                rendered[key] = rendered[key] | {"data": first, "has_more": True}
        return apart or None

    def _encoded(self, rendered: Rendered) -> bytes:
        body = msgspec.json.encode(rendered)
        if self._livemode:
            return body.replace(b'"livemode":false', b'"livemode":true')
        return body


def values_at(rendered: object, path: str) -> tuple[object, ...]:
    """Return what stands at a dotted path, once for each member of a list on the way."""
    found: list[object] = [rendered]
    for step in path.split("."):
        found = [inner for each in found for inner in _members(_step(each, step))]
    return tuple(each for each in found if each is not None)


def _step(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _members(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else (value,)


def _values(resource: Resource | None, rendered: Rendered) -> dict[str, tuple[object, ...]]:
    if resource is None:
        return {}
    values: dict[str, tuple[object, ...]] = {}
    for each in resource.filters:
        if each.match is Match.WITHIN:
            for key, value in (rendered.get(each.paths[0]) or {}).items():
                if isinstance(value, str | bool | int):
                    values[f"{each.name}.{key}"] = (value,)
            continue
        found = [value for path in each.paths for value in values_at(rendered, path)]
        values[each.name] = tuple(one for one in found if not isinstance(one, dict))
    if resource.wanted:
        values["wanted"] = values_at(rendered, resource.wanted)
    return values


def _place(kept: Kept) -> tuple[int, int]:
    return kept.place
