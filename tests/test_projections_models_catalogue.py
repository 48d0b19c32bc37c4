"""The catalogue holds what was sold at every moment, and what was known of it when."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.envelope import stripe_event
from ledger.events import Command, Event, PolicySet, TermsSet
from ledger.policy import DEFAULT, Policy
from projections.facts import FieldUnreadable, WareShown
from projections.models.catalogue import CATALOGUE, Catalogue
from projections.projector.folding import fold
from projections.wares import Price
from recordings import AT, facts_of

START: Final = datetime(2026, 3, 1, tzinfo=UTC)
DAY: Final = timedelta(days=1)


def shown(
    kind: str, value: dict[str, Any], name: str = "x", version: str | None = None
) -> list[Any]:
    body = {
        "api_version": version,
        "id": "evt_1",
        "type": kind,
        "created": 1_772_366_400,
        "data": {"object": {"id": name, **value}},
    }
    return facts_of([stripe_event(json.dumps(body).encode(), ledger_livemode=False)])


def wares(facts: Sequence[Any]) -> dict[str, Any]:
    return {each.object_id: each.ware for each in facts if isinstance(each, WareShown)}


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ({"unit_amount": 1500, "unit_amount_decimal": "1500"}, "1500"),
        ({"unit_amount": 1500}, "1500"),
        ({"unit_amount": None, "unit_amount_decimal": "0.012500000000"}, "0.0125"),
        ({"unit_amount_decimal": 12.5}, "12.5"),
        ({"unit_amount_decimal": "100"}, "100"),
        ({"unit_amount": None, "unit_amount_decimal": None}, None),
    ],
)
def test_an_amount_keeps_every_digit(value: dict[str, Any], amount: str | None) -> None:
    assert wares(shown("price.updated", value))["price:x"].unit_amount == amount


@pytest.mark.parametrize("typed", ["NaN", "Infinity", "1e400", "much", True])
def test_an_amount_that_is_none_is_named(typed: object) -> None:
    (fault,) = shown("price.updated", {"unit_amount_decimal": typed})

    assert isinstance(fault, FieldUnreadable)
    assert fault.kind == "price"
    assert "unit_amount_decimal" in fault.field + fault.reason


def test_a_percentage_is_exact() -> None:
    found = wares(shown("coupon.created", {"percent_off": 33.3}))

    assert found["coupon:x"].percent_off == "33.3"


@pytest.mark.parametrize(
    "holder",
    [
        {"discount": {"id": "di_1", "coupon": {"id": "L20", "percent_off": 20}}},
        {"discounts": ["di_2", {"id": "di_1", "coupon": {"id": "L20", "percent_off": 20}}]},
        {
            "discounts": [
                {"id": "di_1", "source": {"coupon": {"id": "L20", "percent_off": 20}}}
            ]
        },
    ],
)
def test_a_coupon_counts_wherever_it_stands(holder: dict[str, Any]) -> None:
    found = wares(
        shown(
            "customer.subscription.updated", {"status": "active", "customer": "c", **holder}
        )
    )

    assert found["coupon:L20"].percent_off == "20"


@pytest.mark.parametrize("place", [{"coupon": "L20"}, {"promotion": {"coupon": "L20"}}])
def test_a_promotion_code_names_its_coupon_in_every_version(place: dict[str, Any]) -> None:
    found = wares(shown("promotion_code.created", {"code": "LAUNCH", **place}))

    assert found["promotion_code:x"].coupon == "L20"


sightings = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from("ABC"), st.booleans()), max_size=8
)


def facts(told: Sequence[tuple[int, str, bool]]) -> list[WareShown]:
    return [
        WareShown(
            account="ledger:catalogue",
            kind="price",
            id="p",
            event_id=f"evt_{day}{value}{own}",
            type="price.updated" if own else "customer.subscription.updated",
            occurred_at=START + day * DAY,
            position=place,
            ware=Price(created=START - DAY, nickname=value),
            own=own,
        )
        for place, (day, value, own) in enumerate(told, start=1)
    ]


def history(told: Sequence[WareShown], known: int | None = None) -> list[str | None]:
    entries = {
        key[1]: entry
        for key, entry in fold(CATALOGUE, [(each.position, each) for each in told]).items()
    }
    asked = Catalogue(entries=entries, known=known)
    prices = [asked.price("p", START + day * DAY) for day in range(-1, 11)]
    return [None if price is None else price.nickname for price in prices]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(told=sightings, data=st.data())
def test_any_order_tells_the_same_versions(
    told: list[tuple[int, str, bool]], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(told), max_size=3)) if told else []
    shuffled = data.draw(st.permutations(told + again))

    assert history(facts(told)) == history(facts(shuffled))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(told=sightings, known=st.integers(0, 9))
def test_what_was_known_then_is_what_the_events_up_to_then_tell(
    told: list[tuple[int, str, bool]], known: int
) -> None:
    assert history(facts(told), known) == history(facts(told[:known]))


def test_the_policy_in_force_is_the_last_that_began() -> None:
    strict = Policy(retry_days=(0, 1), pause_day=2, cancel_day=9)
    events: list[Event] = [
        PolicySet(
            command=Command(id="cmd:1", fingerprint=""),
            policy=strict,
            effective_at=START + DAY,
        ),
        TermsSet(command=Command(id="cmd:2", fingerprint=""), price="p", role="seat"),
    ]
    placed = [(fact.position, fact) for fact in facts_of(events)]
    entries = {key[1]: entry for key, entry in fold(CATALOGUE, placed).items()}
    asked = Catalogue(entries=entries)

    assert asked.policy(START) == DEFAULT
    assert asked.policy(START + DAY) == strict
    assert asked.terms("p", AT - DAY) is None
    found = asked.terms("p", AT)
    assert found is not None
    assert found.role == "seat"


PRICE: Final = {
    "id": "price_1",
    "created": 1_700_000_000,
    "billing_scheme": "per_unit",
    "unit_amount_decimal": "2500",
    "currency": "usd",
}
LAUNCH: Final = {"id": "LAUNCH", "percent_off": 20.0, "duration": "forever"}


def test_prices_and_coupons_inside_what_is_billed_are_known_too() -> None:
    """Until basil an invoice shows them whole, whoever else tells of them."""
    whole = {"id": "di_1", "coupon": LAUNCH}
    invoice = {
        "customer": "cus_1",
        "discounts": ["di_0", whole],
        "lines": {"data": [{"amount": 2500, "price": PRICE}, {"amount": 2500}]},
    }
    plan = {**PRICE, "id": "plan_1", "amount_decimal": "700"}
    old = {"customer": "cus_1", "discount": whole}
    of_lines = {"lines": {"data": [{"amount": 1, "discounts": [whole], "plan": plan}]}}
    cases: list[tuple[str, dict[str, Any], set[str]]] = [
        ("invoice.paid", invoice, {"price:price_1", "coupon:LAUNCH"}),
        ("invoice.paid", old, {"coupon:LAUNCH"}),
        ("invoice.paid", {**old, **of_lines}, {"plan:plan_1", "coupon:LAUNCH"}),
        ("invoiceitem.created", {"customer": "cus_1", "price": PRICE}, {"price:price_1"}),
        ("invoice.paid", {"customer": "cus_1", "lines": {"data": [5]}}, set()),
        ("invoice.paid", {"customer": "cus_1", "discounts": ["di_0"]}, set()),
    ]
    for kind, value, expected in cases:
        found = wares(shown(kind, value))
        assert set(found) == expected, kind
    assert wares(shown("invoice.paid", invoice))["price:price_1"].unit_amount == "2500"
    assert wares(shown("invoice.paid", invoice, version="2025-02-24.acacia"))
    assert not wares(shown("invoice.paid", invoice, version="2025-03-31.basil"))


def test_what_was_deleted_goes_on_where_it_is_at_work() -> None:
    told = [("coupon.created", 0), ("coupon.deleted", 5)]
    events = [
        {
            "id": f"evt_{kind}",
            "type": kind,
            "created": int((START + at * DAY).timestamp()),
            "data": {"object": {**LAUNCH, "created": int(START.timestamp())}},
        }
        for kind, at in told
    ]
    facts = facts_of(
        stripe_event(json.dumps(each).encode(), ledger_livemode=False) for each in events
    )
    states = fold(CATALOGUE, [(each.position, each) for each in facts])
    catalogue = Catalogue(entries={key[1]: state for key, state in states.items()})

    for days in (1, 9):
        found = catalogue.coupon("LAUNCH", START + days * DAY)
        assert found is not None
        assert found.percent_off == "20"
