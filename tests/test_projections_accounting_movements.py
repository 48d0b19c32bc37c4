"""Recurring revenue over time, and the months it moves in, told to pure functions."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from ledger.book_months import BookMonth, BookMonthError, months_between
from priced import account, coupon, day, discount, item, subscription, told
from projections.accounting.movements import (
    CELLS,
    Edge,
    Movement,
    Movements,
    Row,
    Span,
    UnbalancedError,
    check,
)
from projections.accounting.recurring import Recurring, Step, recurring

EVER: Final = 400
MADE: Final = "customer.subscription.created"
CHANGED: Final = "customer.subscription.updated"
GONE: Final = "customer.subscription.deleted"


def steps(*events: Any, now: float = EVER) -> list[tuple[int, int, int]]:  # noqa: ANN401
    """Return day, before and after of each step."""
    found = recurring(account(events), day(now)).steps
    return [((each.at - day(0)).days, each.before, each.after) for each in found]


def spans(first: str, last: str, zone: str = "UTC") -> list[Span]:
    where = ZoneInfo(zone)
    months = months_between(BookMonth.parse(first), BookMonth.parse(last))
    return [Span(name=str(m), start=m.start(where), end=m.end(where)) for m in months]


def test_a_subscription_counts_while_it_is_active_or_past_due() -> None:
    trial = subscription(item("base"), status="trialing")
    paid = subscription(item("base"))

    found = steps(
        told(MADE, trial),
        told(CHANGED, paid, 14),
        told(CHANGED, {**paid, "status": "past_due"}, 45),
        told(CHANGED, {**paid, "status": "unpaid"}, 60),
        told(CHANGED, paid, 70),
        told(GONE, {**paid, "status": "canceled"}, 80),
    )

    assert found == [(14, 0, 9900), (60, 9900, 0), (70, 0, 9900), (80, 9900, 0)]


@pytest.mark.parametrize(
    ("recurs", "amount", "monthly"),
    [
        ({"interval": "year", "interval_count": 1}, "118800", 9900),
        ({"interval": "year", "interval_count": 1}, "100000", 8333),
        ({"interval": "month", "interval_count": 3}, "30000", 10000),
        ({"interval": "week", "interval_count": 1}, "1200", 5200),
        ({"interval": "day", "interval_count": 1}, "100", 3042),
    ],
)
def test_every_rhythm_is_spread_by_month(
    recurs: dict[str, object], amount: str, monthly: int
) -> None:
    sold = item("base", recurring=recurs, unit_amount_decimal=amount)

    assert steps(told(MADE, subscription(sold))) == [(0, 0, monthly)]


def test_metered_usage_and_unknown_prices_come_to_nothing() -> None:
    metered = item("seat", None)
    odd = item(
        "base", billing_scheme="tiered", unit_amount_decimal=None, tiers_mode="volume"
    )

    found = recurring(account([told(MADE, subscription(metered, odd))]), day(1))

    assert found == Recurring(unpriced=frozenset({"price_base"}))


def test_a_lasting_coupon_is_taken_off_while_it_works() -> None:
    launch = discount(coupon(duration="repeating", duration_in_months=2))

    found = steps(told(MADE, subscription(item("base"), discounts=[launch])))

    assert found == [(0, 0, 7920), (61, 7920, 9900)]


def test_a_coupon_for_one_invoice_is_not_recurring() -> None:
    once = discount(coupon(duration="once"))

    assert steps(told(MADE, subscription(item("base"), discounts=[once]))) == [(0, 0, 9900)]


def test_a_coupon_that_is_taken_away_stops_there() -> None:
    sold = subscription(item("base"))
    launch = {**discount(coupon()), "subscription": "sub_1"}

    found = steps(
        told(MADE, {**sold, "discounts": [launch]}),
        told("customer.discount.created", launch),
        told(CHANGED, {**sold, "discounts": []}, 20),
        told("customer.discount.deleted", launch, 20),
    )

    assert found == [(0, 0, 7920), (20, 7920, 9900)]


def test_what_was_told_late_counts_from_when_it_began() -> None:
    assert steps(told(MADE, subscription(item("base")), 40)) == [(0, 0, 9900)]


def test_what_comes_later_than_now_does_not_count() -> None:
    launch = discount(coupon(duration="repeating", duration_in_months=2))
    made = told(MADE, subscription(item("base"), discounts=[launch]))

    assert steps(made, now=30) == [(0, 0, 7920)]


def test_each_step_names_the_events_that_made_it() -> None:
    sold = subscription(item("base"))
    events = [told(MADE, sold), told(CHANGED, subscription(item("base", 2)), 9)]

    found = recurring(account(events), day(EVER)).steps

    assert [each.evidence for each in found] == [(1,), (2,)]
    assert {each.subscriptions for each in found} == {("sub_1",)}


def step(month: int, before: int, after: int, currency: str = "usd") -> Step:
    at = datetime(2026, month, 15, tzinfo=UTC)
    return Step(at=at, currency=currency, before=before, after=after)


def test_movements_are_told_by_what_was_and_what_is() -> None:
    figures = Movements(spans("2026-01", "2026-06"))
    figures.add(
        "cus_1",
        Recurring(
            steps=(
                step(1, 0, 100),
                step(2, 100, 150),
                step(3, 150, 120),
                step(4, 120, 0),
                step(6, 0, 90),
            )
        ),
    )

    told_rows = [list(row.amounts.values()) for row in figures.rows()]

    assert [str(cell) for cell in CELLS][1:6] == [str(kind) for kind in Movement]
    assert told_rows == [
        [0, 100, 0, 0, 0, 0, 100],
        [100, 0, 50, 0, 0, 0, 150],
        [150, 0, 0, 0, -30, 0, 120],
        [120, 0, 0, 0, 0, -120, 0],
        [0, 0, 0, 90, 0, 0, 90],
    ]


def test_what_happened_before_the_first_month_stands_in_its_opening() -> None:
    figures = Movements(spans("2026-03", "2026-03"))
    figures.add("cus_1", Recurring(steps=(step(1, 0, 100), step(2, 100, 0))))
    figures.add("cus_2", Recurring(steps=(step(1, 0, 70), step(3, 70, 80))))
    figures.add("cus_1", Recurring(steps=(step(1, 0, 5, "eur"),)))

    rows = figures.rows()

    assert [(row.currency, row.amounts[Edge.OPENING]) for row in rows] == [
        ("eur", 5),
        ("usd", 70),
    ]
    assert rows[1].accounts[Movement.EXPANSION] == 1


def test_a_month_begins_in_the_zone_of_the_books() -> None:
    late = datetime(2026, 4, 30, 22, 30, tzinfo=UTC)
    told_step = Recurring(steps=(Step(at=late, currency="eur", before=0, after=100),))

    months = {}
    for zone in ("UTC", "Europe/Paris"):
        figures = Movements(spans("2026-04", "2026-05", zone))
        figures.add("cus_1", told_step)
        months[zone] = [row.month for row in figures.rows() if row.accounts[Movement.NEW]]

    assert months == {"UTC": ["2026-04"], "Europe/Paris": ["2026-05"]}


def test_figures_that_do_not_add_up_are_refused() -> None:
    none: defaultdict[Any, int] = defaultdict(int)
    row = Row(month="2026-01", currency="usd", amounts=none, accounts=none)

    check(row, 0)
    with pytest.raises(UnbalancedError):
        check(row, 1)
    with pytest.raises(UnbalancedError):
        check(
            Row(month="", currency="", amounts={**dict.fromkeys(CELLS, 1)}, accounts={}), 1
        )


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-5", "0000-01", "9999-01", "now", "\uff12026-01"]
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(BookMonthError):
        BookMonth.parse(text)


def test_months_follow_each_other_over_the_year() -> None:
    found = [*months_between(BookMonth(2025, 11), BookMonth(2026, 2))]

    assert [str(each) for each in found] == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert found[-1].last_day.day == 28
