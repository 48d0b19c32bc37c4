"""Amounts in minor units: how they are rounded, shared out and written."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

_EXPONENTS: Final = {"jpy": 0, "kwd": 3}
_SIGNS: Final = {"usd": "$", "eur": "\u20ac", "jpy": "\u00a5", "kwd": "KWD "}
_USUAL_EXPONENT: Final = 2
# The smallest amount that can be charged: of three decimals the last one is 0.
_STEPS: Final = {"kwd": 10}


def rounded(exact: Fraction, currency: str) -> int:
    """Return *exact* minor units as an amount that can be charged.

    Half up, away from zero for credits, so that a charge and its reversal cancel.
    """
    step = _STEPS.get(currency, 1)
    whole, rest = divmod(abs(exact.numerator), exact.denominator * step)
    whole += 2 * rest >= exact.denominator * step
    return step * (whole if exact >= 0 else -whole)


def shares(amount: int, weights: Sequence[int], currency: str) -> list[int]:
    """Share *amount* out by *weights*, none of them negative, by largest remainder.

    What is left goes one step at a time to the largest remainders, the first of equals;
    the shares add up to *amount*, and no share is above its weight if the amount is not
    above their sum.
    """
    whole, step = sum(weights), _STEPS.get(currency, 1)
    if whole == 0:
        return [0 for _ in weights]
    parts = [divmod(amount // step * weight, whole) for weight in weights]
    shared = [part for part, _ in parts]
    left = amount // step - sum(shared)
    by_rest = sorted(range(len(parts)), key=lambda number: -parts[number][1])
    for number in by_rest[:left]:
        shared[number] += 1
    return [each * step for each in shared]


def shown(amount: int, currency: str) -> str:
    """Return an amount in Stripe's words, such as ``$9.00`` or ``¥900``."""
    exponent = _EXPONENTS.get(currency, _USUAL_EXPONENT)
    units, rest = divmod(abs(amount), 10**exponent)
    minus = "-" if amount < 0 else ""
    fraction = f".{rest:0{exponent}d}" if exponent else ""
    return f"{minus}{_SIGNS[currency]}{units}{fraction}"
