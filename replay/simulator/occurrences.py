"""What a simulation tells: Stripe events, seat changes, and how each account ended."""

from __future__ import annotations

from datetime import datetime

import attrs

from replay.simulator.shapes import Shape


@attrs.frozen(kw_only=True)
class StripeOccurrence:
    """A Stripe event, as the bytes of its delivery.

    Attributes:
        created: Whole seconds since 1970; many events share one.
        account: The customer (``cus_…``); None for products and prices.
        body: Indented JSON, as Stripe sends it.
    """

    event_id: str
    type: str
    created: int
    account: str | None
    body: bytes


@attrs.frozen(kw_only=True)
class SeatOccurrence:
    """A seat command of the product: a user gets a seat, or gives it back.

    Attributes:
        account: The customer (``cus_…``) whose seat it is.
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


Occurrence = StripeOccurrence | SeatOccurrence


@attrs.frozen(kw_only=True)
class Expectation:
    """What is true of an account when the simulation ends.

    Attributes:
        subscription: The latest one; None when the company never subscribed.
        status: Stripe's word for it.
        quantity: Stripe's quantity of the seat item.
        active_users: Users that hold a seat.
        period_start: Start of the current service period, aware, UTC.
        period_end: Its end, exclusive.
    """

    account: str
    shape: Shape
    subscription: str | None
    status: str | None
    quantity: int | None
    active_users: frozenset[str]
    period_start: datetime | None
    period_end: datetime | None
