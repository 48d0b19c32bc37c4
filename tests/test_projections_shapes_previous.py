"""What an object was before an event, from what the event says it replaced."""

from __future__ import annotations

import msgspec

from projections.objects import Item
from projections.paths import paths, replaced
from projections.shapes.previous import before, sparse


class Card(msgspec.Struct):
    month: int | None = None
    year: int | None = None


class Whole(msgspec.Struct):
    id: str


class Method(msgspec.Struct):
    card: Card | None = None
    names: list[str] | None = None
    whole: Whole | str | None = None
    plain: int | None = None


NOW = Method(card=Card(month=3, year=2030), names=["b"], whole=Whole("w"), plain=1)


def was(told: str, now: Method = NOW) -> Method:
    return before(now, msgspec.json.decode(told, type=sparse(Method)))


def test_what_is_not_named_is_the_same() -> None:
    assert was("{}") == NOW


def test_of_an_object_within_only_what_changed_is_named() -> None:
    assert was('{"card": {"year": 2026}}').card == Card(month=3, year=2026)


def test_an_object_within_may_not_have_been_there_or_have_gone() -> None:
    assert was('{"card": null}').card is None
    assert was('{"card": {"year": 2026}}', Method()).card == Card(year=2026)


def test_a_list_is_named_as_it_was() -> None:
    assert was('{"names": ["a", "c"]}').names == ["a", "c"]


def test_what_only_means_something_whole_is_replaced_whole() -> None:
    assert was('{"whole": {"id": "v"}}').whole == Whole("v")
    assert was('{"whole": "v"}').whole == "v"


def item(name: str, quantity: int) -> Item:
    none = dict.fromkeys(Item.__struct_fields__)
    return Item(**{**none, "id": name, "quantity": quantity})  # type: ignore[arg-type]


class Shop(msgspec.Struct):
    items: tuple[Item, ...] = ()
    name: str | None = None


def test_values_have_paths_and_only_the_others_were_replaced() -> None:
    old = Shop(items=(item("si_1", 1),), name="x")
    new = Shop(items=(item("si_1", 2), item("si_2", 1)), name="x")

    assert paths(old) == {
        "items": "si_1",
        "items.si_1.id": "si_1",
        "items.si_1.quantity": 1,
        "name": "x",
    }
    assert replaced(old, new) == {"items": "si_1", "items.si_1.quantity": 1}
