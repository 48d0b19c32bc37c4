"""Amounts and numbers as a reader writes them: ``$1,234.50``, ``1.234,50 $``, ``￥1,200``.

An amount comes in minor units, with the currency that says how many make a whole one.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final

from ledger.money import exponent
from projections.page.readers import Reader

_DIGITS_MAX: Final = 12


def money(minor: int, currency: str | None, reader: Reader) -> str:
    """Write *minor* units of *currency*, with as many decimals as it has."""
    return _written(Decimal(minor), 0, currency, reader)


def unit_price(minor: str, currency: str | None, reader: Reader) -> str | None:
    """Write the price of one, which may be a part of a minor unit; None if it is none."""
    try:
        value = Decimal(minor)
    except InvalidOperation:
        return None
    if not value.is_finite():
        return None
    value = value.normalize()
    places = value.as_tuple().exponent
    more = max(0, -places) if isinstance(places, int) else 0
    return _written(value, min(more, _DIGITS_MAX), currency, reader)


def count(number: int, reader: Reader) -> str:
    """Write a whole number."""
    from babel.numbers import format_decimal  # noqa: PLC0415

    return str(format_decimal(number, locale=reader.locale))


def _written(minor: Decimal, more: int, currency: str | None, reader: Reader) -> str:
    whole = exponent(currency or "")
    amount = minor.scaleb(-whole)
    apply = _pattern(reader.locale, whole + more)
    sign = "\N{MINUS SIGN}" if amount < 0 else ""
    return sign + apply(abs(amount), (currency or "XXX").upper())


@lru_cache(maxsize=1024)
def _pattern(locale: str, digits: int) -> Callable[[Decimal, str], str]:
    """Return what writes amounts of *digits* decimals, whatever Babel thinks of them.

    Stripe counts some currencies in hundredths that are not written so elsewhere.
    """
    from babel.core import Locale  # noqa: PLC0415

    parsed = Locale.parse(locale)
    pattern = copy.copy(parsed.currency_formats["standard"])
    pattern.frac_prec = (digits, digits)

    def apply(amount: Decimal, currency: str) -> str:
        return str(pattern.apply(amount, parsed, currency=currency, currency_digits=False))

    return apply
