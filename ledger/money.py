"""Amounts of money: whole minor units, and how what is no whole number becomes one.

    half_up(0.5) = 1      half_up(-0.5) = -1      a charge and its reversal cancel
    shares(100, [1, 1, 1]) = 34, 33, 33           shares add up to the whole

No figure is ever a float: what is not whole is a Fraction or a Decimal until it is
rounded, once, where a docstring says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

ZERO_DECIMAL: Final = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV"}
    | {"XAF", "XOF", "XPF"}
)
THREE_DECIMAL: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
MINOR_MAX: Final = 2**53
"""Beyond this a number may have lost digits on its way through JSON."""

Exact = Fraction | Decimal | int


def exponent(currency: str) -> int:
    """Return how many decimals *currency* has with Stripe: the króna and UGX have two.

    Source: docs.stripe.com/currencies; ISK and UGX are written with two decimals there
    though they have none, and all of the three-decimal ones end in 0.
    """
    name = currency.upper()
    return 0 if name in ZERO_DECIMAL else 3 if name in THREE_DECIMAL else 2


def half_up(exact: Exact) -> int:
    """Return *exact* as whole minor units; a half goes away from zero, on both sides."""
    value = Fraction(exact)
    quotient, remainder = divmod(abs(value.numerator), value.denominator)
    rounded = quotient + (2 * remainder >= value.denominator)
    return rounded if value >= 0 else -rounded


def rounded(exact: Exact, currency: str) -> int:
    """Return *exact* as an amount of *currency*, half up."""
    return to_step(exact, step(currency))


def step(currency: str) -> int:
    """Return what amounts of *currency* are multiples of, in minor units.

    Source: docs.stripe.com/currencies: three decimals end in 0.
    """
    return 10 if currency.upper() in THREE_DECIMAL else 1


def to_step(exact: Exact, step: int) -> int:
    """Return *exact* as a multiple of *step*, half up."""
    return half_up(Fraction(exact) / step) * step


def representable(minor: int) -> bool:
    """Tell whether *minor* can be an amount: beyond 2^53 digits may be lost."""
    return -MINOR_MAX <= minor <= MINOR_MAX


def shares(total: int, weights: Sequence[Exact], step: int = 1) -> tuple[int, ...]:
    """Divide *total* by *weights*, by largest remainder; the shares add up to it.

    Each gets its part rounded down, towards zero; what is left goes one by one to the
    largest remainders, of equal ones to the first. Without any weight the first gets it
    all.

    Args:
        weights: Not negative.
        step: What shares are multiples of, where the total and all weights are.
    """
    if not weights:
        return ()
    if step > 1 and not any(each % step for each in (total, *weights)):
        apart = shares(total // step, [Fraction(each) / step for each in weights])
        return tuple(each * step for each in apart)
    parts = [Fraction(weight) for weight in weights]
    whole = sum(parts, Fraction())
    if whole == 0:
        return (total, *[0] * (len(weights) - 1))
    sign, left = (1 if total >= 0 else -1), abs(total)
    quotas = [left * part / whole for part in parts]
    floors = [quota.numerator // quota.denominator for quota in quotas]
    order = sorted(range(len(quotas)), key=lambda at: (floors[at] - quotas[at], at))
    for at in order[: left - sum(floors)]:
        floors[at] += 1
    return tuple(sign * each for each in floors)


def decimal_text(exact: Exact) -> str | None:
    """Return *exact* as plain digits, such as ``8.25``; None where they would not end."""
    value = Fraction(exact)
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return None
    places = max(twos, fives)
    digits = abs(value.numerator) * 10**places // value.denominator
    whole, part = divmod(digits, 10**places)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}.{part:0{places}d}" if places else f"{sign}{whole}"
