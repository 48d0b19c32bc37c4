"""What an account may do at one moment, from the little of it that decides this.

    subscriptions             the status, and which one speaks for the account
    invoices, payments, ties  how far dunning has come
    policy                    when it pauses and cancels

The same rules as in the whole answer, on the same objects; a product asks on every
request, so what they are is kept (`projections.api.entitlements`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from projections.account import Account
from projections.assembly import Needs
from projections.dunning import timelines as dunning
from projections.dunning.timelines import Timeline, Unpaid
from projections.dunning.tries import paying
from projections.models.declaration import Projection
from projections.models.invoices import INVOICES
from projections.models.links import Linked
from projections.models.payments import PAYMENTS
from projections.models.subscriptions import SUBSCRIPTIONS
from projections.status import access
from projections.status.access import Access, Badge
from projections.status.standings import Listed, listed
from projections.translation.turns import turns

HELD_MAX: Final = timedelta(hours=1)
DECIDING: Final[tuple[Projection[Any], ...]] = (SUBSCRIPTIONS, INVOICES, PAYMENTS)
"""What decides it of an account's own streams; ties and policy stand outside them."""


@attrs.frozen(kw_only=True)
class Entitlement:
    """What an account may do, and the badge that says so."""

    linked: Linked
    status: str
    badge: Badge | None
    access: Access


def entitlement(account: Account, now: datetime) -> Entitlement:
    """Return what *account* may do at *now*."""
    subscriptions = listed(account.currents(account.histories), now)
    owed = unpaid(account)
    timelines = dunning.timelines(owed, now)
    return entitled(account.linked, subscriptions, owed, timelines, now)


def entitled(
    linked: Linked,
    subscriptions: Sequence[Listed],
    owed: Unpaid,
    timelines: Sequence[Timeline],
    now: datetime,
) -> Entitlement:
    """Return what the first of *subscriptions* allows, and what dunning leaves of it."""
    primary = subscriptions[0] if subscriptions else None
    stage = dunning.standing(timelines, primary.id) if primary else None
    return Entitlement(
        linked=linked,
        status=primary.subscription.status if primary else access.NO_STATUS,
        badge=access.badge(primary.subscription, stage) if primary else None,
        access=access.access(
            primary.current if primary else None,
            now,
            stage,
            turns(primary, owed.invoices, timelines),
        ),
    )


def unpaid(account: Account) -> Unpaid:
    """Return what the timelines of *account* are made of, under the policies in force."""
    invoices = account.currents(account.invoices)
    return Unpaid(
        invoices=invoices,
        subscriptions=account.currents(account.histories),
        paying=paying(
            invoices, account.currents(account.payments), account.currents(account.ties)
        ),
        policy=account.catalogue.policy,
    )


def deciding_needs(account: Account) -> Needs:
    """Return what stands outside the streams of *account* and decides with it."""
    return Needs(
        wares=frozenset({"policy"}),
        referred=frozenset({*account.invoices, *account.payments}),
    )
