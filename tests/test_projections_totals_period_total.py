"""Period totals in all four states of an item, with coupons, tax, credits and seats."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest

from ledger.events import Event, Source
from ledger.shown_objects import Showing, stripe_object
from priced import (
    END,
    billing,
    codes,
    counted,
    coupon,
    day,
    discount,
    figures,
    invoice,
    item,
    line,
    rows,
    seconds,
    subscription,
    told,
    total,
)
from projections.status.renewals import Period
from projections.totals.period_total import PeriodTotal, period_total

CREATED = "customer.subscription.created"
UPDATED = "customer.subscription.updated"


def began(*items: dict[str, Any], **changes: Any) -> Event:  # noqa: ANN401
    return told(CREATED, subscription(*items, **changes))


PAID = told(
    "invoice.paid", invoice(line("base", 9900), line("seat", 1600, 2), status="paid")
)
DRAFT = told(
    "invoice.created", invoice(line("base", 9900), line("seat", 800, 1), status="draft")
)


def test_an_item_is_estimated_drafted_and_invoiced_in_turn() -> None:
    for events, source, seats in [
        ([began()], "estimate", 1600),
        ([began(), DRAFT], "draft", 800),
        ([began(), DRAFT, PAID], "invoice", 1600),
    ]:
        for order in permutations(events):
            found = total(*order)
            assert rows(found) == [("base", source, 9900), ("seat", source, seats)]
            assert found.estimate is (source != "invoice")
            assert not {"law_broken", "price_unknown"} & set(codes(found))


def test_nothing_is_estimated_for_trials_pauses_and_voided_invoices() -> None:
    trial = {"trial_start": seconds(day(0)), "trial_end": seconds(END)}
    voided = told(
        "invoice.voided", invoice(line("base", 9900), line("seat", 1600, 2), status="void")
    )
    for events in [
        [began(status="trialing", **trial)],
        [began(status="paused")],
        [began(), voided],
        [began(status="incomplete_expired", ended_at=seconds(day(0)))],
    ]:
        assert rows(total(*events)) == []


def test_tax_of_an_estimate_is_at_the_rates_of_the_last_invoice() -> None:
    vat = {"tax_behavior": "exclusive", "tax_rate_details": {"tax_rate": "txr_1"}}
    last = invoice(
        line("base", 9900, start=-28, end=0, taxes=[{"amount": 1980, **vat}]),
        at=-28,
        id="in_0",
    )
    rate = {"id": "txr_1", "percentage": 20.0, "display_name": "VAT", "inclusive": False}
    known = [told("tax_rate.created", rate, -30), told("invoice.paid", last, -28)]

    found = total(*known, began())
    assert figures(found) == (9900, 1600, 0, 0, 2300, 13800)
    (tax,) = [each for each in found.lines if each.tax]
    assert tax.tax is not None
    assert (tax.tax.percentage, tax.tax.base, tax.description) == ("20", 11500, "VAT")
    assert total(known[1], began()).tax == 2300

    assert "tax_unknown" in codes(total(began()))
    for status in ("reverse", "exempt"):
        customer = {"id": "cus_1", "object": "customer", "tax_exempt": status}
        assert total(told("customer.created", customer), *known, began()).tax == 0


def test_each_thing_is_taxed_at_the_rate_that_it_had_last() -> None:
    """What was never taxed before is taxed as the dearest that recurs."""

    def at(rate: str, amount: int) -> dict[str, Any]:
        details = {"tax_rate_details": {"tax_rate": rate}, "tax_behavior": "exclusive"}
        return {"taxes": [{"amount": amount, "taxable_amount": 1, **details}]}

    last = invoice(
        line("base", 9900, start=-28, end=0, **at("txr_19", 1881)),
        line("seat", 1600, 2, start=-28, end=0, **at("txr_7", 112)),
        at=-28,
        status="paid",
    )
    rates = [
        told("tax_rate.created", {"id": f"txr_{each}", "percentage": each}, -30)
        for each in (19, 7)
    ]
    paid = told("invoice.paid", {**last, "id": "in_0"}, -28)
    off = coupon(percent_off=50, applies_to={"products": ["prod_seat"]})

    found = total(began(discounts=[discount(off)]), *rates, paid)

    assert figures(found) == (9900, 1600, 0, 800, 1881 + 56, 12637)
    bases = [each.tax.base for each in found.lines if each.tax is not None]
    assert bases == [9900, 800]

    new = began(item("base"), item("calls"))
    assert figures(total(new, *rates, paid))[4] == 1881 + 190


def test_tax_within_the_prices_stands_beside_the_total() -> None:
    vat = {"amount": 1650, "tax_behavior": "inclusive"}
    found = total(
        began(),
        told(
            "invoice.paid", invoice(line("base", 9900, taxes=[vat]), line("seat", 1600, 2))
        ),
    )

    assert (found.tax, found.tax_included, found.total) == (0, 1650, 11500)


def test_coupons_stack_on_estimates_item_level_first() -> None:
    half = discount(coupon(id="HALF", percent_off=50))
    launch = discount(coupon())
    shown = subscription(item("base"), item("seat", 2, discounts=[half]))
    found = total(told(CREATED, {**shown, "discounts": [launch]}))

    assert figures(found) == (9900, 1600, 0, 800 + 2140, 0, 8560)
    assert [each.coupon.base for each in found.lines if each.coupon] == [1600, 10700]


def test_a_coupon_counts_in_its_time_currency_and_products() -> None:
    ended = {"duration": "repeating", "duration_in_months": 1}
    cases: list[tuple[dict[str, Any], dict[str, Any], int, str | None]] = [
        ({}, {}, 2300, None),
        (ended, {"start": seconds(day(-40))}, 0, None),
        (ended, {"end": seconds(day(1))}, 2300, None),
        (ended, {"end": seconds(day(0))}, 0, None),
        ({"applies_to": {"products": ["prod_seat"]}}, {}, 320, None),
        ({"percent_off": None, "amount_off": 500, "currency": "usd"}, {}, 500, None),
        ({"percent_off": None, "amount_off": 50000, "currency": "usd"}, {}, 11500, None),
        (
            {"percent_off": None, "amount_off": 500, "currency": "eur"},
            {},
            0,
            "coupon_currency",
        ),
    ]
    for changes, at, expected, code in cases:
        found = total(began(discounts=[discount(coupon(**changes), **at)]))
        assert (found.discount, found.total) == (expected, 11500 - expected)
        assert (code is None) or code in codes(found)


def test_an_unknown_coupon_takes_nothing_until_it_is_learnt() -> None:
    events = [began(discounts=["di_LAUNCH20"])]
    assert (total(*events).discount, codes(total(*events))) == (
        0,
        ["coupon_unknown", "tax_unknown"],
    )

    shown = discount(coupon()) | {"subscription": "sub_1"}
    assert total(*events, told("customer.discount.created", shown)).discount == 2300


def test_a_fixed_amount_or_a_coupon_for_once_is_not_taken_twice() -> None:
    off = [{"amount": 500, "discount": "di_LAUNCH20"}]
    paid = told("invoice.paid", invoice(line("base", 9900, discount_amounts=off)))
    fixed = {"percent_off": None, "amount_off": 500, "currency": "usd"}
    cases: list[tuple[dict[str, Any], int]] = [
        (fixed, 500),
        ({"duration": "once"}, 500),
        ({}, 500 + 320),
    ]
    for changes, expected in cases:
        shown = began(discounts=[discount(coupon(**changes))])
        assert total(shown, paid).discount == expected


def test_a_customers_coupon_counts_where_the_subscription_has_none() -> None:
    customer = {"id": "cus_1", "object": "customer", "discount": discount(coupon())}
    own = [discount(coupon(id="HALF", percent_off=50))]
    for shown, expected in [(began(), 2300), (began(discounts=own), 5750)]:
        assert total(told("customer.created", customer), shown).discount == expected


def test_discounts_and_taxes_of_a_whole_invoice_are_shared_by_largest_remainder() -> None:
    shown = invoice(
        line("base", 9900),
        line("seat", 1600, 2),
        total=11500 - 100 + 7,
        tax=7,
        total_discount_amounts=[{"amount": 100, "discount": "di_LAUNCH20"}],
    )
    found = total(began(), told("invoice.paid", shown))

    assert figures(found) == (9900, 1600, 0, 100, 7, 11407)
    assert "invoice_does_not_add_up" not in codes(found)


def test_prorations_wait_and_are_invoiced_and_replace_the_estimate() -> None:
    change = {
        "id": "ii_up",
        "subscription": "sub_1",
        "proration": True,
        "currency": "usd",
        "period": {"start": seconds(day(15)), "end": seconds(END)},
    }
    waits = [
        told(
            "invoiceitem.created",
            {
                **change,
                "id": "ii_un",
                "amount": -800,
                "quantity": 2,
                "subscription_item": "si_seat",
            },
            15,
        ),
        told(
            "invoiceitem.created",
            {**change, "amount": 1200, "quantity": 3, "subscription_item": "si_seat"},
            15,
        ),
    ]
    raised = told(UPDATED, subscription(item("base"), item("seat", 3)), 15)

    alone = total(began(), PAID, raised, now=20)
    assert alone.seats == 1600 + 413
    waiting = total(began(), PAID, raised, *waits, now=20)
    assert waiting.seats == 1600 + 400
    assert [each for each in rows(waiting) if each[1] != "invoice"] == [
        ("seat", "pending", -800),
        ("seat", "pending", 1200),
    ]


def test_seats_added_are_charged_as_the_terms_say() -> None:
    added = [counted(12), counted(13, 10), counted(15, 20.5), counted(11, 21)]
    exact = (800 * 21 + 1600 * 10.5) / 31
    for increase, amount in [
        ("prorated", round(exact)),
        ("full", 2400),
        ("next_cycle", 0),
        (None, round(exact)),
    ]:
        meta = {"billing_role": "seat", "seat_quantity": "extra", "seat_increase": increase}
        seat = item("seat", 2, metadata={k: v for k, v in meta.items() if v})
        found = total(began(item("base"), seat), PAID, *added, now=25)
        assert found.seats == 1600 + amount
        steps = [each.seats for one in found.lines for each in one.raised]
        assert steps == ([13, 15] if amount else [])


TIERS = [
    {"up_to": 5, "flat_amount_decimal": "9900", "unit_amount_decimal": "0"},
    {"up_to": None, "unit_amount_decimal": "1500"},
]


def test_a_tiered_price_is_base_and_seats_at_once() -> None:
    tiered: dict[str, Any] = {
        "unit_amount_decimal": None,
        "billing_scheme": "tiered",
        "tiers_mode": "graduated",
        "metadata": {},
    }
    shown = item("tiered", 8, **tiered)
    price = {**shown["price"], "tiers": TIERS, "id": "price_tiered"}
    known = told("price.created", price, -400)

    assert figures(total(known, began(shown)))[:2] == (9900, 4500)
    assert "price_unknown" in codes(total(began(shown)))
    lines = [line("tiered", 9900, 5), line("tiered", 4500, 3)]
    for events in ([known], []):
        paid = told("invoice.paid", invoice(*lines))
        assert figures(total(*events, began(shown), paid))[:2] == (9900, 4500)
    whole = told("invoice.paid", invoice(line("tiered", 14400, 8)))
    assert figures(total(known, began(shown), whole))[:2] == (9900, 4500)
    assert total(known, began(shown), whole, counted(9, 0)).seats == 4500 + 1500


def test_lines_that_stripe_does_not_show_and_sums_that_differ_are_said() -> None:
    hidden = invoice(line("base", 9900), total=12000)
    hidden["lines"]["has_more"] = True
    wrong = invoice(line("base", 9900), line("seat", 1600, 2), total=1)
    none_shown = {**hidden, "lines": {"data": [], "has_more": True}}
    for shown, amount, code in [
        (hidden, 12000, "invoice_lines_hidden"),
        (none_shown, 12000, "invoice_lines_hidden"),
        (wrong, 11500, "invoice_does_not_add_up"),
    ]:
        found = total(began(), told("invoice.paid", shown))
        assert found.total == amount
        assert code in codes(found)


def test_B12_amounts_beyond_two_to_the_53rd_are_findings_and_stop_no_other_figure() -> None:
    for odd in (2**53 + 1, 10.5, "9900"):
        shown = invoice(line("base", 9900), total=1)
        shown["lines"]["data"][0]["amount"] = odd
        found = billing(began(), told("invoice.paid", shown))
        assert found.status == "active"
        assert found.period_total is not None
        assert found.period_total.base == 9900
        assert "unreadable_field" in [each.code for each in found.findings]
    huge = began(item("base", unit_amount_decimal="9007199254740993"))
    assert "invalid_amount" in codes(total(huge))


def test_P09_the_total_is_its_parts_and_its_lines() -> None:
    off = [{"amount": 500, "discount": "di_LAUNCH20"}]
    tax = {"amount": 2090, "tax_behavior": "exclusive", "taxable_amount": 10450}
    shown = invoice(line("base", 9900, discount_amounts=off, taxes=[tax]))
    found = total(began(discounts=[discount(coupon())]), told("invoice.paid", shown))

    _conserved(found)
    assert found.estimate


def _conserved(found: PeriodTotal) -> None:
    base, seats, other, taken, tax, whole = figures(found)
    assert base + seats + other - taken + tax == whole
    assert sum(each.amount for each in found.lines) == whole
    assert "law_broken" not in codes(found)


def test_a_past_period_has_the_discounts_that_there_were_then() -> None:
    def of_month(number: int, *events: Event) -> int:
        books = billing(*events, now=70).books
        assert books is not None
        spans = [Period(day(0), day(31)), Period(day(31), day(61))]
        return period_total(books, spans[number]).discount

    with_coupon = {"discounts": [discount(coupon())]}
    first = told(CREATED, subscription(item("base"), **with_coupon))
    later = item("base", start=31, end=61)
    removed = told(UPDATED, subscription(item("base")), 20)
    renewed = told(UPDATED, subscription(later), 31)
    assert [of_month(n, first, removed, renewed) for n in (0, 1)] == [1980, 0]

    bare = told(CREATED, subscription(item("base")))
    given = discount(coupon(), start=seconds(day(20)))
    added = told(UPDATED, subscription(item("base"), discounts=[given]), 20)
    on = told(UPDATED, subscription(later, discounts=[given]), 31)
    assert [of_month(n, bare, added, on) for n in (0, 1)] == [0, 1980]


def test_a_customers_coupon_that_was_taken_back_counts_for_the_periods_before() -> None:
    given = {**discount(coupon(id="MINE")), "object": "discount", "subscription": None}
    there = told("customer.discount.created", given, 0)
    gone = told("customer.discount.deleted", given, 40)
    items = [item("base"), item("base", start=31, end=61), item("base", start=61, end=92)]
    kinds = [CREATED, UPDATED, UPDATED]
    lived = [
        told(kind, subscription(each), at)
        for kind, each, at in zip(kinds, items, (0, 31, 61), strict=True)
    ]
    spans = [(0, 31), (31, 61), (61, 92)]
    parted = told("customer.deleted", {"id": "cus_1", "object": "customer"}, 95)
    for last in ([], [parted]):
        books = billing(there, gone, *lived, *last, now=100).books
        assert books is not None
        found = [period_total(books, Period(day(a), day(b))).discount for a, b in spans]
        assert found == [1980, 1980, 0]


def test_O13_what_is_in_another_currency_is_left_out_and_said() -> None:
    euros = invoice(line("base", 5000), currency="eur", id="in_2")
    waiting = {"id": "ii_9", "subscription": "sub_1", "amount": 700, "currency": "eur"}
    waiting |= {"date": seconds(day(3)), "period": {"start": seconds(day(3))}}
    late = [told("invoice.paid", euros), told("invoiceitem.created", waiting, 3)]

    for order in permutations([began(), PAID, *late]):
        found = total(*order)
        assert figures(found) == (9900, 1600, 0, 0, 0, 11500)
        assert found.currency == "usd"
        assert codes(found).count("other_currency") == 2


def test_O13_a_currency_that_changes_leaves_the_periods_before_as_they_were() -> None:
    later = [item("base", start=31, end=61), item("seat", 2, start=31, end=61)]
    changed = told(UPDATED, subscription(*later, currency="eur"), 31)

    found = billing(began(), PAID, changed, now=40)

    assert found.books is not None
    before = period_total(found.books, Period(day(0), day(31)))
    assert (before.currency, before.total, codes(before)) == ("usd", 11500, [])
    assert found.period_total is not None
    # The prices are known in dollars alone: what they are in euros the invoice tells.
    assert (found.period_total.currency, found.period_total.total) == ("eur", 0)
    assert codes(found.period_total).count("price_unknown") == 2
    assert "currency_changed" in [each.code for each in found.findings]


def test_what_is_not_estimated_is_said_with_what_to_do() -> None:
    metered = item("calls", None)
    tiered = item(
        "seat", 2, billing_scheme="tiered", tiers_mode="graduated", unit_amount_decimal=None
    )

    found = total(began(item("base"), metered, tiered))

    assert figures(found)[-1] == 9900
    said = {each.code: (each.severity.value, each.message) for each in found.findings}
    assert said["usage_not_estimated"][0] == "info"
    severity, message = said["price_unknown"]
    assert severity == "warning"
    assert message.endswith(
        "its tiers are in no event so far; bl import asks Stripe for it"
    )


def test_O14_a_coupon_of_another_currency_is_ignored_and_flagged() -> None:
    fixed = coupon(percent_off=None, amount_off=500, currency="eur")
    found = total(began(discounts=[discount(fixed)]))

    assert (found.discount, found.total) == (0, 11500)
    assert "coupon_currency" in codes(found)


def test_O08_a_late_event_of_a_closed_period_leaves_its_invoice_alone() -> None:
    later = subscription(item("base", start=31, end=61), item("seat", 3, start=31, end=61))
    events = [began(), PAID, told(UPDATED, later, 31)]
    late = told(UPDATED, subscription(item("base"), item("seat", 5)), 2)
    books = [billing(*each, now=40).books for each in (events, [*events, late])]

    assert books[0] is not None
    assert books[1] is not None
    before, after = (period_total(each, Period(day(0), END)) for each in books if each)
    invoiced = [each for each in rows(after) if each[1] == "invoice"]
    assert invoiced == rows(before)
    assert after.estimate


def test_credit_notes_and_balance_stand_beside_the_total() -> None:
    note = {"id": "cn_1", "invoice": "in_1", "status": "issued", "total": 1000}
    customer = {"id": "cus_1", "object": "customer", "balance": -1500}
    events = [began(), PAID, told("credit_note.created", note, 3)]
    found = billing(*events, told("customer.updated", customer, 4))

    assert found.period_total is not None
    assert (found.period_total.total, found.period_total.credited) == (11500, 1000)
    assert found.invoices[0].credited == 1000
    assert found.next_charge is not None
    assert (found.next_charge.at, found.next_charge.amount) == (END, 11500 - 1500)
    void = told("credit_note.voided", {**note, "status": "void"}, 5)
    assert total(*events, void).credited == 0


def test_the_next_charge_is_of_what_is_planned() -> None:
    ends = {"cancel_at_period_end": True, "cancel_at": seconds(END)}
    trial = {"trial_start": seconds(day(0)), "trial_end": seconds(END)}
    once = discount(coupon(duration="once"))
    used = [{"amount": 2300, "discount": "di_LAUNCH20"}]
    paid = told("invoice.paid", invoice(line("base", 11500, discount_amounts=used)))
    fixed = coupon(percent_off=None, amount_off=700, currency="usd")
    own = {"id": "ii_9", "subscription": "sub_1", "amount": 1000, "currency": "usd"}
    waits = told("invoiceitem.created", {**own, "period": {"start": seconds(day(3))}}, 3)
    for events, amount in [
        ([began()], 11500),
        ([began(**ends)], None),
        ([began(pause_collection={"behavior": "void"})], None),
        ([began(status="trialing", **trial)], 11500),
        ([began(status="past_due")], 11500),
        ([began(status="unpaid")], None),  # its invoices stay drafts
        ([began(), counted(11, 1)], 10700),
        ([began(discounts=[once]), paid], 11500),
        ([began(discounts=[discount(coupon())]), paid], 9200),
        # One invoice has both, and its coupon takes of both.
        ([began(discounts=[discount(coupon())]), paid, waits], 9200 + 800),
        ([began(discounts=[discount(fixed)]), waits], 11500 + 1000 - 700),
    ]:
        found = billing(*events).next_charge
        assert (None if found is None else found.amount) == amount


@pytest.mark.parametrize("status", ["draft", "open", "paid", "uncollectible"])
def test_one_off_items_are_other(status: str) -> None:
    shown = invoice(
        line("base", 9900), line("seat", 1600, 2), line(None, 250), status=status
    )

    assert total(began(), told("invoice.updated", shown)).other == 250


def test_what_changed_unheard_was_sold_when_the_period_began_unless_billed_otherwise() -> (
    None
):
    """Stripe shows three where two were told: nobody knows since when."""
    began_before = [item("base", start=-28, end=0), item("seat", 2, start=-28, end=0)]
    heard = told(CREATED, subscription(*began_before), -28)
    three = subscription(item("base"), item("seat", 3))
    three["items"]["data"] = [
        {
            **each,
            "current_period_start": seconds(day(-28)),
            "current_period_end": seconds(day(0)),
        }
        for each in three["items"]["data"]
    ]
    shown = stripe_object(
        json.dumps({"object": "subscription", "customer": "cus_1", **three}).encode(),
        Showing(source=Source.RECONCILE, at=day(9)),
    )
    billed = told("invoice.paid", invoice(line("base", 9900), line("seat", 1600, 2)))

    assert figures(total(heard))[:2] == (9900, 1600)
    assert figures(total(heard, shown))[:2] == (9900, 2400)
    assert total(heard, shown, billed).lines[1].quantity == 2
