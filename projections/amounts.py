"""Amounts as somebody from finance reads them: ``USD 92.00``, ``JPY 1200``."""

from __future__ import annotations

from ledger.money import exponent


def amount(minor: object, currency: object) -> str:
    """Write *minor* units of *currency*; what is no amount is said to be one, no more."""
    if not isinstance(minor, int) or isinstance(minor, bool):
        return "an amount"
    name = currency.upper() if isinstance(currency, str) else ""
    digits = exponent(name)
    whole, part = divmod(abs(minor), 10**digits)
    sign = "-" if minor < 0 else ""
    fraction = f".{part:0{digits}d}" if digits else ""
    return f"{name} {sign}{whole}{fraction}".strip()
