"""Amounts, tariffs, coupons and parts of periods: the arithmetic, and its laws."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.coupons import Base, Reduction, ends_at, take
from ledger.money import decimal_text, exponent, half_up, representable, rounded, shares
from ledger.months import months_after
from ledger.pricing import Mode, NoPriceError, Tariff, Tier, exact_price, parts, price
from ledger.proration import fraction_left, prorated

AT = datetime(2026, 1, 31, 9, tzinfo=UTC)
AMOUNTS = st.integers(min_value=0, max_value=10**9)
PERCENTS = st.decimals(min_value=0, max_value=100, places=2)
FEW = settings(max_examples=100, deadline=None)


def test_a_half_goes_away_from_zero_on_both_sides() -> None:
    for exact, minor in [("0.5", 1), ("1.5", 2), ("2.4999", 2), ("0", 0), ("33.335", 33)]:
        assert half_up(Decimal(exact)) == minor
        assert half_up(-Decimal(exact)) == -minor


def test_currencies_have_stripes_decimals_and_its_traps() -> None:
    for currency, decimals in [("usd", 2), ("JPY", 0), ("kwd", 3), ("isk", 2), ("ugx", 2)]:
        assert exponent(currency) == decimals


def test_amounts_of_three_decimals_end_in_0() -> None:
    for exact, currency, minor in [("3525", "kwd", 3530), ("-3525", "KWD", -3530)]:
        assert rounded(Decimal(exact), currency) == minor
    assert rounded(Decimal("3525.5"), "usd") == 3526


def test_no_amount_lies_beyond_two_to_the_53rd() -> None:
    assert representable(2**53)
    assert representable(-(2**53))
    assert not representable(2**53 + 1)


def test_what_is_left_goes_to_the_largest_remainders_first() -> None:
    for total, weights, expected in [
        (100, [1, 1, 1], (34, 33, 33)),
        (1000, [17400, 8700], (667, 333)),
        (-5, [1, 1], (-3, -2)),
        (7, [0, 0], (7, 0)),
        (0, [3, 4], (0, 0)),
        (3, [], ()),
    ]:
        assert shares(total, weights) == expected


@FEW
@given(
    total=st.integers(-(10**12), 10**12),
    weights=st.lists(st.integers(0, 10**9), min_size=1, max_size=8),
)
def test_shares_add_up_and_none_is_a_unit_off(total: int, weights: list[int]) -> None:
    found = shares(total, weights)

    assert sum(found) == total
    if sum(weights):
        for share, weight in zip(found, weights, strict=True):
            assert abs(share - Fraction(total * weight, sum(weights))) < 1


def test_numbers_that_end_are_written_whole() -> None:
    for exact, text in [
        (Fraction(33, 4), "8.25"),
        (Fraction(-1, 80), "-0.0125"),
        (Fraction(1500), "1500"),
        (Fraction(1, 3), None),
    ]:
        assert decimal_text(exact) == text


TIERS = (
    Tier(up_to=5, flat=Decimal(9900)),
    Tier(up_to=None, unit=Decimal(1500)),
)
DOCUMENTED = (Tier(up_to=5, unit=Decimal(700)), Tier(up_to=None, unit=Decimal(650)))


def test_tariffs_price_units_packages_and_tiers() -> None:
    for tariff, quantity, amount in [
        (Tariff(unit=Decimal(800)), 2, 1600),
        (Tariff(unit=Decimal("0.000000000001")), 10**12, 1),
        (Tariff(unit=Decimal("0.5")), 1, 1),
        (Tariff(unit=Decimal(100), divide_by=5, round_up=True), 12, 300),
        (Tariff(unit=Decimal(100), divide_by=5), 12, 200),
        (Tariff(tiers=TIERS), 8, 9900 + 3 * 1500),
        (Tariff(tiers=TIERS), 5, 9900),
        (Tariff(tiers=TIERS), 0, 9900),
        (Tariff(tiers=DOCUMENTED, mode=Mode.VOLUME), 6, 3900),
        (Tariff(tiers=DOCUMENTED, mode=Mode.VOLUME), 5, 3500),
        (Tariff(tiers=DOCUMENTED), 6, 5 * 700 + 650),
    ]:
        assert price(tariff, quantity) == amount


def test_what_has_no_price_is_said_to_have_none() -> None:
    for tariff, quantity in [(Tariff(), -1), (Tariff(tiers=TIERS[:1]), 6)]:
        with pytest.raises(NoPriceError):
            price(tariff, quantity)


@FEW
@given(
    sizes=st.lists(st.integers(1, 50), max_size=4),
    units=st.lists(st.integers(0, 10**6), min_size=5, max_size=5),
    quantity=st.integers(0, 500),
)
def test_graduated_tiers_price_every_unit_once(
    sizes: list[int], units: list[int], quantity: int
) -> None:
    ends = [sum(sizes[: place + 1]) for place in range(len(sizes))]
    tiers = [
        Tier(up_to=end, unit=Decimal(unit)) for end, unit in zip(ends, units, strict=False)
    ]
    tariff = Tariff(tiers=(*tiers, Tier(up_to=None, unit=Decimal(units[-1]))))

    assert sum(part.quantity for part in parts(tariff, quantity)) == quantity
    one_by_one = [
        exact_price(tariff, count + 1) - exact_price(tariff, count)
        for count in range(quantity)
    ]
    assert sum(one_by_one) == exact_price(tariff, quantity)


LINES = (Base(amount=17400), Base(amount=8700, item="si_2", product="prod_2"))


def test_coupons_stack_item_level_first_each_on_what_remains() -> None:
    on_item = Reduction(percent=Decimal(10), item="si_2")
    on_all = Reduction(percent=Decimal(10))

    for order in ([on_item, on_all], [on_all, on_item]):
        found = take(LINES, order, "usd")
        first, last = found if order[0] is on_item else found[::-1]
        assert first is not None
        assert first.shares == (0, 870)
        assert last is not None
        assert (last.base, last.shares) == (25230, (1740, 783))


def test_shares_of_three_decimals_end_in_0_as_what_is_shared_does() -> None:
    for total, weights, expected in [
        (100, [10, 10, 10], (40, 30, 30)),
        (-1000, [20, 10], (-670, -330)),
        (105, [10, 10], (53, 52)),
        (100, [15, 15], (50, 50)),
    ]:
        assert shares(total, weights, 10) == expected

    lines = [Base(amount=4990), Base(amount=3330, item="si_2")]
    on_all, on_item = Reduction(percent=Decimal("33.3")), Reduction(item="si_2")
    taken = take(lines, [attrs.evolve(on_item, percent=Decimal(5)), on_all], "kwd")
    assert [each and each.shares for each in taken] == [(0, 170), (1660, 1050)]


def test_a_fixed_amount_counts_in_its_own_currency_and_never_below_zero() -> None:
    off = Reduction(amounts={"usd": 200, "eur": 180})
    for currency, amount, expected in [("usd", 100, 100), ("eur", 1000, 180)]:
        (taken,) = take([Base(amount=amount)], [off], currency)
        assert taken is not None
        assert taken.amount == expected
    assert take([Base(amount=100)], [off], "gbp") == (None,)


def test_a_coupon_keeps_to_its_products_and_to_what_can_be_discounted() -> None:
    lines = (*LINES, Base(amount=-500, product="prod_2"))
    for lines_now, reduction, expected in [
        (lines, Reduction(percent=Decimal(50), products=frozenset({"prod_2"})), 4350),
        ([Base(amount=100, discountable=False)], Reduction(percent=Decimal(50)), 0),
    ]:
        (taken,) = take(lines_now, [reduction], "usd")
        assert taken is not None
        assert taken.amount == expected


@FEW
@given(
    amounts=st.lists(st.integers(-(10**6), 10**9), min_size=1, max_size=6),
    percents=st.lists(PERCENTS, max_size=3),
    fixed=st.lists(AMOUNTS, max_size=2),
)
def test_what_is_taken_lies_between_nothing_and_the_base(
    amounts: list[int], percents: list[Decimal], fixed: list[int]
) -> None:
    lines = [Base(amount=amount) for amount in amounts]
    reductions = [Reduction(percent=each) for each in percents]
    reductions += [Reduction(amounts={"usd": each}) for each in fixed]
    left = amounts

    for taken in take(lines, reductions, "usd"):
        assert taken is not None
        assert all(share >= 0 for share in taken.shares)
        assert taken.base == sum(max(0, each) for each in left)
        left = [before - share for before, share in zip(left, taken.shares, strict=True)]
    for before, after in zip(amounts, left, strict=True):
        assert min(before, 0) <= after <= before


@FEW
@given(months=st.integers(1, 60), day=st.integers(0, 1500))
def test_a_repeating_coupon_is_on_as_many_monthly_invoices_as_it_has_months(
    months: int, day: int
) -> None:
    start = AT + timedelta(days=day)
    end = ends_at("repeating", months, start)

    assert end is not None
    invoiced = [months_after(start, number) for number in range(80)]
    assert sum(start <= at < end for at in invoiced) == months


def test_only_repeating_coupons_stop_by_themselves() -> None:
    assert ends_at("repeating", 1, AT) == datetime(2026, 2, 28, 9, tzinfo=UTC)
    assert ends_at("repeating", 3, AT) == datetime(2026, 4, 30, 9, tzinfo=UTC)
    assert ends_at("once", None, AT) is None
    assert ends_at("forever", None, AT) is None


@FEW
@given(
    amount=AMOUNTS,
    length=st.integers(1, 400 * 86_400),
    used=st.integers(0, 400 * 86_400),
)
def test_a_charge_for_the_rest_and_its_reversal_cancel(
    amount: int, length: int, used: int
) -> None:
    end = AT + timedelta(seconds=length)
    left = fraction_left(AT, end, AT + timedelta(seconds=used))

    assert prorated(amount, left, "usd") + prorated(-amount, left, "usd") == 0
    assert 0 <= prorated(amount, left, "usd") <= amount
    assert fraction_left(AT, end, AT) == 1
    assert fraction_left(AT, end, end) == fraction_left(AT, AT, AT) == 0
