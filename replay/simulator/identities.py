"""Ids that look like Stripe's.

evt_1SRzqTKXBGcbgpbZ2oOjjHvF   made up of time, Stripe account and chance
cus_TOnOQ6qqknBzTj             made up of chance alone
"""

from __future__ import annotations

from string import ascii_letters, digits, hexdigits
from typing import Final

import attrs

from replay.simulator.chances import Chance

_ALPHABET: Final = digits + ascii_letters
_CAPITALS: Final = digits + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_HEX: Final = hexdigits[:16]
_TIME_CHARS: Final = 5
_SHORT_CHARS: Final = 14
_RANDOM_CHARS: Final = 8
_PAYMENT_PREFIXES: Final = frozenset({"ch", "pi", "txn"})


@attrs.frozen(kw_only=True)
class Identities:
    """Ids of one customer's objects, at one Stripe account (ten letters)."""

    chance: Chance
    stripe_account: str

    def dated(self, prefix: str, at: int) -> str:
        """Return an id of 24 characters after *prefix*, such as ``in_1SRznP…``."""
        series = "3" if prefix in _PAYMENT_PREFIXES else "1"
        rest = self.chance.letters(_ALPHABET, _RANDOM_CHARS)
        return f"{prefix}_{series}{_time_part(at)}{self.stripe_account}{rest}"

    def short(self, prefix: str) -> str:
        """Return an id of 14 characters after *prefix*, such as ``cus_TOnOQ6…``."""
        return f"{prefix}_{self.chance.letters(_ALPHABET, _SHORT_CHARS)}"

    def capitals(self, length: int) -> str:
        """Return *length* digits and capital letters, as in an invoice number."""
        return self.chance.letters(_CAPITALS, length)

    def number(self, length: int) -> str:
        """Return *length* digits."""
        return self.chance.letters(digits, length)

    def uuid(self) -> str:
        """Return what an idempotency key usually is: a random UUID."""
        text = self.chance.letters(_HEX, 31)
        return f"{text[:8]}-{text[8:12]}-4{text[12:15]}-{text[15:19]}-{text[19:]}"


def stripe_account_letters(chance: Chance) -> str:
    """Return the ten letters that every dated id of a Stripe account shares."""
    return chance.letters(_ALPHABET, 10)


def _time_part(at: int) -> str:
    """Return the low digits of *at* in base 62, highest first."""
    text = ""
    for _ in range(_TIME_CHARS):
        at, digit = divmod(at, len(_ALPHABET))
        text = _ALPHABET[digit] + text
    return text
