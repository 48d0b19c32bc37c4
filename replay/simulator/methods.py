"""Ways to pay: cards that expire, and debits from bank accounts."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import attrs

from replay.simulator.chances import Chance
from replay.simulator.identities import Identities
from replay.simulator.renewals import month_of

_BRANDS: Final = (("visa", "4242"), ("visa", "0341"), ("mastercard", "4444"))
_ALL_BRANDS: Final = (*_BRANDS, ("amex", "8431"), ("discover", "9424"))
_CARD_YEARS_MAX: Final = 5
_FIRST_YEAR: Final = 2026
_SOON_MONTHS: Final = (2, 9)
_MONTHS_A_YEAR: Final = 12


class MethodType(StrEnum):
    """Stripe's words for the ways to pay that the simulator knows."""

    CARD = "card"
    US_BANK_ACCOUNT = "us_bank_account"
    SEPA_DEBIT = "sepa_debit"
    BACS_DEBIT = "bacs_debit"


DEBITS: Final = {
    "usd": (MethodType.US_BANK_ACCOUNT, MethodType.BACS_DEBIT),
    "eur": (MethodType.SEPA_DEBIT, MethodType.BACS_DEBIT),
}
_COUNTRIES: Final = {
    MethodType.CARD: "US",
    MethodType.US_BANK_ACCOUNT: "US",
    MethodType.SEPA_DEBIT: "DE",
    MethodType.BACS_DEBIT: "GB",
}


@attrs.frozen(kw_only=True)
class Method:
    """A payment method: what Stripe shows of it, never a number.

    Attributes:
        brand: Of a card; "" for a debit.
        exp_month: Of a card, the last month in which it is good; 0 for a debit.
        mandate_id: What allows a debit; "" for a card.
    """

    method_id: str
    created: int
    type: MethodType
    last4: str
    fingerprint: str
    brand: str = ""
    exp_month: int = 0
    exp_year: int = 0
    mandate_id: str = ""
    email: str | None = None
    name: str | None = None

    @property
    def country(self) -> str:
        """Where the bank is."""
        return _COUNTRIES[self.type]

    @property
    def expiry(self) -> tuple[int, int] | None:
        """Year and month; None for a debit."""
        return (self.exp_year, self.exp_month) if self.brand else None


def new_card(ids: Identities, chance: Chance, at: int, *, whole: bool = False) -> Method:
    """Return a card that expires after the simulated years."""
    brand, last4 = chance.pick(_ALL_BRANDS if whole else _BRANDS)
    return Method(
        method_id=ids.dated("pm", at),
        created=at,
        type=MethodType.CARD,
        brand=brand,
        last4=last4,
        exp_month=chance.between(1, 12),
        exp_year=_FIRST_YEAR + chance.between(1, _CARD_YEARS_MAX),
        fingerprint=ids.short("f").removeprefix("f_") + ids.number(2),
    )


def soon_expiring(card: Method, chance: Chance, at: int) -> Method:
    """Return *card* as one that expires within some months after *at*."""
    return _expiring(card, at, chance.between(*_SOON_MONTHS))


def renewed(card: Method, at: int) -> Method:
    """Return *card* as its bank renews it: three years more."""
    return _expiring(card, at, 3 * _MONTHS_A_YEAR)


def new_debit(kind: MethodType, ids: Identities, at: int) -> Method:
    """Return an account to debit, with its mandate."""
    return Method(
        method_id=ids.dated("pm", at),
        created=at,
        type=kind,
        last4=ids.number(4),
        fingerprint=ids.short("f").removeprefix("f_") + ids.number(2),
        mandate_id=ids.dated("mandate", at),
    )


def _expiring(card: Method, at: int, months: int) -> Method:
    years, month_index = divmod(month_of(at) + months, _MONTHS_A_YEAR)
    return attrs.evolve(card, exp_year=years, exp_month=month_index + 1)
