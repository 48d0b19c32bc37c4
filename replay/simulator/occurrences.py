"""What a simulation tells: Stripe events, seat changes, and how each account ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from replay.simulator.shapes import Shape


@attrs.frozen(kw_only=True)
class StripeOccurrence:
    """A Stripe event, as the bytes of its delivery.

    Attributes:
        created: Whole seconds since 1970; many events share one.
        sent: When Stripe first sends it: later than it was created for a few.
        account: The customer (``cus_…``); None for products and prices.
        body: Indented JSON, as Stripe sends it.
    """

    event_id: str
    type: str
    created: int
    sent: int
    account: str | None
    body: bytes


@attrs.frozen(kw_only=True)
class SeatOccurrence:
    """A seat command of the product: a user gets a seat, or gives it back.

    Attributes:
        account: The customer (``cus_…``) whose seat it is, or the product's own name for
            the company, which a link or the customer's metadata leads to the customer.
        active: True when the user gets the seat.
        effective_at: Aware, UTC, whole seconds.
        key: The idempotency key the product sends with the command.
    """

    account: str
    user: str
    active: bool
    actor: str
    effective_at: datetime
    key: str


@attrs.frozen(kw_only=True)
class SeatSetOccurrence:
    """The whole set of users that hold a seat, as the product puts it.

    Attributes:
        account: The customer (``cus_…``), or the product's own name for the company.
        users: In the order in which they got their seats.
        effective_at: Aware, UTC, whole seconds.
        key: The idempotency key the product sends with the command.
    """

    account: str
    users: tuple[str, ...]
    actor: str
    effective_at: datetime
    key: str


@attrs.frozen(kw_only=True)
class SeatCountOccurrence:
    """How many users hold a seat, without their names; the rest as in a set."""

    account: str
    count: int
    actor: str
    effective_at: datetime
    key: str


@attrs.frozen(kw_only=True)
class LinkOccurrence:
    """The product says which customer one of its accounts is.

    Attributes:
        product_account: The product's own name for the company.
        account: The customer (``cus_…``).
        effective_at: When it is said; aware, UTC, whole seconds.
        key: The idempotency key the product sends with the command.
    """

    product_account: str
    account: str
    effective_at: datetime
    key: str


ProductOccurrence = (
    SeatOccurrence | SeatSetOccurrence | SeatCountOccurrence | LinkOccurrence
)
Occurrence = StripeOccurrence | ProductOccurrence


@attrs.frozen(kw_only=True)
class SubscriptionExpectation:
    """What is true of one subscription when the simulation ends.

    Attributes:
        quantity: Stripe's quantity of the last item, which counts seats if any does.
        period_start: Start of the current service period, aware, UTC.
        period_end: Its end, exclusive.
    """

    status: str
    quantity: int
    period_start: datetime
    period_end: datetime
    cancel_at_period_end: bool


@attrs.frozen(kw_only=True)
class InvoiceExpectation:
    """What is true of one invoice; amounts are minor units.

    Attributes:
        subscription: None for things sold once.
        amount_due: Less the credit notes from before it was paid.
        credited: By credit notes, from before it was paid and from after.
        refunded: What went back of its charge.
        attempts: Those that Stripe counts.
        first_failed_at: When an attempt first failed, or it became overdue; aware, UTC.
        recovered_at: When it was paid after that.
    """

    subscription: str | None
    billing_reason: str
    status: str
    total: int
    amount_due: int
    amount_paid: int
    amount_remaining: int
    credited: int
    refunded: int
    attempts: int
    first_failed_at: datetime | None
    recovered_at: datetime | None


@attrs.frozen(kw_only=True)
class PeriodExpectation:
    """What a subscription's current period was billed; amounts are minor units.

    Attributes:
        start: Start of the period its latest invoice for a period is for; aware, UTC.
        base: Lines of the items before the last one, where it has several.
        seats: Lines of the item that counts seats.
        other: Things sold once, and the item of what counts no seats.
        discount: What is taken off, positive.
        tax: Exclusive tax only.
        total: base + seats + other - discount + tax.
        invoices: Those it was billed on, but for void ones.
        pending: What waits for the next invoice.
    """

    start: datetime
    base: int
    seats: int
    other: int
    discount: int
    tax: int
    total: int
    invoices: tuple[str, ...]
    pending: int


@attrs.frozen(kw_only=True)
class Expectation:
    """What is true of an account when the simulation ends.

    Attributes:
        subscription: The primary one: of the best status, then the newest; None when the
            company never subscribed.
        status: Stripe's word for it.
        quantity: Stripe's quantity of its seat item.
        active_users: Users that hold a seat, as far as the ledger can know: none where
            the product tells counts only, or was never linked.
        active: How many users hold a seat, told or not.
        linked: Whether what the product tells can be laid to the customer.
        included_seats: By the terms at the start of the period; None if nobody can know.
        period_start: Start of the current service period, aware, UTC.
        period_end: Its end, exclusive.
        default_method: The payment method (``pm_…``) that pays.
        method_expiry: Its year and month; None for a debit.
        subscriptions: All there ever were, by id.
        invoices: All there ever were, by id.
        period: The current one of the primary subscription.
        balance: What the next invoice adds; negative for a credit.
    """

    account: str
    shape: Shape
    subscription: str | None
    status: str | None
    quantity: int | None
    active_users: frozenset[str]
    period_start: datetime | None
    period_end: datetime | None
    active: int = 0
    linked: bool = True
    included_seats: int | None = None
    cancel_at_period_end: bool = False
    default_method: str | None = None
    method_expiry: tuple[int, int] | None = None
    email: str | None = None
    currency: str | None = None
    deleted: bool = False
    subscriptions: Mapping[str, SubscriptionExpectation] = attrs.field(factory=dict)
    invoices: Mapping[str, InvoiceExpectation] = attrs.field(factory=dict)
    period: PeriodExpectation | None = None
    balance: int = 0
