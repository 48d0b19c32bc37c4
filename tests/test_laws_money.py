"""What holds of every period's total, whatever was sold, reduced, invoiced or told late."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.events import Event
from ledger.money import half_up
from ledger.months import months_after
from priced import (
    START,
    billing,
    coupon,
    day,
    discount,
    invoice,
    item,
    line,
    seconds,
    subscription,
    told,
    total,
)
from projections.status.renewals import Period
from projections.totals.period_lines import Kind, PeriodLine, Source
from projections.totals.period_total import PeriodTotal, period_total
from test_laws import EXAMPLES, held

STARTS: Final = (0, 31, 61, 92)
"""The days on which the periods of the histories begin."""

percents = st.integers(1, 1000).map(lambda number: number / 10)


@attrs.frozen(kw_only=True)
class Month:
    """What happened in one period; amounts are minor units.

    Attributes:
        billed: The status of its invoice, None without one; *due* are its base and seats.
        added: Charged, and given back if so, within it.
        credited: By a credit note of its invoice.
    """

    quantity: int
    unit: int
    coupons: tuple[str, ...] = ()
    billed: str | None = None
    due: tuple[int, int] = (0, 0)
    taken: int = 0
    added: int = 0
    credited: int = 0


months = st.builds(
    Month,
    quantity=st.integers(0, 40),
    unit=st.integers(0, 3000),
    coupons=st.lists(st.sampled_from(["P", "Q", "F"]), unique=True, max_size=3).map(tuple),
    billed=st.sampled_from([None, None, "draft", "open", "paid", "void"]),
    due=st.tuples(st.integers(-500, 9900), st.integers(0, 5000)),
    taken=st.integers(0, 400),
    added=st.integers(-3000, 3000),
    credited=st.integers(0, 500),
)
KINDS: Final[dict[str, dict[str, Any]]] = {
    "P": {"percent_off": 33.3},
    "Q": {"percent_off": 12.5, "duration": "repeating", "duration_in_months": 2},
    "F": {"percent_off": None, "amount_off": 700, "currency": "usd"},
}


def history(lived: Sequence[Month]) -> list[Event]:
    events: list[Event] = []
    for place, month in enumerate(lived):
        start, end = STARTS[place], STARTS[place + 1]
        on = [discount(coupon(**{"id": name, **KINDS[name]})) for name in month.coupons]
        amount = str(month.unit)
        items = [
            item("base", start=start, end=end),
            item("seat", month.quantity, start=start, end=end, unit_amount_decimal=amount),
        ]
        kind = "updated" if place else "created"
        shown = subscription(*items, discounts=on)
        events.append(told(f"customer.subscription.{kind}", shown, start))
        events += _around(place, month)
    return events


def _around(place: int, month: Month) -> list[Event]:
    start, end = STARTS[place], STARTS[place + 1]
    found = []
    if month.added:
        span = {"start": seconds(day(start + 9)), "end": seconds(day(end))}
        waiting: dict[str, Any] = {
            "id": f"ii_{place}",
            "subscription": "sub_1",
            "amount": month.added,
        }
        waiting |= {"period": span, "proration": True, "currency": "usd"}
        found.append(told("invoiceitem.created", waiting, start + 9))
    if month.billed is not None:
        base, seats = month.due
        off = {"discount_amounts": [{"amount": month.taken, "discount": "di_P"}]}
        shown_lines = [
            line("base", base, start=start, end=end),
            line("seat", seats, month.quantity, start=start, end=end, **off),
        ]
        shown = {
            **invoice(*shown_lines, at=start, status=month.billed),
            "id": f"in_{place}",
        }
        found.append(told("invoice.updated", shown, start + 0.1))
        if month.credited:
            note: dict[str, Any] = {
                "id": f"cn_{place}",
                "invoice": f"in_{place}",
                "status": "issued",
            }
            note |= {"total": month.credited, "currency": "usd"}
            found.append(told("credit_note.created", note, start + 12))
    return found


def totals(events: Sequence[Event], now: float) -> list[PeriodTotal]:
    books = billing(*events, now=now).books
    assert books is not None
    spans = [Period(day(start), day(end)) for start, end in pairwise(STARTS)]
    return [period_total(books, each) for each in spans]


def bare(found: PeriodTotal) -> PeriodTotal:
    """Return it without where it is told, which depends on what arrived when."""
    lines = tuple(attrs.evolve(each, evidence=()) for each in found.lines)
    odd = tuple(attrs.evolve(each, evidence=()) for each in found.findings)
    return attrs.evolve(found, lines=lines, findings=odd)


def lines(found: PeriodTotal) -> tuple[PeriodLine, ...]:
    return bare(found).lines


lives = st.lists(months, min_size=1, max_size=3)


@pytest.mark.parametrize("examples", EXAMPLES)
def test_P09_a_total_is_its_lines_and_its_parts_in_every_history(examples: int) -> None:
    @given(lives, st.integers(0, 95))
    def law(lived: list[Month], now: int) -> None:
        for found in totals(history(lived), now):
            parts = found.base + found.seats + found.other - found.discount + found.tax
            assert sum(each.amount for each in found.lines) == found.total == parts
            assert "law_broken" not in {each.code for each in found.findings}
            computed = [each for each in found.lines if each.source is Source.ESTIMATE]
            taken = -sum(each.amount for each in computed if each.kind is Kind.DISCOUNT)
            still_open = [
                each.amount
                for each in found.lines
                if each.source in {Source.ESTIMATE, Source.PENDING} and each.amount > 0
            ]
            assert 0 <= taken <= sum(still_open)
        for place, month in enumerate(lived):
            if month.billed in {"open", "paid"}:
                found = totals(history(lived), now)[place]
                copied = [each for each in found.lines if each.source is Source.INVOICE]
                assert sum(each.amount for each in copied) == sum(month.due) - month.taken
                assert found.credited == month.credited

    held(law, examples)


@pytest.mark.parametrize("examples", EXAMPLES)
def test_B03_totals_are_the_same_for_every_order_of_deliveries(examples: int) -> None:
    @given(lives, st.integers(0, 95), st.randoms(use_true_random=False))
    def law(lived: list[Month], now: int, chance: Any) -> None:  # noqa: ANN401 - a random
        events = history(lived)
        mixed = [*events, *chance.sample(events, len(events) // 2)]
        chance.shuffle(mixed)
        unique = list(dict.fromkeys(mixed))

        assert [bare(each) for each in totals(unique, now)] == [
            bare(each) for each in totals(events, now)
        ]

    held(law, examples // 2)


@pytest.mark.parametrize("examples", EXAMPLES)
def test_percentages_stack_in_the_given_order(examples: int) -> None:
    @given(st.integers(1, 100_000), st.lists(percents, min_size=1, max_size=4))
    def law(price: int, each_off: list[float]) -> None:
        coupons = [
            coupon(id=f"C{place}", percent_off=percent)
            for place, percent in enumerate(each_off)
        ]
        sold = item("base", unit_amount_decimal=str(price))
        shown = subscription(sold, discounts=[discount(each) for each in coupons])

        found = total(told("customer.subscription.created", shown))

        left = price
        for percent in each_off:
            left -= half_up(left * Decimal(str(percent)) / 100)
        assert found.total == left

    held(law, examples)


@pytest.mark.parametrize("examples", EXAMPLES)
def test_repeating_months_count_exactly(examples: int) -> None:
    @given(st.integers(1, 14), st.integers(0, 16), st.integers(0, 40))
    def law(length: int, number: int, now: int) -> None:
        kind = coupon(duration="repeating", duration_in_months=length)
        shown = subscription(item("base"), discounts=[discount(kind)])
        first = told("customer.subscription.created", shown)
        books = billing(first, now=now).books
        assert books is not None
        month = Period(months_after(START, number), months_after(START, number + 1))

        assert (period_total(books, month).discount > 0) == (number < length)

    held(law, examples // 2)


@pytest.mark.parametrize("examples", EXAMPLES)
def test_a_charge_and_its_reversal_cancel(examples: int) -> None:
    @given(lives, st.integers(1, 10**9), st.integers(0, 91), st.integers(0, 95))
    def law(lived: list[Month], amount: int, at: int, now: int) -> None:
        def waiting(name: str, charged: int) -> Event:
            shown: dict[str, Any] = {"id": name, "subscription": "sub_1", "amount": charged}
            shown |= {"proration": True, "currency": "usd", "discountable": False}
            span = {"start": seconds(day(at)), "end": seconds(day(at + 1))}
            return told("invoiceitem.created", {**shown, "period": span}, at)

        events = history(lived)
        both = [waiting("ii_up", amount), waiting("ii_down", -amount)]

        assert [each.total for each in totals([*events, *both], now)] == [
            each.total for each in totals(events, now)
        ]

    held(law, examples // 2)


@pytest.mark.parametrize("examples", EXAMPLES)
def test_an_invoice_told_late_changes_its_own_period_and_no_other(examples: int) -> None:
    @given(lives, st.integers(0, 9900))
    def law(lived: list[Month], amount: int) -> None:
        events = history(lived)
        now = STARTS[-1] + 30
        own = {"invoice_item_details": {"invoice_item": "ii_late", "proration": False}}
        extra = line(None, amount, start=2, end=3, parent=own)
        shown = invoice(extra, at=2, status="paid", id="in_late")
        late = told("invoice.paid", shown, 2)

        before, after = totals(events, now), totals([*events, late], now)

        assert [lines(each) for each in after[1:]] == [lines(each) for each in before[1:]]
        assert after[0].total - before[0].total == amount
        assert after[0].other - before[0].other == amount

    held(law, examples // 2)
