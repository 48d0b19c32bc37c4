"""What of a Stripe account is read, and in which order: what is sold before who buys.

    products, prices, coupons …      the catalogue
    customers, their ways to pay
    subscriptions, schedules
    invoices, and what was paid, credited, given back

Source: the list parameters and expandable fields of the SDK 16.1.0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from webhooks.stripe_client import Parameters


@attrs.frozen(kw_only=True)
class Resource:
    """A list of the API.

    Attributes:
        path: Below ``/v1/``.
        parameters: What else to ask for; lists leave things out by default.
        expand: Fields that Stripe shows only when asked to.
        within: Lists in each object whose members are objects of their own.
        share: About how much of an account it is, for an estimate.
    """

    path: str
    parameters: Mapping[str, str] = attrs.Factory(dict)
    expand: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    share: int = 1

    @property
    def asked(self) -> Parameters:
        """The parameters of a list of it."""
        expand: Mapping[str, Sequence[str]] = {"expand": self.expand} if self.expand else {}
        return {**self.parameters, **expand}


RESOURCES: Final = (
    Resource(path="products"),
    Resource(path="prices", expand=("data.tiers",)),
    Resource(path="coupons", expand=("data.applies_to",)),
    Resource(path="promotion_codes"),
    Resource(path="tax_rates"),
    Resource(path="customers", expand=("data.tax_ids",), within=("tax_ids",), share=10),
    Resource(path="payment_methods", share=10),
    Resource(
        path="subscriptions",
        parameters={"status": "all"},
        expand=("data.discounts", "data.items.data.discounts"),
        share=10,
    ),
    Resource(path="subscription_schedules"),
    Resource(
        path="invoices",
        expand=("data.discounts", "data.total_discount_amounts.discount", "data.payments"),
        share=60,
    ),
    Resource(path="invoiceitems", share=10),
    Resource(path="charges", share=60),
    Resource(path="payment_intents", share=60),
    Resource(path="invoice_payments", share=60),
    Resource(path="credit_notes"),
    Resource(path="refunds"),
    Resource(path="disputes"),
)
BY_PATH: Final[Mapping[str, Resource]] = {each.path: each for each in RESOURCES}
# Where one object of each kind is asked for.
PATHS: Final[Mapping[str, str]] = {
    "subscription": "subscriptions",
    "customer": "customers",
    "invoice": "invoices",
    "coupon": "coupons",
    "price": "prices",
    "product": "products",
    "payment_method": "payment_methods",
    "schedule": "subscription_schedules",
    "invoiceitem": "invoiceitems",
    "credit_note": "credit_notes",
    "charge": "charges",
    "payment_intent": "payment_intents",
    "invoice_payment": "invoice_payments",
    "refund": "refunds",
    "dispute": "disputes",
}
# What Stripe calls a kind, where it is another word.
NAMES: Final[Mapping[str, str]] = {"schedule": "subscription_schedule"}


def one_of(kind: str) -> Parameters:
    """Return the parameters that show one object of *kind* as a list of them does."""
    expand = [each.removeprefix("data.") for each in BY_PATH[PATHS[kind]].expand]
    return {"expand": expand} if expand else {}
