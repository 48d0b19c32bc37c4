"""Facts: what is read out of an event, and never stored in the log.

    SubscriptionObserved  a subscription as one Stripe event shows it, whole
    FieldUnreadable       a field of such an event that is not what it should be
    SeatChanged           the product let one user in, or go
    SeatsCounted          the product named all its users, or only how many
    AccountLinked         the product's account is this customer

A fact says which account it belongs to (the stream) and which object of it. Facts are
kept in read models, by place of the field, so fields are only added at the end; any
other change is a new version of the projections that keep them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

# In a life, `created` comes first and `deleted` last; the rest tells its own order.
RANKS: Final = {
    "customer.subscription.created": 0,
    "customer.subscription.deleted": 2,
}
_RANK_BETWEEN: Final = 1


class Item(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One item of a subscription; *quantity* is None where usage is metered."""

    id: str
    price: str | None
    product: str | None
    quantity: int | None
    interval: str | None
    interval_count: int | None
    period_start: datetime | None
    period_end: datetime | None


class Subscription(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A subscription's values, in one shape whatever API version showed them.

    Attributes:
        quantity: The subscription's own, which Stripe shows only beside a single item.
        period_start: Of the subscription where it has one, else of the item that renews
            next; the period is [start, end).
        pause_behavior: What ``pause_collection`` does with invoices meanwhile.
        pause_type: The kind of Stripe's own pause.
    """

    status: str
    created: datetime | None
    currency: str | None
    items: tuple[Item, ...]
    quantity: int | None
    period_start: datetime | None
    period_end: datetime | None
    cancel_at_period_end: bool
    cancel_at: datetime | None
    canceled_at: datetime | None
    ended_at: datetime | None
    trial_end: datetime | None
    collection_method: str | None
    default_payment_method: str | None
    latest_invoice: str | None
    pause_behavior: str | None
    pause_type: str | None


class Earlier(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The values that an event says it replaced; those it does not name are unset."""

    status: str | UnsetType = UNSET
    items: tuple[Item, ...] | UnsetType = UNSET
    quantity: int | UnsetType | None = UNSET
    period_start: datetime | UnsetType | None = UNSET
    period_end: datetime | UnsetType | None = UNSET
    cancel_at_period_end: bool | UnsetType = UNSET
    cancel_at: datetime | UnsetType | None = UNSET
    canceled_at: datetime | UnsetType | None = UNSET
    ended_at: datetime | UnsetType | None = UNSET
    trial_end: datetime | UnsetType | None = UNSET
    collection_method: str | UnsetType | None = UNSET
    default_payment_method: str | UnsetType | None = UNSET
    latest_invoice: str | UnsetType | None = UNSET
    pause_behavior: str | UnsetType | None = UNSET


class SubscriptionObserved(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A subscription as one Stripe event shows it; a `ledger.order.Told`.

    Attributes:
        earlier: None where the event's type tells no earlier values.
    """

    account: str
    object_id: str
    event_id: str
    type: str
    occurred_at: datetime
    position: int
    subscription: Subscription
    earlier: Earlier | None = None

    @property
    def rank(self) -> int:
        """The place of the event's type in a subscription's life."""
        return RANKS.get(self.type, _RANK_BETWEEN)

    @property
    def values(self) -> Mapping[str, object]:
        """The subscription's values after the event."""
        return values_of(self.subscription)

    @property
    def previous(self) -> Mapping[str, object] | None:
        """The values that it changed, before it."""
        if self.earlier is None:
            return None
        named = msgspec.structs.asdict(self.earlier)
        given = {path: value for path, value in named.items() if value is not UNSET}
        return _by_path(given)


def values_of(subscription: Subscription) -> dict[str, object]:
    """Return the values of *subscription* by path."""
    return _by_path(msgspec.structs.asdict(subscription))


def _by_path(named: dict[str, object]) -> dict[str, object]:
    """Give each value of an item a path of its own; what an item leaves out has none."""
    items = named.get("items")
    if not isinstance(items, tuple):
        return named
    named["items"] = tuple(item.id for item in items)
    for item in items:
        for field, value in msgspec.structs.asdict(item).items():
            if value is not None:
                named[f"items.{item.id}.{field}"] = value
    return named


class FieldUnreadable(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A field of a Stripe event that cannot be read; it counts as not given.

    Attributes:
        field: Its path in the event, such as ``items``.
        reason: What is expected there; never the value itself.
    """

    account: str
    object_id: str
    event_id: str
    occurred_at: datetime | None
    position: int
    field: str
    reason: str


class SeatChanged(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A user is active from *occurred_at* on, or is not; never one more or one less."""

    account: str
    user: str
    active: bool
    occurred_at: datetime
    recorded_at: datetime
    position: int
    actor: str | None = None

    @property
    def object_id(self) -> str:
        """Each user is an object of its own."""
        return f"user:{self.user}"


class SeatsCounted(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """All active users from *occurred_at* on, or only their number."""

    account: str
    users: tuple[str, ...] | None
    count: int | None
    occurred_at: datetime
    recorded_at: datetime
    position: int
    actor: str | None = None

    @property
    def object_id(self) -> str:
        """All the users together are one object."""
        return "users"


class AccountLinked(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """The product's *account* is the Stripe customer *customer* from *position* on."""

    account: str
    customer: str
    recorded_at: datetime
    position: int

    @property
    def occurred_at(self) -> datetime:
        """A link holds from when the log took it."""
        return self.recorded_at

    @property
    def object_id(self) -> str:
        """An account has one link, its last."""
        return "link"


Fact = SubscriptionObserved | FieldUnreadable | SeatChanged | SeatsCounted | AccountLinked
