"""Objects as they stand, by what was told of them."""

from __future__ import annotations

from typing import Any

from replay.simulator.api.asking import asked
from replay.simulator.api.reading import Reader, place
from replay.simulator.api.shelf import EVENTS_KEPT_S, Shelf, values_at


def told(kind: str, name: str, object_id: str, **keys: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    content = {"id": object_id, "object": name, "created": 1, **keys}
    return {"type": kind, "data": {"object": content}}


def items(*ids: str) -> dict[str, Any]:
    kind = "subscription_item"
    data = [{"id": each, "object": kind, "subscription": "s"} for each in ids]
    return {"object": "list", "data": data}


def held(what: str, *ids: str, status: str = "active") -> dict[str, Any]:
    kind = f"customer.subscription.{what}"
    return told(kind, "subscription", "s", items=items(*ids), status=status)


def present(shelf: Shelf, name: str) -> list[str]:
    return [each.id for each in shelf.listed(name) if not each.deleted]


def test_a_kind_nobody_knows_stands_on_the_shelf() -> None:
    shelf = Shelf()
    shelf.hear(told("wonder.created", "wonder", "w_1"))
    assert shelf.counts() == {"wonder": 1}
    found = shelf.find_any("w_1", "some_field")
    assert found is not None
    assert found.rendered()["object"] == "wonder"


def test_an_event_about_what_has_no_id_leaves_nothing() -> None:
    shelf = Shelf()
    shelf.hear({"type": "invoice.upcoming", "data": {"object": {"object": "invoice"}}})
    assert shelf.counts() == {}


def test_items_come_and_go_with_their_subscription() -> None:
    shelf = Shelf()
    shelf.hear(held("created", "a", "b"))
    shelf.hear(held("updated", "b", "c"))
    assert present(shelf, "subscription_item") == ["b", "c"]
    shelf.hear(held("deleted", "b", status="canceled"))
    assert present(shelf, "subscription") == ["s"]
    grouped = shelf.grouped("subscription_item", "subscription", "s")
    assert [each.id for each in grouped if not each.deleted] == ["b"]


def test_a_group_follows_a_value_that_changes() -> None:
    shelf = Shelf()
    shelf.hear(told("charge.created", "charge", "ch", customer="a"))
    assert [each.id for each in shelf.grouped("charge", "customer", "a")] == ["ch"]
    shelf.hear(told("charge.updated", "charge", "ch", customer="b"))
    assert not shelf.grouped("charge", "customer", "a")
    assert [each.id for each in shelf.grouped("charge", "customer", "b")] == ["ch"]


def test_long_lists_within_an_object_are_cut_and_whole_at_their_own_address() -> None:
    shelf = Shelf()
    lines = [{"id": f"il_{number}", "object": "line_item"} for number in range(12)]
    whole = {"object": "list", "data": lines, "has_more": False}
    shelf.hear(told("invoice.created", "invoice", "in", lines=whole))
    kept = shelf.find("invoice", "in")
    assert kept is not None
    shown = kept.rendered()["lines"]
    assert (len(shown["data"]), shown["has_more"]) == (10, True)
    asked_for = place("invoices/in/lines")
    assert asked_for is not None
    request = asked([("limit", "100")])
    reader = Reader(shelf=shelf, url="/v1/invoices/in/lines", request=request)
    found, has_more = reader.listed(asked_for)
    assert [each["id"] for each in found if isinstance(each, dict)] == [
        line["id"] for line in lines
    ]
    assert not has_more


def test_events_go_when_their_thirty_days_are_over() -> None:
    shelf = Shelf()
    for number in range(3):
        event = {"id": f"evt_{number}", "object": "event", "created": 100 + number}
        shelf.keep_event({**event, "type": "x"})
    shelf.expire(101 + EVENTS_KEPT_S)
    assert present(shelf, "event") == ["evt_1", "evt_2"]


def test_a_path_leads_through_each_member_of_a_list() -> None:
    rendered = {"items": {"data": [{"price": {"id": "p"}}, {"price": None}]}}
    assert values_at(rendered, "items.data.price.id") == ("p",)
    assert values_at(rendered, "nothing.there") == ()
