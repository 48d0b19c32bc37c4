"""Stripe's subscriptions, in every shape from 2020-08-27 on, read into one.

    current_period_start/end   on the subscription; since basil on each of its items
    items[].price              beside it, in old versions, the same thing as items[].plan
    quantity                   on the subscription only while it has a single item

Only the fields that are used are declared, so only they are decoded. Times are Stripe's
whole seconds; a number with a fraction is no number here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from projections.facts import Earlier, Item, Subscription

Seconds = Annotated[int, Meta(ge=0, le=253_402_300_799)]
Quantity = Annotated[int, Meta(ge=0, le=2**53)]


class Expanded(msgspec.Struct):
    """An object in a place where mostly only its id stands."""

    id: str


Reference = str | Expanded | None


class Recurring(msgspec.Struct):
    """How often a price recurs."""

    interval: str | None = None
    interval_count: int | None = None


class Price(msgspec.Struct):
    """What an item costs; only which price it is matters here."""

    id: str
    product: Reference = None
    recurring: Recurring | None = None


class Plan(msgspec.Struct):
    """What an item costs, as it was called before there were prices."""

    id: str
    product: Reference = None
    interval: str | None = None
    interval_count: int | None = None


class StripeItem(msgspec.Struct):
    """One of ``items.data``."""

    id: str
    quantity: Quantity | None = None
    price: Price | None = None
    plan: Plan | None = None
    current_period_start: Seconds | None = None
    current_period_end: Seconds | None = None


class StripeItems(msgspec.Struct):
    """The list ``items``."""

    data: list[StripeItem]


class PauseCollection(msgspec.Struct):
    """Invoices are drafted, voided or written off meanwhile; the status stays."""

    behavior: str | UnsetType | None = UNSET


class PausedSubscription(msgspec.Struct):
    """Why Stripe paused it."""

    type: str | None = None


class Paused(msgspec.Struct):
    """Stripe's own pause, since endive."""

    subscription: PausedSubscription | None = None


class StatusDetails(msgspec.Struct):
    """More about the status, since endive."""

    paused: Paused | None = None


class StripeSubscription(msgspec.Struct):
    """``data.object`` of ``customer.subscription.*``."""

    status: str
    created: Seconds | None = None
    currency: str | None = None
    items: StripeItems | None = None
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


class PreviousAttributes(msgspec.Struct):
    """``data.previous_attributes``: an array stands there whole, as it was."""

    status: str | UnsetType = UNSET
    items: StripeItems | UnsetType = UNSET
    quantity: Quantity | UnsetType | None = UNSET
    current_period_start: Seconds | UnsetType | None = UNSET
    current_period_end: Seconds | UnsetType | None = UNSET
    cancel_at_period_end: bool | UnsetType = UNSET
    cancel_at: Seconds | UnsetType | None = UNSET
    canceled_at: Seconds | UnsetType | None = UNSET
    ended_at: Seconds | UnsetType | None = UNSET
    trial_end: Seconds | UnsetType | None = UNSET
    collection_method: str | UnsetType | None = UNSET
    default_payment_method: Reference | UnsetType = UNSET
    latest_invoice: Reference | UnsetType = UNSET
    pause_collection: PauseCollection | UnsetType | None = UNSET


def moment(seconds: int | None) -> datetime | None:
    """Return Stripe's *seconds* since 1970 as a time."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def subscription(shown: StripeSubscription) -> Subscription:
    """Return *shown* in the one shape."""
    items = _items(shown.items)
    start, end = _period(shown.current_period_start, shown.current_period_end, items)
    pause = shown.pause_collection
    return Subscription(
        status=shown.status,
        created=moment(shown.created),
        currency=shown.currency,
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
        default_payment_method=_id(shown.default_payment_method),
        latest_invoice=_id(shown.latest_invoice),
        pause_behavior=None if pause is None else _behavior(pause) or None,
        pause_type=_pause_type(shown.status_details),
    )


def earlier(shown: PreviousAttributes) -> Earlier:
    """Return the earlier values that *shown* names, by the names of the one shape."""
    named: dict[str, Any] = {}
    for field, value in zip(_PREVIOUS_FIELDS, msgspec.structs.astuple(shown), strict=True):
        if value is not UNSET:
            name, convert = _PREVIOUS[field]
            named[name] = convert(value)
    if "items" in named and "period_start" not in named:
        start, end = _period(None, None, named["items"])
        if end is not None:
            named |= {"period_start": start, "period_end": end}
    return Earlier(**named)


def _items(shown: StripeItems | None) -> tuple[Item, ...]:
    """Return the items in order of id: Stripe promises none."""
    if shown is None:
        return ()
    items = [_item(item) for item in shown.data]
    return tuple(sorted(items, key=_by_id)) if len(items) > 1 else tuple(items)


def _by_id(item: Item) -> str:
    return item.id


def _item(shown: StripeItem) -> Item:
    price, plan = shown.price, shown.plan
    recurring = plan if price is None else price.recurring or plan
    sold = price or plan
    return Item(
        id=shown.id,
        price=None if sold is None else sold.id,
        product=None if sold is None else _id(sold.product),
        quantity=shown.quantity,
        interval=None if recurring is None else recurring.interval,
        interval_count=None if recurring is None else recurring.interval_count,
        period_start=moment(shown.current_period_start),
        period_end=moment(shown.current_period_end),
    )


def _period(
    start: int | None, end: int | None, items: tuple[Item, ...]
) -> tuple[datetime | None, datetime | None]:
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


def _id(reference: Reference) -> str | None:
    return reference.id if isinstance(reference, Expanded) else reference


def _behavior(pause: PauseCollection | None) -> str | UnsetType | None:
    return None if pause is None else pause.behavior


def _pause_type(details: StatusDetails | None) -> str | None:
    paused = None if details is None else details.paused
    cause = None if paused is None else paused.subscription
    return None if cause is None else cause.type


def _same(value: Any) -> Any:  # noqa: ANN401 - a row of the table below
    return value


_PREVIOUS_FIELDS: Final = PreviousAttributes.__struct_fields__
_PREVIOUS: Final[dict[str, tuple[str, Any]]] = {
    "status": ("status", _same),
    "items": ("items", _items),
    "quantity": ("quantity", _same),
    "current_period_start": ("period_start", moment),
    "current_period_end": ("period_end", moment),
    "cancel_at_period_end": ("cancel_at_period_end", _same),
    "cancel_at": ("cancel_at", moment),
    "canceled_at": ("canceled_at", moment),
    "ended_at": ("ended_at", moment),
    "trial_end": ("trial_end", moment),
    "collection_method": ("collection_method", _same),
    "default_payment_method": ("default_payment_method", _id),
    "latest_invoice": ("latest_invoice", _id),
    "pause_collection": ("pause_behavior", _behavior),
}
