"""The simulator's invoices: their sums, in every version, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs
import pytest

from replay.simulator.coupons import Coupon, Discount, Duration, reduced
from replay.simulator.habits import Breadth, Habits, Money, Taxed
from replay.simulator.lines import Line
from replay.simulator.money import rounded, shares
from replay.simulator.prices import Packs, Price, Tier, TiersMode
from replay.simulator.shapes import Shape
from replay.simulator.simulation import Simulation
from replay.simulator.taxes import TaxRate, taxed
from whole_life import START, events, objects, of_type

PRICE = Price(
    price_id="price_1",
    product_id="prod_1",
    nickname="Seat",
    unit_amount=100,
    currency="usd",
    created=0,
    metadata={},
)


def line(amount: int, item: str = "si_1", **changes: Any) -> Line:  # noqa: ANN401
    known = Line(
        line_id="il_1",
        item_id=item,
        price=PRICE,
        quantity=1,
        unit_amount=amount,
        amount=amount,
        start=0,
        end=1,
    )
    return attrs.evolve(known, **changes)


def discount(
    percent: str | None = None,
    amount: int | None = None,
    item: str | None = None,
    **changes: Any,  # noqa: ANN401
) -> Discount:
    coupon = Coupon(
        coupon_id="C1",
        created=0,
        name="C",
        duration=Duration.FOREVER,
        percent_off=Decimal(percent) if percent else None,
        amount_off=amount,
        currency="usd" if amount else None,
    )
    for name, value in changes.items():
        setattr(coupon, name, value)
    name = f"di_{percent or amount}"
    return Discount(
        discount_id=name, coupon=coupon, customer_id="cus_1", start=0, item_id=item
    )


def taken(lines: list[Line], *discounts: Discount, currency: str = "usd") -> list[Any]:
    return [[off for _, off in each.taken] for each in reduced(lines, discounts, currency)]


def test_discounts_of_items_come_first_and_each_takes_from_what_is_left() -> None:
    # As recorded: 10 % on the second line, then 10 % on the invoice.
    lines = [line(17400), line(8700, "si_2")]

    off = taken(lines, discount("10"), discount("10.0", item="si_2"))

    assert off == [[1740], [870, 783]]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([discount("33.3")], [[34], [33], [33]]),
        ([discount(amount=1000)], [[101], [100], [99]]),
        ([discount(amount=100)], [[34], [33], [33]]),
        ([discount("50"), discount(amount=200)], [[51, 50], [50, 50], [49, 50]]),
        ([discount(amount=100, currency="eur")], [[0], [0], [0]]),
        ([discount("10", products=frozenset({"prod_2"}))], [[], [], []]),
        ([discount("100")], [[101], [100], [99]]),
    ],
)
def test_a_discount_is_shared_out_by_largest_remainder(
    given: list[Discount], expected: list[list[int]]
) -> None:
    off = taken([line(101), line(100), line(99)], *given)

    assert off == expected


def test_nothing_is_taken_off_what_has_its_discount_in_it() -> None:
    lines = [line(-300, discountable=False), line(400)]

    assert taken(lines, discount(amount=1000)) == [[], [400]]


def test_shares_add_up_and_three_decimals_end_in_nothing() -> None:
    assert shares(100, [1, 1, 1], "usd") == [34, 33, 33]
    assert shares(100, [10, 10, 10], "kwd") == [40, 30, 30]
    assert [rounded(Fraction(each, 2), "usd") for each in (-3, 3)] == [-2, 2]
    assert rounded(Fraction(1005), "kwd") == 1010


@pytest.mark.parametrize(
    ("inclusive", "exempt", "amount", "taxable", "reason"),
    [
        (False, "none", 190, 1000, "standard_rated"),
        (True, "none", 160, 840, "standard_rated"),
        (False, "reverse", 0, 1000, "reverse_charge"),
        (True, "exempt", 0, 1000, "customer_exempt"),
    ],
)
def test_tax_is_beside_the_line_or_within_it_or_nothing(
    *, inclusive: bool, exempt: str, amount: int, taxable: int, reason: str
) -> None:
    rate = TaxRate(
        rate_id="txr_1",
        created=0,
        country="DE",
        display_name="VAT",
        tax_type="vat",
        percentage=Decimal(19),
        inclusive=inclusive,
    )

    (each,) = taxed([line(1000)], [rate], exempt, "usd")

    (tax,) = each.taxes
    assert (tax.amount, tax.taxable, tax.reason) == (amount, taxable, reason)
    assert each.total == 1000 + (0 if inclusive else amount)


TIERS = (Tier(up_to=5, flat=0, unit=700), Tier(up_to=None, flat=0, unit=650))


@pytest.mark.parametrize(
    ("changes", "quantity", "amount"),
    [
        ({"tiers": TIERS, "tiers_mode": TiersMode.VOLUME}, 6, 3900),
        ({"tiers": TIERS, "tiers_mode": TiersMode.VOLUME}, 5, 3500),
        ({"tiers": TIERS}, 6, 4150),
        ({"unit_amount": 4500, "packs": Packs(divide_by=5)}, 11, 13500),
        ({"unit_amount": 4500, "packs": Packs(divide_by=5, round="down")}, 11, 9000),
        ({"unit_decimal": Decimal("1249.5")}, 3, 3749),
    ],
)
def test_a_quantity_is_priced_as_the_price_is_written(
    changes: dict[str, Any], quantity: int, amount: int
) -> None:
    price = attrs.evolve(PRICE, **{"unit_amount": None, **changes})

    assert sum(part.amount for part in price.charged(quantity)) == amount


def invoices(shape: Shape) -> Iterator[dict[str, Any]]:
    for event in events(shape):
        if event["data"]["object"]["object"] == "invoice":
            yield event["data"]["object"]


def exclusive(taxes: list[dict[str, Any]]) -> int:
    return sum(
        tax["amount"]
        for tax in taxes
        if not tax.get("inclusive", tax.get("tax_behavior") == "inclusive")
    )


@pytest.mark.parametrize("shape", [Shape.Y2020, Shape.ENDIVE])
def test_every_invoice_adds_up_as_stripes_do(shape: Shape) -> None:
    kinds = set()
    for billed in invoices(shape):
        lines = billed["lines"]["data"]
        taxes = billed.get("total_taxes") or billed.get("total_tax_amounts") or []
        off = sum(each["amount"] for each in billed["total_discount_amounts"])
        beside = exclusive(taxes)
        amount = sum(each["amount"] for each in lines)
        assert amount - off + beside == billed["total"]
        of_lines = [part for each in lines for part in each["discount_amounts"]]
        assert sum(part["amount"] for part in of_lines) == off
        on_lines = [t for each in lines for t in each.get("taxes", each.get("tax_amounts"))]
        assert exclusive(on_lines) == beside
        due = max(0, billed["total"] + billed["starting_balance"])
        credited = billed["pre_payment_credit_notes_amount"]
        assert billed["amount_due"] == due - credited
        assert billed["amount_remaining"] == billed["amount_due"] - billed["amount_paid"]
        if billed["status"] != "draft":
            left = min(0, billed["total"] + billed["starting_balance"])
            assert billed["ending_balance"] == left
        said = {
            "discount": off,
            "tax": beside,
            "within": len(on_lines) and not beside,
            "credit": credited,
            "balance": billed["starting_balance"],
            "negative": billed["total"] < 0,
            "free": not billed["total"],
            "mail": billed["due_date"],
        }
        kinds |= {name for name, present in said.items() if present}

    assert kinds == set(said)


def test_all_that_becomes_of_money_is_told() -> None:
    told = {event["type"] for event in events()}

    assert told >= {
        *("charge.dispute.closed", "charge.dispute.created", "charge.dispute.updated"),
        *("charge.dispute.funds_reinstated", "charge.dispute.funds_withdrawn"),
        *("charge.refunded", "refund.created", "credit_note.created"),
        *("coupon.created", "coupon.updated", "promotion_code.updated"),
        *("customer.discount.created", "customer.discount.deleted"),
        *("invoice.overdue", "invoice.sent", "invoice.will_be_due", "invoice.voided"),
        *("invoice.marked_uncollectible", "invoice.payment_action_required"),
        *("invoiceitem.created", "payment_intent.requires_action"),
    }


def test_discounts_are_on_customers_subscriptions_and_items() -> None:
    given = objects("customer.discount.created")
    gone = {each["id"] for each in objects("customer.discount.deleted")}

    assert any(each["subscription_item"] for each in given)
    assert any(each["subscription"] and not each["subscription_item"] for each in given)
    assert any(not each["subscription"] for each in given)
    assert any(each["promotion_code"] for each in given)
    assert {each["id"] for each in given} > gone
    assert any(each["end"] for each in given)


def test_unused_and_remaining_time_are_two_items_that_are_billed_together() -> None:
    made = [each for each in objects("invoiceitem.created") if each["proration"]]
    assert any(each["amount"] < 0 for each in made)
    for each in made:
        unused = each["description"].startswith("Unused time on ")
        assert (each["amount"] <= 0) if unused else (each["amount"] >= 0)
        assert not each["discountable"]

    billed = {
        part["parent"]["subscription_item_details"]["invoice_item"]: part["amount"]
        for invoice in objects("invoice.created")
        for part in invoice["lines"]["data"]
        if part["parent"]["subscription_item_details"]
    }
    amounts = {each["id"]: each["amount"] for each in made}
    assert len(billed.keys() & amounts.keys()) > 20
    assert all(billed[name] == amounts[name] for name in billed.keys() & amounts.keys())


def test_habits_say_what_a_company_is_like() -> None:
    money = Money(
        country="JP",
        taxed=Taxed.INCLUSIVE,
        mail_days=14,
        currency="jpy",
        plan="Team",
        eventful=6,
    )
    habits = Habits(breadth=Breadth.WHOLE, money=money)
    asked = Simulation(seed=5, accounts=6, months=6, start=START, habits=habits)
    told = [json.loads(o.body) for o in asked.occurrences() if hasattr(o, "body")]
    about = [event["data"]["object"] for event in told if event["type"] == "invoice.sent"]

    assert len(about) > 10
    assert {each["currency"] for each in about} == {"jpy"}
    assert {each["due_date"] - each["created"] for each in about} == {14 * 86400}
    assert all(each["customer_address"]["country"] for each in about)


def test_a_dispute_is_closed_as_won_or_lost() -> None:
    assert {each["status"] for each in objects("charge.dispute.closed")} == {"won", "lost"}
    reinstated = {each["id"] for each in objects("charge.dispute.funds_reinstated")}
    won = {e["id"] for e in objects("charge.dispute.closed") if e["status"] == "won"}
    assert reinstated == won


def test_a_refund_is_never_above_its_charge() -> None:
    refunded = list(of_type("charge.refunded"))

    assert {event["data"]["object"]["refunded"] for event in refunded} == {True, False}
    for event in refunded:
        back = event["data"]["object"]["amount_refunded"]
        before = event["data"]["previous_attributes"]["amount_refunded"]
        assert before < back <= event["data"]["object"]["amount"]
