"""Every figure's explanation re-adds to the figure, and one that does not is caught."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.events import Event
from priced import (
    account,
    counted,
    coupon,
    day,
    discount,
    invoice,
    item,
    line,
    subscription,
    told,
)
from projections.answer import Account, Billing, answer
from projections.assembly import assembled
from projections.explain.figures import explanation, total_explanation
from projections.explain.rendering import explanation as rendered
from projections.explain.rendering import findings
from projections.explain.tree import (
    Explanation,
    Figure,
    Node,
    Operation,
    nodes,
    wrong,
)
from projections.explain.writing import Writing
from projections.models.links import resolve
from projections.rendering import billing as body_of
from projections.totals.account_totals import total_at
from recordings import folded
from replay.simulator.habits import Breadth
from replay.simulator.occurrences import SeatOccurrence, StripeOccurrence
from replay.simulator.simulation import Simulation
from test_laws import histories
from test_projections_simulator import event, late_and_doubled
from unpaid import INVOICE, Unpaid, account_of

CREATED = "customer.subscription.created"
BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
LATER = datetime(2030, 1, 1, tzinfo=UTC)


def figures(told: Billing) -> dict[Figure, Any]:
    """Return each figure as the read API answers it."""
    body = body_of(told)
    total, seats, dunning = body["period_total"], body["seats"], body["dunning"]
    return {
        Figure.TOTAL: total and total["total"],
        Figure.STATUS: body["status"],
        Figure.SEATS: seats and seats["billed"],
        Figure.DUNNING: dunning and dunning["stage"],
    }


def re_adds(whole: Account, told: Billing) -> dict[Figure, Explanation]:
    """Explain every figure, and see that each is what its tree comes to."""
    found = {figure: explanation(whole, told, figure) for figure in Figure}
    for figure, value in figures(told).items():
        shown = rendered(found[figure])
        assert shown["adds_up"], (figure, [each.label for each in wrong(found[figure])])
        assert shown["value"] == value, figure
        assert shown["findings"] == []
    for node in nodes(found[Figure.TOTAL].root):
        assert node.source is None or node.evidence, node
    level = next(
        (each for each in found[Figure.STATUS].root.children if each.label == "Access"),
        None,
    )
    assert level is None or level.value == told.access.level
    return found


@settings(max_examples=60, deadline=None)
@given(history=histories(), at=st.integers(-10, 6000))
def test_any_history_is_explained_by_what_adds_up_again(
    history: list[Event], at: int
) -> None:
    kept = folded(history)
    links = {key[0]: link for key, link in kept["links"].items()}
    for name in ("cus_1", "cus_2"):
        whole = assembled(resolve(name, links), kept)
        re_adds(
            whole, answer(whole, datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=at))
        )
        re_adds(whole, answer(whole, LATER))


@st.composite
def priced(draw: st.DrawFn) -> list[Event]:
    """Tell of a subscription with any price, coupons and tax, and of its seats."""
    currency = draw(st.sampled_from(["usd", "jpy", "kwd"]))
    unit = draw(st.sampled_from(["800", "0.125", "33.3333", "1999"]))
    seat: dict[str, Any] = {"unit_amount_decimal": unit, "currency": currency}
    if draw(st.booleans()):
        counts = draw(st.sampled_from(["all", "extra"]))
        increase = draw(st.sampled_from(["prorated", "full", "next_cycle"]))
        seat["metadata"] = {
            "billing_role": "seat",
            "seat_quantity": counts,
            "seat_increase": increase,
        }
    coupons = []
    for place in range(draw(st.integers(0, 3))):
        percent = draw(st.sampled_from([33.3, 10, 100, None]))
        amount = None if percent else draw(st.integers(1, 12_000))
        shown = coupon(
            id=f"C{place}", percent_off=percent, amount_off=amount, currency=currency
        )
        coupons.append(discount(shown))
    items = [
        item("base", currency=currency),
        item("seat", draw(st.integers(0, 30)), **seat),
    ]
    shown = subscription(*items, currency=currency, discounts=coupons)
    events: list[Event] = [told(CREATED, shown)]
    vat = {"tax_behavior": "exclusive", "tax_rate_details": {"tax_rate": "txr_1"}}
    if draw(st.booleans()):
        taxes = [{"amount": 1980, **vat}]
        last = line("base", 9900, start=-28, end=0, taxes=taxes)
        events.append(told("invoice.paid", invoice(last, at=-28, id="in_0"), -28))
        rate = {"id": "txr_1", "percentage": 20.25, "inclusive": False}
        events.append(told("tax_rate.created", rate, -30))
    if draw(st.booleans()):
        paid = invoice(line("base", 9900), status="paid", currency=currency)
        events.append(told("invoice.paid", paid))
    changes = st.tuples(st.integers(0, 40), st.integers(-5, 20))
    for users, at in draw(st.lists(changes, max_size=4, unique_by=lambda each: each[1])):
        events.append(counted(users, at))
    return events


@settings(max_examples=60, deadline=None)
@given(events=priced(), now=st.integers(-1, 40))
def test_any_prices_coupons_and_taxes_add_up_again(events: list[Event], now: int) -> None:
    whole = account(events)
    re_adds(whole, answer(whole, day(now)))


def test_a_company_told_late_and_twice_is_explained_in_every_period() -> None:
    run = Simulation(seed=3, accounts=14, months=8, start=BEGAN, breadth=Breadth.WHOLE)
    told_all = [
        event(each)
        for each in run.occurrences()
        if isinstance(each, StripeOccurrence | SeatOccurrence)
    ]
    kept = folded(late_and_doubled(told_all, 3))
    links = {key[0]: link for key, link in kept["links"].items()}
    operations: set[Operation | None] = set()
    for name in run.expectations():
        whole = assembled(resolve(name, links), kept)
        for days in (100, 243):
            said = answer(whole, BEGAN + timedelta(days=days))
            for each in (*re_adds(whole, said).values(), *periods(whole, said)):
                assert rendered(each)["adds_up"]
                operations |= {node.operation for node in nodes(each.root)}
    assert operations > {Operation.PERCENT_OFF, Operation.PERCENT_ON, Operation.HIGHEST}


def periods(whole: Account, said: Billing) -> Iterator[Explanation]:
    if said.books is None or said.primary is None:
        return
    for days in (40, 80, 130, 200):
        total = total_at(said.books, said.primary, BEGAN + timedelta(days=days))
        if total is not None:
            yield total_explanation(whole, said, total)


def seats_of(*events: Event, now: float = 15) -> Node:
    whole = account(events)
    return explanation(whole, answer(whole, day(now)), Figure.SEATS).root


def test_a_tampered_node_is_caught_wherever_it_stands() -> None:
    shown = subscription(discounts=[discount(coupon())])
    whole = account([told(CREATED, shown), counted(12, -1), counted(14, 5)])
    said = answer(whole, day(15))
    for figure in (Figure.TOTAL, Figure.SEATS):
        good = explanation(whole, said, figure)
        assert not findings(good)
        operands = [path for path in paths(good.root) if path]
        assert len(operands) >= 3
        for path in operands:
            bad = attrs.evolve(good, root=tampered(good.root, path))
            (first, *_) = findings(bad)
            assert (first.code, first.severity) == ("explanation_broken", "error")
            assert not rendered(bad)["adds_up"]


def paths(node: Node, before: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Yield where each number stands that something is made of."""
    yield before
    for place, child in enumerate(node.children):
        counts = child.operand and node.operation is not None
        if counts and isinstance(child.value, int | Fraction) and child.value:
            yield from paths(child, (*before, place))


def tampered(node: Node, path: tuple[int, ...]) -> Node:
    if not path:
        assert isinstance(node.value, int | Fraction)
        return attrs.evolve(node, value=node.value + 1000)
    first, *rest = path
    children = list(node.children)
    children[first] = tampered(children[first], tuple(rest))
    return attrs.evolve(node, children=tuple(children))


def test_seats_are_explained_change_by_change_and_instant_by_instant() -> None:
    root = seats_of(told(CREATED, subscription()), counted(12, -1), counted(14, 5))
    assert [(each.label, each.value) for each in root.children] == [
        ("Billed", 14),
        ("Included", 10),
        ("Extra", 4),
        ("Active", 14),
        ("Freed at the next cycle", 0),
        ("Stripe's quantity", 2),
        ("Wanted", 4),
        ("Drift", 2),
    ]
    begun, change = root.children[0].children
    assert (begun.value, begun.at, change.value, change.at) == (12, day(0), 2, day(5))


def test_an_unknown_baseline_is_stripes_word() -> None:
    root = seats_of(told(CREATED, subscription()))
    billed, included, extra = root.children
    assert (billed.value, billed.operation) == (12, Operation.SUM)
    assert [each.value for each in billed.children] == [2, 10]
    assert (included.value, extra.value) == (10, 2)


def test_each_added_seat_is_charged_from_its_own_moment() -> None:
    base = told(CREATED, subscription())
    lines = invoice(line("base", 9900), line("seat", 1600, 2), status="paid")
    whole = account(
        [base, told("invoice.paid", lines), counted(12), counted(13, 10), counted(15, 20.5)]
    )
    found = explanation(whole, answer(whole, day(25)), Figure.TOTAL)
    added = found.root.children[-1]
    writing = Writing(currency="usd", plain=True)

    assert [writing.formula(each) for each in added.children] == [
        "8.00 x 21/31",
        "16.00 x 21/62",
    ]
    assert writing.arithmetic(added) == "5.419354... + 5.419354... = 10.84"


def test_a_tiered_price_is_what_is_left_of_the_whole() -> None:
    tiers = [
        {"up_to": 5, "flat_amount_decimal": "9900", "unit_amount_decimal": "0"},
        {"up_to": None, "unit_amount_decimal": "1500"},
    ]
    form: dict[str, Any] = {
        "unit_amount_decimal": None,
        "billing_scheme": "tiered",
        "tiers_mode": "graduated",
        "metadata": {},
    }
    shown = item("tiered", 8, **form)
    known = told("price.created", {**shown["price"], "tiers": tiers}, -400)
    whole = account([known, told(CREATED, subscription(shown))])
    root = re_adds(whole, answer(whole, day(15)))[Figure.TOTAL].root
    base, seats = root.children

    writing = Writing(currency="usd", plain=True)
    assert (base.value, writing.arithmetic(seats)) == (9900, "144.00 - 99.00 = 45.00")
    (whole_price, _) = seats.children
    assert writing.arithmetic(whole_price) == "99.00 + 45.00 = 144.00"


def test_what_an_invoice_took_off_is_shown_of_the_lines_it_was_taken_off() -> None:
    """It is limited to an item, so that of all the lines no percentage comes to it."""
    off: dict[str, Any] = {"discount_amounts": [{"amount": 320, "discount": "di_LAUNCH20"}]}
    shown = invoice(line("base", 9900), line("seat", 1600, 2, **off), status="paid")
    began = told(CREATED, subscription(discounts=[discount(coupon())]))
    whole = account([began, told("invoice.paid", shown)])

    root = explanation(whole, answer(whole, day(15)), Figure.TOTAL).root

    (found,) = [each for each in root.children if each.label == "Coupon"]
    assert Writing(currency="usd", plain=True).arithmetic(found) == (
        "-20 % of 16.00 = -3.20"
    )


def test_each_open_timeline_is_explained_in_its_own_currency() -> None:
    unpaid = Unpaid()
    unpaid.subscription("active", -30)
    unpaid.failed(0, 3)
    unpaid.invoice("payment_failed", 8, name="in_2", currency="jpy", amount_due=5220)
    unpaid.invoice("payment_failed", -20, name="in_3")
    unpaid.paid(-19, name="in_3")
    whole = account_of(unpaid.events)

    found = explanation(whole, answer(whole, unpaid.at(9)), Figure.DUNNING)

    assert not list(wrong(found))
    assert found.title == f"What follows the failed payment of {INVOICE}"
    owed = [
        (tree.label, node.value, node.detail)
        for tree in (found.root, *found.beside)
        for node in nodes(tree)
        if node.label == "Amount due"
    ]
    assert owed == [
        (f"Stage of {INVOICE}", 9200, "USD"),
        ("Stage of in_2", "JPY 5220", None),
    ]


def test_what_another_subscription_owes_is_told_where_the_primary_owes_nothing() -> None:
    unpaid = Unpaid()
    unpaid.subscription("active", -30)
    unpaid.invoice("payment_failed", 0, subscription="sub_2", currency="jpy")
    whole = account_of(unpaid.events)

    found = explanation(whole, answer(whole, unpaid.at(8)), Figure.DUNNING)

    assert found.root.detail == "no payment of the subscription has failed"
    (other,) = found.beside
    assert (other.label, other.value) == (f"Stage of {INVOICE}", "paused")
    assert "JPY 9200" in [each.value for each in other.children]
