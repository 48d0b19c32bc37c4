"""The resources of the API: where each is, what it holds, and how it can be filtered.

/v1/invoices?customer=cus_1&created[gte]=1       objects, the newest first
/v1/invoices/in_1                                one of them
/v1/invoices/in_1/lines                          a list within one
/v1/customers/cus_1/payment_methods              objects that belong to one
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import attrs


class Match(StrEnum):
    """How a value asked for is compared with those of an object."""

    EQUAL = "equal"
    RANGE = "range"
    WITHIN = "within"  # payment[type]=…: one comparison for each key
    STATUS = "status"  # a subscription's: all, ended, and live by default
    IGNORED = "ignored"


@attrs.frozen
class Filter:
    """A parameter of a list.

    Attributes:
        paths: Where the value may stand, by API version; a list on the way stands for
            each of its members.
    """

    name: str
    paths: tuple[str, ...]
    match: Match = Match.EQUAL


@attrs.frozen(kw_only=True)
class Resource:
    """Objects of one kind, and how they are asked for.

    Attributes:
        path: Below ``/v1/``.
        name: The value of `object` in each of them.
        permission: What a restricted key needs, between ``rak_`` and ``_read``.
        needs: A parameter no list goes without.
        keeps_deleted: Whether a deleted one can still be retrieved, as a stub.
        listed: Whether there is a list at all.
        wanted: A path that leads to something in each object that is listed.
    """

    path: str
    name: str
    permission: str
    filters: tuple[Filter, ...] = ()
    needs: str | None = None
    keeps_deleted: bool = False
    listed: bool = True
    wanted: str | None = None


@attrs.frozen(kw_only=True)
class Belonging:
    """Objects of a resource below the one they belong to: a filter with its own address."""

    path: str
    name: str
    by: str


@attrs.frozen(kw_only=True)
class Within:
    """A list that stands in an object, page by page."""

    path: str
    key: str


def _equal(*names: str) -> tuple[Filter, ...]:
    return tuple(Filter(name, (name,)) for name in names)


def _ignored(*names: str) -> tuple[Filter, ...]:
    return tuple(Filter(name, (), Match.IGNORED) for name in names)


def _ranges(*names: str) -> tuple[Filter, ...]:
    return tuple(Filter(name, (name,), Match.RANGE) for name in names)


CREATED: Final = _ranges("created")
_CLOCK: Final = _ignored("test_clock")
_PAYER: Final = _equal("customer", "customer_account")
_PERIODS: Final = tuple(
    Filter(name, (name, f"items.data.{name}"), Match.RANGE)
    for name in ("current_period_end", "current_period_start")
)

RESOURCES: Final = (
    Resource(
        path="events",
        name="event",
        permission="event",
        filters=(
            *CREATED,
            *_equal("type"),
            Filter("types", ("type",)),
            *_ignored("delivery_success"),
        ),
    ),
    Resource(
        path="customers",
        name="customer",
        permission="customer",
        filters=(*CREATED, *_equal("email"), *_CLOCK),
        keeps_deleted=True,
    ),
    Resource(
        path="subscriptions",
        name="subscription",
        permission="subscription",
        filters=(
            *CREATED,
            *_PAYER,
            *_PERIODS,
            *_equal("collection_method"),
            Filter("price", ("items.data.price.id",)),
            Filter("plan", ("items.data.plan.id",)),
            Filter("status", ("status",), Match.STATUS),
            Filter("automatic_tax", ("automatic_tax",), Match.WITHIN),
            *_CLOCK,
        ),
    ),
    Resource(
        path="subscription_items",
        name="subscription_item",
        permission="subscription",
        filters=_equal("subscription"),
        needs="subscription",
    ),
    Resource(
        path="products",
        name="product",
        permission="product",
        filters=(
            *CREATED,
            *_equal("active", "shippable", "type", "url"),
            Filter("ids", ("id",)),
        ),
    ),
    Resource(
        path="prices",
        name="price",
        permission="plan",
        filters=(
            *CREATED,
            *_equal("active", "currency", "product", "type"),
            Filter("lookup_keys", ("lookup_key",)),
            Filter("recurring", ("recurring",), Match.WITHIN),
        ),
    ),
    Resource(
        path="plans",
        name="plan",
        permission="plan",
        filters=(*CREATED, *_equal("active", "product")),
    ),
    Resource(path="coupons", name="coupon", permission="coupon", filters=CREATED),
    Resource(
        path="promotion_codes",
        name="promotion_code",
        permission="promotion_code",
        filters=(
            *CREATED,
            *_equal("active", "code", "customer", "customer_account"),
            Filter("coupon", ("promotion.coupon", "coupon.id")),
        ),
    ),
    Resource(
        path="tax_rates",
        name="tax_rate",
        permission="tax_rate",
        filters=(*CREATED, *_equal("active", "inclusive")),
    ),
    Resource(
        path="invoices",
        name="invoice",
        permission="invoice",
        filters=(
            *CREATED,
            *_PAYER,
            *_ranges("due_date"),
            *_equal("collection_method", "status"),
            Filter(
                "subscription",
                ("subscription", "parent.subscription_details.subscription"),
            ),
        ),
    ),
    Resource(
        path="invoiceitems",
        name="invoiceitem",
        permission="invoice",
        filters=(*CREATED, *_PAYER, *_equal("invoice"), *_ignored("pending")),
    ),
    Resource(
        path="invoice_payments",
        name="invoice_payment",
        permission="invoice",
        filters=(
            *CREATED,
            *_equal("invoice", "status"),
            Filter("payment", ("payment",), Match.WITHIN),
        ),
    ),
    Resource(
        path="payment_methods",
        name="payment_method",
        permission="payment_method",
        filters=(*_PAYER, *_equal("type", "allow_redisplay")),
        wanted="customer",
    ),
    Resource(
        path="charges",
        name="charge",
        permission="charge",
        filters=(*CREATED, *_equal("customer", "payment_intent", "transfer_group")),
    ),
    Resource(
        path="payment_intents",
        name="payment_intent",
        permission="payment_intent",
        filters=(*CREATED, *_PAYER),
    ),
    Resource(
        path="setup_intents",
        name="setup_intent",
        permission="setup_intent",
        filters=(*CREATED, *_PAYER, *_equal("payment_method")),
    ),
    Resource(
        path="credit_notes",
        name="credit_note",
        permission="credit_note",
        filters=(*CREATED, *_PAYER, *_equal("invoice")),
    ),
    Resource(
        path="refunds",
        name="refund",
        permission="charge",
        filters=(*CREATED, *_equal("charge", "payment_intent")),
    ),
    Resource(
        path="disputes",
        name="dispute",
        permission="dispute",
        filters=(*CREATED, *_equal("charge", "payment_intent")),
    ),
    Resource(
        path="tax_ids",
        name="tax_id",
        permission="tax_id",
        filters=(
            Filter("owner", ("owner",), Match.WITHIN),
            Filter("customer", ("customer", "owner.customer")),
        ),
    ),
    Resource(
        path="subscription_schedules",
        name="subscription_schedule",
        permission="subscription",
        filters=(
            *CREATED,
            *_PAYER,
            *_ranges("canceled_at", "completed_at", "released_at"),
            *_ignored("scheduled"),
        ),
    ),
    Resource(
        path="balance_transactions",
        name="balance_transaction",
        permission="balance_transaction_source",
        filters=(*CREATED, *_equal("currency", "payout", "source", "type")),
    ),
    Resource(
        path="customer_balance_transactions",
        name="customer_balance_transaction",
        permission="customer",
        filters=(*CREATED, *_equal("customer", "invoice")),
    ),
    Resource(path="mandates", name="mandate", permission="mandate", listed=False),
)

BELONGING: Final = (
    Belonging(path="customers/{id}/payment_methods", name="payment_method", by="customer"),
    Belonging(path="customers/{id}/tax_ids", name="tax_id", by="customer"),
    Belonging(
        path="customers/{id}/balance_transactions",
        name="customer_balance_transaction",
        by="customer",
    ),
    Belonging(path="charges/{id}/refunds", name="refund", by="charge"),
)

WITHIN: Final = (
    Within(path="invoices/{id}/lines", key="lines"),
    Within(path="credit_notes/{id}/lines", key="lines"),
)

BY_NAME: Final = {resource.name: resource for resource in RESOURCES}
BY_PATH: Final = {resource.path: resource for resource in RESOURCES}

# What an object carries within, and what is listed on its own, too.
CARRIED: Final = {"subscription": ("items", "subscription_item")}
# What an answer holds only when it is asked to expand it.
HIDDEN: Final = {
    "price": frozenset({"tiers", "currency_options"}),
    "plan": frozenset({"tiers"}),
    "coupon": frozenset({"applies_to", "currency_options"}),
    "promotion_code": frozenset({"currency_options"}),
}
# Lists that an answer holds only when asked to: the objects of a kind that name it.
GATHERED: Final = {
    ("invoice", "payments"): ("invoice_payment", "invoice"),
    ("customer", "subscriptions"): ("subscription", "customer"),
    ("customer", "tax_ids"): ("tax_id", "customer"),
    ("charge", "refunds"): ("refund", "charge"),
}
# Lists within an object are cut to so many; the rest is at an address of its own.
CUT: Final = {("invoice", "lines"): 10, ("credit_note", "lines"): 10}
