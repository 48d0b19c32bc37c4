"""A company as Stripe's customer."""

from __future__ import annotations

from typing import Final

import attrs

from replay.simulator.chances import Chance
from replay.simulator.coupons import Discount
from replay.simulator.identities import Identities
from replay.simulator.methods import Method

FIRST_WORDS: Final = (
    *("Amber", "Birch", "Cobalt", "Delta"),
    *("Ember", "Fjord", "Granite", "Harbor"),
)
SECOND_WORDS: Final = (
    *("Analytics", "Bakery", "Clinics", "Design", "Freight", "Labs", "Tools"),
)


@attrs.frozen(kw_only=True)
class Address:
    """Where a company sits."""

    city: str
    country: str
    line1: str
    postal_code: str


@attrs.frozen(kw_only=True)
class Payer:
    """Who an invoice is made out to, as it was when it became final."""

    name: str
    email: str
    address: Address | None
    tax_exempt: str


@attrs.define(kw_only=True)
class Customer:
    """A customer, as it stands.

    Attributes:
        account_id: The product's own name for the company.
        named: Whether the metadata tells the product's name for it.
        currency: Set by the first subscription, and then until all have ended.
        method: The one that pays.
        methods: All that are attached, in that order.
        invoices_made: Numbers given to finalized invoices so far.
        delinquent: The latest automatic charge has failed.
        discount: On all it is billed for, unless a subscription has its own.
        balance: What the next invoice adds; negative for a credit, minor units.
    """

    customer_id: str
    created: int
    name: str
    email: str
    invoice_prefix: str
    account_id: str
    named: bool = True
    currency: str | None = None
    address: Address | None = None
    tax_exempt: str = "none"
    method: Method | None = None
    methods: list[Method] = attrs.field(factory=list)
    invoices_made: int = 0
    delinquent: bool = False
    deleted: bool = False
    discount: Discount | None = None
    balance: int = 0

    @property
    def payer(self) -> Payer:
        """Who an invoice of this moment is made out to."""
        return Payer(
            name=self.name,
            email=self.email,
            address=self.address,
            tax_exempt=self.tax_exempt,
        )


def new_customer(ids: Identities, chance: Chance, at: int) -> Customer:
    """Return a customer nobody knew before *at*."""
    prefix = ids.capitals(8)
    return Customer(
        customer_id=ids.short("cus"),
        created=at,
        name=f"{chance.pick(FIRST_WORDS)} {chance.pick(SECOND_WORDS)}",
        email=f"billing-{prefix.lower()}@example.com",
        invoice_prefix=prefix,
        account_id=f"acme-{ids.number(6)}",
    )
