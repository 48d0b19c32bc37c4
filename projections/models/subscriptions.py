"""Subscriptions, each as Stripe's events show it, whatever order they came in."""

from __future__ import annotations

from typing import Final, TypeAlias

from projections import history
from projections.facts import FieldUnreadable, Subscription, SubscriptionObserved
from projections.models.declaration import Projection, on, table

Current: TypeAlias = history.Current[Subscription]
Told: TypeAlias = history.Told[Subscription]


class History(
    history.History[SubscriptionObserved, Subscription],
    frozen=True,
    array_like=True,
    kw_only=True,
):
    """What is kept of a subscription's events."""


observed = history.observed
told = history.told

SUBSCRIPTIONS: Final = Projection(
    name="subscriptions",
    version=6,
    state=History,
    initial=History(),
    handlers=table(
        on(SubscriptionObserved, observed),
        on(FieldUnreadable, history.unreadable("subscription")),
    ),
)
