"""Discounts that ended unheard: what they were on was shown without them since."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any, Final

import pytest

from ledger.events import Event, Source
from ledger.shown_objects import Showing, stripe_object
from priced import billing, coupon, day, discount, item, subscription, told
from projections.status.renewals import Period
from projections.totals.period_total import period_total

CREATED: Final = "customer.subscription.created"
UPDATED: Final = "customer.subscription.updated"
GIVEN: Final = discount(coupon())
# What the discount is on, and how an event of its own names that.
ON: Final = {
    "subscription": {"subscription": "sub_1"},
    "item": {"subscription": "sub_1", "subscription_item": "si_base"},
    "customer": {},
}
CUSTOMER: Final = {"id": "cus_1", "object": "customer"}


def shown(content: dict[str, Any], at: float) -> Event:
    """Return *content* as Stripe shows it to whoever asks."""
    whole = {"object": "subscription", "customer": "cus_1", **content}
    if whole["object"] == "customer":
        del whole["customer"]
    raw = json.dumps(whole).encode()
    return stripe_object(raw, Showing(source=Source.RECONCILE, at=day(at)))


def without(on: str, at: float) -> Event:
    return shown(CUSTOMER if on == "customer" else subscription(item("base")), at)


def given(on: str, at: float = 1) -> Event:
    content = {**GIVEN, "object": "discount", **ON[on]}
    return told("customer.discount.created", content, at)


def off(*events: Event, now: float = 15) -> int:
    found = billing(*events, now=now).period_total
    assert found is not None
    return found.discount


BEGAN: Final = told(CREATED, subscription(item("base")))
KNOWN: Final = told("customer.created", CUSTOMER)


@pytest.mark.parametrize("on", ON)
def test_what_stripe_shows_without_a_discount_has_it_no_more(on: str) -> None:
    assert off(KNOWN, BEGAN, given(on)) == 1980
    for events in permutations([BEGAN, given(on), without(on, 9)]):
        assert off(KNOWN, *events) == 0


@pytest.mark.parametrize("on", ON)
def test_what_was_given_after_that_is_on_it(on: str) -> None:
    assert off(KNOWN, BEGAN, without(on, 3), given(on, 4)) == 1980
    # Of one second nobody knows which came first.
    assert off(KNOWN, BEGAN, without(on, 4), given(on, 4)) == 1980


def test_a_webhook_that_hides_a_discount_ends_none() -> None:
    """Older versions show one of them at most; Stripe's answer showed it."""
    both = shown(subscription(item("base"), discounts=[GIVEN]), 5)
    hidden = told(UPDATED, subscription(item("base"), cancel_at=None), 6)

    assert off(BEGAN, given("subscription"), hidden) == 1980
    assert off(BEGAN, given("subscription"), both, hidden) == 1980


def test_it_ended_when_the_subscription_was_first_known_without_it() -> None:
    there = told(CREATED, subscription(item("base"), discounts=[GIVEN]), 0)
    gone = told(UPDATED, subscription(item("base", start=31, end=61)), 31)
    after = shown(subscription(item("base", start=31, end=61)), 65)

    books = billing(there, given("subscription"), gone, after, now=70).books

    assert books is not None
    assert dict(books.stops) == {GIVEN["id"]: day(31)}
    spans = [Period(day(0), day(31)), Period(day(31), day(61))]
    assert [period_total(books, each).discount for each in spans] == [1980, 0]
