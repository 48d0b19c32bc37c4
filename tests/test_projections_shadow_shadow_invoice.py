"""The shadow invoice, beside recorded invoices, simulated ones, and ones gone wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import pytest

from ledger.envelope import stripe_event
from ledger.events import Event
from priced import (
    CUSTOMER,
    account,
    coupon,
    day,
    discount,
    invoice,
    item,
    line,
    seconds,
    subscription,
    told,
)
from projections.answer import Account, answer
from projections.assembly import OWN, assembled
from projections.models.links import Linked
from projections.shadow.account_shadows import shadows
from projections.shadow.compared import Reason
from projections.shadow.shadow_invoice import Shadow
from projections.totals.period_total import period_total
from projections.totals.service_periods import told_periods
from recordings import folded
from replay.simulator.habits import Breadth, Habits, Money, Taxed
from replay.simulator.occurrences import StripeOccurrence
from replay.simulator.shapes import Shape
from replay.simulator.simulation import Simulation
from whole_life import run

THEN: Final = datetime(2025, 12, 1, tzinfo=UTC)


@cache
def simulated() -> dict[str, Any]:
    events = [
        stripe_event(each.body, ledger_livemode=False)
        for each in run(Shape.ENDIVE)[1]
        if isinstance(each, StripeOccurrence)
    ]
    return dict(folded(events))


def test_the_shadow_agrees_with_a_simulated_stripe_and_periods_come_to_its_invoices() -> (
    None
):
    states = simulated()
    customers = {key[0] for key in states["invoices"]}
    compared = differing = 0
    for name in sorted(customers):
        found = _account(states, name)
        for each in _shadows_of(found, THEN):
            # A proration of one line of several, all under a coupon, is of that line's
            # rounded share of what it took, by a rule that no recording shows.
            reasons = {(one.what, one.reason) for one in each.differences}
            assert reasons <= {("line", Reason.ROUNDING)}, each
            differing += bool(each.differences)
            compared += not each.differences
        books = answer(found, THEN).books
        assert books is not None
        periods = [period_total(books, each) for each in told_periods(books.current)]
        invoiced = sum(
            each.amount
            for period in periods
            for each in period.lines
            if each.source == "invoice"
        )
        assert invoiced == sum(
            each.value.total or 0
            for _, each in books.own
            if each.value.status not in {"void", "draft"}
        )
        assert not [
            each.code for total in periods for each in total.findings if "law" in each.code
        ]
    assert compared > 700
    assert differing <= 2


@pytest.mark.parametrize("shape", [Shape.Y2020, Shape.Y2023, Shape.Y2024, Shape.BASIL])
def test_the_shadow_agrees_where_versions_hide_what_limits_a_coupon(shape: Shape) -> None:
    money = Money(country="US", taxed=Taxed.BESIDE, eventful=6)
    company = Simulation(
        seed=5,
        accounts=10,
        months=8,
        start=datetime(2024, 1, 31, tzinfo=UTC),
        shape=shape,
        habits=Habits(breadth=Breadth.WHOLE, money=money),
    )
    states = folded(
        stripe_event(each.body, ledger_livemode=False)
        for each in company.occurrences()
        if isinstance(each, StripeOccurrence)
    )
    agreed = differing = reduced = 0
    for name in company.expectations():
        for each in _shadows_of(_account(states, name), THEN):
            # What a coupon that is limited leaves of a part is told by nobody.
            what = {(one.what, one.reason) for one in each.differences}
            assert what <= {("line", Reason.PRORATION), ("line", Reason.ROUNDING)}, each
            differing += bool(what)
            agreed += not what
            reduced += any(one.what == "discount" for one in each.compared)
    assert agreed > 40
    assert reduced > 10
    assert differing <= 2


def found_of(*lines: dict[str, Any], told_first: Event, **changes: Any) -> Shadow:  # noqa: ANN401
    shown = told("invoice.paid", invoice(*lines, **changes))
    (found,) = _shadows_of(account([told_first, shown]), day(15))
    return found


SUBSCRIBED: Final = told("customer.subscription.created", subscription())
REDUCED: Final = told(
    "customer.subscription.created", subscription(discounts=[discount(coupon())])
)


@pytest.mark.parametrize(
    ("shown", "ours", "reason"),
    [
        ([line("base", 9900), line("seat", 1600, 2)], 11500, None),
        ([line("base", 9901), line("seat", 1600, 2)], 11500, Reason.ROUNDING),
        ([line("base", 9000), line("seat", 1600, 2)], 11500, Reason.UNKNOWN),
        ([line("base", 9900), line("seat", 2400, 3)], 11500, Reason.QUANTITY),
    ],
)
def test_B05_differences_of_lines_are_classed(
    shown: list[dict[str, Any]], ours: int, reason: Reason | None
) -> None:
    found = found_of(*shown, told_first=SUBSCRIBED)

    assert found.ours == ours
    assert [each.reason for each in found.differences] == ([reason] if reason else [])


def test_B05_prorations_coupons_and_taxes_are_classed() -> None:
    part = {"subscription": "sub_1", "subscription_item": "si_seat", "proration": True}
    rest: dict[str, Any] = {"start": 15.5, "parent": {"subscription_item_details": part}}
    off = [{"amount": 100, "discount": "di_LAUNCH20"}]
    rate = {"tax_behavior": "exclusive", "tax_rate_details": {"tax_rate": "txr_1"}}
    known = told("tax_rate.created", {"id": "txr_1", "percentage": 20.0}, -30)
    for lines, first, reason in [
        ([line("seat", 400, 1, **rest)], [SUBSCRIBED], None),
        ([line("seat", -800, 2, **rest)], [SUBSCRIBED], None),
        ([line("seat", 500, 1, **rest)], [SUBSCRIBED], Reason.PRORATION),
        ([line("base", 9900, discount_amounts=off)], [REDUCED], Reason.COUPON),
        ([line("base", 9900, taxes=[{"amount": 990, **rate}])], [SUBSCRIBED], Reason.TAX),
        ([line("base", 9900, taxes=[{"amount": 1980, **rate}])], [SUBSCRIBED], None),
    ]:
        events = [known, *first, told("invoice.paid", invoice(*lines))]
        (found,) = _shadows_of(account(events), day(15))
        assert [each.reason for each in found.differences] == ([reason] if reason else [])


def test_what_cannot_be_computed_is_no_difference() -> None:
    metered = told("customer.subscription.created", subscription(item("calls", None)))
    odd = line("calls", 1234, None)
    found = found_of(odd, told_first=metered)

    assert not found.differences
    assert [each.missing for each in found.unchecked] == ["the line has no quantity"]


def test_what_is_due_is_the_total_and_the_balance() -> None:
    shown = [line("base", 9900), line("seat", 1600, 2)]
    for due, differs in [(11000, False), (11500, True)]:
        found = found_of(
            *shown, told_first=SUBSCRIBED, starting_balance=-500, amount_due=due
        )
        assert bool(found.differences) is differs


def test_what_was_credited_before_it_was_paid_is_not_due() -> None:
    shown = [line("base", 9900), line("seat", 1600, 2)]
    for due, differs in [(9500, False), (11500, True)]:
        found = found_of(
            *shown,
            told_first=SUBSCRIBED,
            pre_payment_credit_notes_amount=2000,
            amount_due=due,
        )
        assert [each.what for each in found.differences] == ["amount_due"] * differs


def test_a_tax_may_be_rounded_by_line_or_by_invoice_and_one_within_is_compared() -> None:
    def taxed(*amounts: int, behavior: str = "exclusive") -> Shadow:
        rate = {"tax_behavior": behavior, "tax_rate_details": {"tax_rate": "txr_1"}}
        prices = [("base", 9900, 1), ("seat", 1600, 2)]
        lines = [
            line(price, amount, quantity, taxes=[{"amount": tax, **rate}])
            for (price, amount, quantity), tax in zip(prices, amounts, strict=True)
        ]
        known = told("tax_rate.created", {"id": "txr_1", "percentage": 7.77}, -30)
        shown = told("invoice.paid", invoice(*lines))
        (found,) = _shadows_of(account([known, SUBSCRIBED, shown]), day(15))
        return found

    # 769.23 and 124.32: by line they come to 893, together to 894.
    assert not taxed(769, 124).differences
    assert not taxed(770, 124).differences
    assert [each.reason for each in taxed(768, 124).differences] == [Reason.ROUNDING]
    within = taxed(500, 124, behavior="inclusive")
    assert [(each.what, each.reason) for each in within.differences] == [
        ("tax_included", Reason.TAX)
    ]
    assert within.ours == within.theirs


def periodic(number: int, *, reduced: bool) -> Event:
    """Return the invoice of the month that begins so many days after the first."""
    off: dict[str, Any] = {
        "discount_amounts": [{"amount": 1980, "discount": "di_LAUNCH20"}]
    }
    end = {0: 31, 31: 61}[number]
    one = line("base", 9900, start=number, end=end, **(off if reduced else {}))
    shown = invoice(one, at=number, billing_reason="subscription_cycle")
    return told("invoice.paid", {**shown, "id": f"in_{number}"}, number)


def monthly(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return subscription(item("base"), **changes)


def test_B05_a_coupon_that_is_missing_from_an_invoice_is_a_difference() -> None:
    first = told("customer.subscription.created", monthly(discounts=[discount(coupon())]))
    gone = told("customer.subscription.updated", monthly(), 20)
    for events, absent in [
        ([first, periodic(0, reduced=True), periodic(31, reduced=True)], False),
        ([first, periodic(0, reduced=True), periodic(31, reduced=False)], True),
        # It was taken away before, so nothing is missing.
        ([first, periodic(0, reduced=True), gone, periodic(31, reduced=False)], False),
        # It was never seen to apply to what is sold, and what limits it is not shown.
        ([first, periodic(0, reduced=False), periodic(31, reduced=False)], False),
    ]:
        found = [
            (one.what, one.theirs, one.ours, one.reason)
            for each in _shadows_of(account(events), day(40))
            for one in each.differences
        ]
        assert found == ([("discount", 0, 1980, Reason.COUPON)] if absent else [])


def off(**amounts: int) -> dict[str, Any]:
    return {
        "discount_amounts": [
            {"amount": amount, "discount": f"di_{name}"} for name, amount in amounts.items()
        ]
    }


def test_coupons_are_taken_in_the_order_of_the_lines_and_of_what_they_ever_took() -> None:
    """Stripe's events tell neither of items, in old versions, nor of limits to products."""
    kinds = [coupon(id="HALF", percent_off=50), coupon(id="TENTH", percent_off=10)]
    given = [discount(each) for each in kinds]
    first = told("customer.subscription.created", subscription(discounts=given))
    shown = [
        line("base", 10000, **off(HALF=5000)),
        line("seat", 2000, 2, **off(TENTH=200, HALF=900)),
    ]
    found = found_of(*shown, told_first=first, discounts=["di_HALF", "di_TENTH"])
    assert [each.what for each in found.differences if each.what == "discount"] == []

    (wrong,) = [
        (each.description, each.theirs, each.ours, each.reason)
        for each in found_of(
            shown[0],
            line("seat", 2000, 2, **off(TENTH=200, HALF=1000)),
            told_first=first,
        ).differences
        if each.what == "discount"
    ]
    assert wrong == ("Launch", 6000, 5900, Reason.COUPON)


def test_a_limit_that_is_not_shown_is_what_a_coupon_ever_took() -> None:
    first = told(
        "customer.subscription.created", subscription(discounts=[discount(coupon())])
    )
    for shown, reason in [
        ([line("base", 9900), line("seat", 1600, 2, **off(LAUNCH20=320))], []),
        ([line("base", 9900), line("seat", 1600, 2, **off(LAUNCH20=900))], [Reason.COUPON]),
        ([line("base", 9900, **off(LAUNCH20=1980)), line("seat", 1600, 2)], []),
    ]:
        found = found_of(*shown, told_first=first)
        assert [each.reason for each in found.differences] == reason


def test_a_customers_coupon_makes_way_for_one_of_the_subscription() -> None:
    mine = {**discount(coupon(id="MINE")), "object": "discount", "subscription": None}
    own = {**discount(coupon(id="OWN", duration="once")), "subscription": "sub_1"}
    before = line("base", 9900, start=-31, end=0, **off(MINE=1980))
    events = [
        told("customer.discount.created", mine, -40),
        told("customer.discount.created", own, -1),
        told("customer.subscription.created", subscription(item("base"))),
        told("customer.discount.deleted", own, 0),
        told("invoice.paid", invoice(before, at=-31, id="in_0", status="paid"), -31),
    ]
    cycle: dict[str, Any] = {"billing_reason": "subscription_cycle"}
    for taken, absent in [(off(OWN=1980), 0), ({}, 1980)]:
        paid = told("invoice.paid", invoice(line("base", 9900, **taken), **cycle), 0)
        (*_, found) = _shadows_of(account([*events, paid]), day(15))
        assert [each.ours for each in found.differences] == [absent] * bool(absent)


def test_a_part_of_a_period_is_net_of_fixed_amounts_too() -> None:
    fixed = coupon(id="FIVE", percent_off=None, amount_off=500, currency="usd")
    only = subscription(item("seat", 2), discounts=[discount(fixed)])
    part = {"subscription": "sub_1", "subscription_item": "si_seat", "proration": True}
    rest: dict[str, Any] = {"start": 15.5, "parent": {"subscription_item_details": part}}
    first = told("customer.subscription.created", only)
    for amount, reason in [(-550, []), (-800, []), (-650, [Reason.PRORATION])]:
        found = found_of(line("seat", amount, 2, **rest), told_first=first)
        assert [each.reason for each in found.differences] == reason


def test_an_invoice_of_a_subscription_that_nothing_told_of_is_billed_anew() -> None:
    (found,) = _shadows_of(account([periodic(31, reduced=True)]), day(40))

    assert found.unchecked
    assert not found.differences


def test_what_differs_is_told_of_the_account_with_its_class_and_evidence() -> None:
    shown = told("invoice.paid", invoice(line("base", 9000), line("seat", 1600, 2)))
    found = [
        (each.severity.value, each.message, len(each.evidence))
        for each in answer(account([SUBSCRIBED, shown]), day(15)).findings
        if each.code == "shadow_difference"
    ]

    said = "in_1 is USD 106.00 at Stripe's, USD 115.00 by our own computation (unknown)"
    assert found == [("warning", f"{said}; bl shadow shows the lines", 1)]


def test_a_trial_is_worth_nothing() -> None:
    trial = {"trial_start": seconds(day(0)), "trial_end": seconds(day(31))}
    first = told("customer.subscription.created", subscription(status="trialing", **trial))

    assert not found_of(line("base", 0), told_first=first).differences


def _account(states: Any, name: str) -> Account:  # noqa: ANN401 - states by projection
    kept = {
        each.name: {key: one for key, one in states[each.name].items() if key[0] == name}
        for each in OWN
    }
    linked = Linked(customer=name or CUSTOMER, product=None)
    return assembled(linked, {**kept, "catalogue": states["catalogue"]})


def _shadows_of(found: Account, now: datetime) -> list[Shadow]:
    return shadows(found, answer(found, now))
