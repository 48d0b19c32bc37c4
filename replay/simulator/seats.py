"""Seats going up and down: commands of the product, then its write to Stripe."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Final

from replay.simulator.account import Account
from replay.simulator.occurrences import SeatOccurrence
from replay.simulator.subscriptions import Status, Subscription

CHANGES_A_PERIOD_MAX: Final = 3

_GROWTH_PER_MILLE: Final = 620
_AGAIN_PER_MILLE: Final = 250
_BATCH_MAX: Final = 4
_SYNC_S: Final = (2, 45)
_BLOCKED: Final = frozenset({Status.UNPAID, Status.CANCELED})


def assign(account: Account, at: int) -> None:
    """Give a seat to a new user, or to one who had a seat before."""
    if account.former and account.chance.happens(_AGAIN_PER_MILLE):
        user = account.former.pop()
    else:
        account.users_made += 1
        user = f"u_{account.users_made}"
    account.users.append(user)
    _tell(account, user, at, active=True)


def release(account: Account, at: int) -> None:
    """Take the seat of one of the users, by chance."""
    user = account.chance.pick(account.users)
    account.users.remove(user)
    account.former.append(user)
    _tell(account, user, at, active=False)


def plan_changes(account: Account, held: Subscription) -> None:
    """Spread this period's changes of seats over it."""
    for _ in range(account.chance.between(0, CHANGES_A_PERIOD_MAX)):
        at = account.chance.between(held.period_start + 1, held.period_end - 1)
        account.agenda.plan(at, partial(change, account, held))


def change(account: Account, held: Subscription, at: int) -> None:
    """Add or release a few users, and let Stripe know a little later."""
    if held.status in _BLOCKED:
        return
    size = account.chance.between(1, _BATCH_MAX)
    if account.chance.happens(_GROWTH_PER_MILLE):
        for _ in range(size):
            assign(account, at)
    else:
        # The last user keeps the seat: somebody has to run the account.
        for _ in range(min(size, len(account.users) - 1)):
            release(account, at)
    sync_at = at + account.chance.between(*_SYNC_S)
    account.agenda.plan(sync_at, partial(sync, account, held))


def sync(account: Account, held: Subscription, at: int) -> None:
    """Write the quantity to Stripe; without a difference Stripe tells nothing."""
    if held.ended:
        return
    held.seats.quantity = held.plan.quantity(len(account.users))
    account.outbox.begin(at, requested=True)
    account.tell_subscription("customer.subscription.updated", held)


def _tell(account: Account, user: str, at: int, *, active: bool) -> None:
    account.outbox.waiting.append(
        SeatOccurrence(
            account=account.customer.customer_id,
            user=user,
            active=active,
            actor=account.users[0] if account.users else user,
            effective_at=datetime.fromtimestamp(at, tz=UTC),
            key=account.ids.uuid(),
        )
    )
