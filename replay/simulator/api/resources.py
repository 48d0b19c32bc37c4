"""The resources of the API: where each is, what it holds, and how it can be filtered.

/v1/invoices?customer=cus_1&created[gte]=1       objects, the newest first
/v1/invoices/in_1                                one of them
/v1/invoices/in_1/lines                          a list within one
/v1/customers/cus_1/payment_methods              objects that belong to one
"""

from __future__ import annotations

from typing import Final

import attrs

from replay.simulator.api.filters import Filter, Match, equal, ignored, ranges


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


CREATED: Final = ranges("created")
_CLOCK: Final = ignored("test_clock")
_PAYER: Final = equal("customer", "customer_account")
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
            Filter("type", ("type",), Match.PATTERN),
            Filter("types", ("type",), Match.PATTERN),
            *ignored("delivery_success"),
        ),
    ),
    Resource(
        path="customers",
        name="customer",
        permission="customer",
        filters=(*CREATED, *equal("email"), *_CLOCK),
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
            *equal("collection_method"),
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
        filters=equal("subscription"),
        needs="subscription",
    ),
    Resource(
        path="products",
        name="product",
        permission="product",
        filters=(
            *CREATED,
            *equal("active", "shippable", "type", "url"),
            Filter("ids", ("id",)),
        ),
    ),
    Resource(
        path="prices",
        name="price",
        permission="plan",
        filters=(
            *CREATED,
            *equal("active", "currency", "product", "type"),
            Filter("lookup_keys", ("lookup_key",)),
            Filter("recurring", ("recurring",), Match.WITHIN),
        ),
    ),
    Resource(
        path="plans",
        name="plan",
        permission="plan",
        filters=(*CREATED, *equal("active", "product")),
    ),
    Resource(path="coupons", name="coupon", permission="coupon", filters=CREATED),
    Resource(
        path="promotion_codes",
        name="promotion_code",
        permission="promotion_code",
        filters=(
            *CREATED,
            *equal("active", "code", "customer", "customer_account"),
            Filter("coupon", ("promotion.coupon", "coupon.id")),
        ),
    ),
    Resource(
        path="tax_rates",
        name="tax_rate",
        permission="tax_rate",
        filters=(*CREATED, *equal("active", "inclusive")),
    ),
    Resource(
        path="invoices",
        name="invoice",
        permission="invoice",
        filters=(
            *CREATED,
            *_PAYER,
            *ranges("due_date"),
            *equal("collection_method", "status"),
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
        filters=(
            *CREATED,
            *_PAYER,
            *equal("invoice"),
            Filter("pending", ("invoice",), Match.ABSENT),
        ),
    ),
    Resource(
        path="invoice_payments",
        name="invoice_payment",
        permission="invoice",
        filters=(
            *CREATED,
            *equal("invoice", "status"),
            Filter("payment", ("payment",), Match.WITHIN),
        ),
    ),
    Resource(
        path="payment_methods",
        name="payment_method",
        permission="payment_method",
        filters=(*_PAYER, *equal("type", "allow_redisplay")),
        wanted="customer",
    ),
    Resource(
        path="charges",
        name="charge",
        permission="charge",
        filters=(*CREATED, *equal("customer", "payment_intent", "transfer_group")),
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
        filters=(*CREATED, *_PAYER, *equal("payment_method")),
    ),
    Resource(
        path="credit_notes",
        name="credit_note",
        permission="credit_note",
        filters=(*CREATED, *_PAYER, *equal("invoice")),
    ),
    Resource(
        path="refunds",
        name="refund",
        permission="charge",
        filters=(*CREATED, *equal("charge", "payment_intent")),
    ),
    Resource(
        path="disputes",
        name="dispute",
        permission="dispute",
        filters=(*CREATED, *equal("charge", "payment_intent")),
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
            *ranges("canceled_at", "completed_at", "released_at"),
            *ignored("scheduled"),
        ),
    ),
    Resource(
        path="balance_transactions",
        name="balance_transaction",
        permission="balance_transaction_source",
        filters=(*CREATED, *equal("currency", "payout", "source", "type")),
    ),
    Resource(
        path="customer_balance_transactions",
        name="customer_balance_transaction",
        permission="customer",
        filters=(*CREATED, *equal("customer", "invoice")),
        listed=False,
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
