"""A company as Stripe's customer, and the card it pays with."""

from __future__ import annotations

from typing import Final

import attrs

from replay.simulator.chances import Chance
from replay.simulator.identities import Identities

_FIRST: Final = ("Amber", "Birch", "Cobalt", "Delta", "Ember", "Fjord", "Granite", "Harbor")
_SECOND: Final = ("Analytics", "Bakery", "Clinics", "Design", "Freight", "Labs", "Tools")
_BRANDS: Final = (("visa", "4242"), ("visa", "0341"), ("mastercard", "4444"))
_CARD_YEARS_MAX: Final = 5
_FIRST_YEAR: Final = 2026


@attrs.frozen(kw_only=True)
class Card:
    """A payment method: what Stripe shows of a card."""

    method_id: str
    created: int
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str


@attrs.define(kw_only=True)
class Customer:
    """A customer, as it stands.

    Attributes:
        currency: Set by the first subscription, and then for good.
        invoices_made: Numbers given to finalized invoices so far.
        delinquent: The latest automatic charge has failed.
    """

    customer_id: str
    created: int
    name: str
    email: str
    invoice_prefix: str
    account_id: str
    currency: str | None = None
    card: Card | None = None
    invoices_made: int = 0
    delinquent: bool = False


def new_customer(ids: Identities, chance: Chance, at: int) -> Customer:
    """Return a customer nobody knew before *at*."""
    prefix = ids.capitals(8)
    return Customer(
        customer_id=ids.short("cus"),
        created=at,
        name=f"{chance.pick(_FIRST)} {chance.pick(_SECOND)}",
        email=f"billing-{prefix.lower()}@example.com",
        invoice_prefix=prefix,
        account_id=f"acme-{ids.number(6)}",
    )


def new_card(ids: Identities, chance: Chance, at: int) -> Card:
    """Return a card that expires after the simulated years."""
    brand, last4 = chance.pick(_BRANDS)
    return Card(
        method_id=ids.dated("pm", at),
        created=at,
        brand=brand,
        last4=last4,
        exp_month=chance.between(1, 12),
        exp_year=_FIRST_YEAR + chance.between(1, _CARD_YEARS_MAX),
        fingerprint=ids.short("f").removeprefix("f_") + ids.number(2),
    )
