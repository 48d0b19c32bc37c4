"""Stripe's subscriptions, in every shape from 2020-08-27 on, read into one.

current_period_start/end   on the subscription; since basil on each of its items
items[].price              beside it, in old versions, the same thing as items[].plan
quantity                   on the subscription only while it has a single item
discount                   one, whole, until basil; discounts[], ids or whole, since
status_details.paused      since endive: Stripe's own pause, and which kind
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from projections.objects import Item, Subscription
from projections.shapes.fields import (
    Intervals,
    Listed,
    Quantity,
    Reference,
    Seconds,
    StripeDiscount,
    discounts,
    id_of,
    moment,
)


class Recurring(msgspec.Struct):
    """How often a price recurs."""

    interval: str | None = None
    interval_count: Intervals | None = None


class Price(msgspec.Struct):
    """What an item costs; only which price it is matters here."""

    id: str
    product: Reference = None
    currency: str | None = None
    recurring: Recurring | None = None


class Plan(msgspec.Struct):
    """What an item costs, as it was called before there were prices."""

    id: str
    product: Reference = None
    currency: str | None = None
    interval: str | None = None
    interval_count: Intervals | None = None


class StripeItem(msgspec.Struct):
    """One of ``items.data``."""

    id: str
    quantity: Quantity | None = None
    price: Price | None = None
    plan: Plan | None = None
    current_period_start: Seconds | None = None
    current_period_end: Seconds | None = None
    discounts: list[str | StripeDiscount] | None = None


class PauseCollection(msgspec.Struct):
    """Invoices are drafted, voided or written off meanwhile; the status stays."""

    behavior: str | None = None
    resumes_at: Seconds | None = None


class PausedSubscription(msgspec.Struct):
    """Why Stripe paused it."""

    type: str | None = None


class Paused(msgspec.Struct):
    """Stripe's own pause, since endive."""

    subscription: PausedSubscription | None = None
    transitioned_at: Seconds | None = None


class StatusDetails(msgspec.Struct):
    """More about the status, since endive."""

    paused: Paused | None = None


class CancellationDetails(msgspec.Struct):
    """Why it was canceled."""

    reason: str | None = None


class PendingUpdate(msgspec.Struct):
    """A change that waits for its payment."""

    expires_at: Seconds | None = None


class StripeSubscription(msgspec.Struct):
    """``data.object`` of ``customer.subscription.*``."""

    status: str | None = None
    created: Seconds | None = None
    currency: str | None = None
    items: Listed[StripeItem] | None = None
    quantity: Quantity | None = None
    current_period_start: Seconds | None = None
    current_period_end: Seconds | None = None
    cancel_at_period_end: bool | None = None
    cancel_at: Seconds | None = None
    canceled_at: Seconds | None = None
    ended_at: Seconds | None = None
    trial_end: Seconds | None = None
    collection_method: str | None = None
    default_payment_method: Reference = None
    latest_invoice: Reference = None
    pause_collection: PauseCollection | None = None
    status_details: StatusDetails | None = None
    trial_start: Seconds | None = None
    start_date: Seconds | None = None
    billing_cycle_anchor: Seconds | None = None
    cancellation_details: CancellationDetails | None = None
    schedule: Reference = None
    pending_update: PendingUpdate | None = None
    discount: StripeDiscount | None = None
    discounts: list[str | StripeDiscount] | None = None


def subscription(shown: StripeSubscription) -> Subscription:
    """Return *shown* in the one shape."""
    items = _items(shown)
    start, end = _period(shown.current_period_start, shown.current_period_end, items)
    details = shown.status_details
    pause, paused = shown.pause_collection, details.paused if details else None
    cause = paused.subscription if paused else None
    cancellation, pending = shown.cancellation_details, shown.pending_update
    return Subscription(
        status=shown.status or "",
        created=moment(shown.created),
        currency=shown.currency or _currency(shown.items),
        items=items,
        quantity=shown.quantity,
        period_start=start,
        period_end=end,
        cancel_at_period_end=bool(shown.cancel_at_period_end),
        cancel_at=moment(shown.cancel_at),
        canceled_at=moment(shown.canceled_at),
        ended_at=moment(shown.ended_at),
        trial_end=moment(shown.trial_end),
        collection_method=shown.collection_method,
        default_payment_method=id_of(shown.default_payment_method),
        latest_invoice=id_of(shown.latest_invoice),
        pause_behavior=None if pause is None else pause.behavior,
        pause_type=None if cause is None else cause.type,
        trial_start=moment(shown.trial_start),
        start_date=moment(shown.start_date),
        billing_cycle_anchor=moment(shown.billing_cycle_anchor),
        pause_resumes_at=None if pause is None else moment(pause.resumes_at),
        paused_at=None if paused is None else moment(paused.transitioned_at),
        cancellation_reason=None if cancellation is None else cancellation.reason,
        schedule=id_of(shown.schedule),
        pending_until=None if pending is None else moment(pending.expires_at),
        discounts=discounts(shown.discount, shown.discounts),
    )


def _items(shown: StripeSubscription) -> tuple[Item, ...]:
    """Return the items in order of id: Stripe promises none."""
    if shown.items is None:
        return ()
    period = shown.current_period_start, shown.current_period_end
    items = [_item(item, *period) for item in shown.items.data]
    return tuple(sorted(items, key=_by_id)) if len(items) > 1 else tuple(items)


def _currency(shown: Listed[StripeItem] | None) -> str | None:
    """Return the currency of the first item that has one: they cannot differ."""
    for item in () if shown is None else shown.data:
        sold = item.price or item.plan
        if sold is not None and sold.currency is not None:
            return sold.currency
    return None


def _by_id(item: Item) -> str:
    return item.id


def _item(shown: StripeItem, start: int | None, end: int | None) -> Item:
    """Return the item; in old versions all renew with the subscription."""
    price, plan = shown.price, shown.plan
    recurring = plan if price is None else price.recurring or plan
    sold = price or plan
    return Item(
        id=shown.id,
        price=None if sold is None else sold.id,
        product=None if sold is None else id_of(sold.product),
        quantity=shown.quantity,
        interval=None if recurring is None else recurring.interval,
        interval_count=None if recurring is None else recurring.interval_count,
        period_start=moment(_either(shown.current_period_start, start)),
        period_end=moment(_either(shown.current_period_end, end)),
        discounts=discounts(None, shown.discounts),
    )


def _either(own: int | None, common: int | None) -> int | None:
    return common if own is None else own


def _period(
    start: int | None, end: int | None, items: tuple[Item, ...]
) -> tuple[datetime | None, datetime | None]:
    """Return the subscription's period, since basil that of the item that renews next."""
    if start is not None or end is not None:
        return moment(start), moment(end)
    periods = [
        (item.period_end, item.period_start)
        for item in items
        if item.period_end is not None
    ]
    if not periods:
        return None, None
    end_at, start_at = min(periods, key=_end_of)
    return start_at, end_at


def _end_of(period: tuple[datetime, datetime | None]) -> datetime:
    return period[0]
