"""Seats going up and down: commands of the product, then its write to Stripe."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Final

from replay.simulator import prorations
from replay.simulator.account import Account
from replay.simulator.habits import Link, Telling
from replay.simulator.occurrences import (
    LinkOccurrence,
    SeatCountOccurrence,
    SeatOccurrence,
    SeatSetOccurrence,
)
from replay.simulator.plans import SeatCharge
from replay.simulator.subscriptions import Status, Subscription

CHANGES_A_PERIOD_MAX: Final = 3

_GROWTH_PER_MILLE: Final = 620
_AGAIN_PER_MILLE: Final = 250
_BATCH_MAX: Final = 4
_SYNC_S: Final = (2, 45)
_BLOCKED: Final = frozenset(
    {Status.UNPAID, Status.PAUSED, Status.CANCELED, Status.INCOMPLETE_EXPIRED}
)


def join(account: Account, at: int) -> None:
    """Give a seat to one more user, before anything is paid."""
    user = _assign(account)
    if account.habits.telling is not Telling.SET_FIRST:
        _announce(account, at, [(user, True)])


def introduce(account: Account, at: int) -> None:
    """Let the product tell all users at once, if it begins so; then change by change."""
    if account.habits.telling is Telling.SET_FIRST:
        _tell_set(account, at)


def plan_changes(account: Account, held: Subscription) -> None:
    """Spread this period's changes of seats over it."""
    for _ in range(account.chance.between(0, CHANGES_A_PERIOD_MAX) * held.plan.months):
        at = account.chance.between(held.period_start + 1, held.period_end - 1)
        account.agenda.plan(at, partial(change, account, held))


def change(account: Account, held: Subscription, at: int) -> None:
    """Add or release a few users, and let Stripe know a little later."""
    if held.status in _BLOCKED or held is not account.subscription:
        return
    size = account.chance.between(1, _BATCH_MAX)
    if account.chance.happens(_GROWTH_PER_MILLE):
        changed = [(_assign(account), True) for _ in range(size)]
    else:
        # The last user keeps the seat: somebody has to run the account.
        size = min(size, len(account.users) - 1)
        changed = [(_release(account), False) for _ in range(size)]
    _announce(account, at, changed)
    sync_at = at + account.chance.between(*_SYNC_S)
    account.agenda.plan(sync_at, partial(sync, account, held))


def sync(account: Account, held: Subscription, at: int) -> None:
    """Write the quantity to Stripe; without a difference Stripe tells nothing."""
    if held.ended:
        return
    quantity = held.quantity(len(account.users))
    account.outbox.begin(at, requested=True)
    charged = held.plan.seat_charge is not SeatCharge.NEXT_CYCLE
    if charged and quantity > held.covered and prorations.can_prorate(account, held):
        _charge(account, held, quantity, at)
        return
    held.seats.quantity = quantity
    account.tell_subscription("customer.subscription.updated", held)


def _charge(account: Account, held: Subscription, quantity: int, at: int) -> None:
    """Charge the seats above those the period is paid for, by the time that is left."""
    held.seats.quantity = held.covered
    before = prorations.snapshot(account, held, at)
    held.seats.quantity = held.covered = quantity
    account.tell_subscription("customer.subscription.updated", held)
    prorations.prorate(account, held, before, at)
    if held.plan.seat_charge is SeatCharge.AT_ONCE:
        prorations.bill_now(account, held, at)


def link(account: Account, at: int) -> None:
    """Let the product say which customer its account is."""
    account.linked = True
    account.outbox.waiting.append(
        LinkOccurrence(
            product_account=account.customer.account_id,
            account=account.customer.customer_id,
            effective_at=_utc(at),
            key=account.ids.uuid(),
        )
    )


def _assign(account: Account) -> str:
    """Give a seat to a new user, or to one who had a seat before."""
    if account.former and account.chance.happens(_AGAIN_PER_MILLE):
        user = account.former.pop()
    else:
        account.users_made += 1
        user = f"u_{account.users_made}"
    account.users.append(user)
    return user


def _release(account: Account) -> str:
    """Take the seat of one of the users, by chance."""
    user = account.chance.pick(account.users)
    account.users.remove(user)
    account.former.append(user)
    return user


def _announce(account: Account, at: int, changed: list[tuple[str, bool]]) -> None:
    """Tell what changed, each one by itself, as a whole set, or as a bare count."""
    match account.habits.telling:
        case Telling.CHANGES | Telling.SET_FIRST:
            for user, active in changed:
                _tell_change(account, at, user, active=active)
        case Telling.SETS:
            _tell_set(account, at)
        case Telling.COUNTS:
            _tell_count(account, at)


def _tell_change(account: Account, at: int, user: str, *, active: bool) -> None:
    account.outbox.waiting.append(
        SeatOccurrence(
            account=_told_as(account),
            user=user,
            active=active,
            actor=_actor(account, user),
            effective_at=_utc(at),
            key=account.ids.uuid(),
        )
    )


def _tell_set(account: Account, at: int) -> None:
    account.outbox.waiting.append(
        SeatSetOccurrence(
            account=_told_as(account),
            users=tuple(account.users),
            actor=_actor(account, ""),
            effective_at=_utc(at),
            key=account.ids.uuid(),
        )
    )


def _tell_count(account: Account, at: int) -> None:
    account.outbox.waiting.append(
        SeatCountOccurrence(
            account=_told_as(account),
            count=len(account.users),
            actor=_actor(account, ""),
            effective_at=_utc(at),
            key=account.ids.uuid(),
        )
    )


def _told_as(account: Account) -> str:
    """Return the name the product gives the account: Stripe's, or its own."""
    known = account.customer
    stripes = account.habits.link is Link.CUSTOMER
    return known.customer_id if stripes else known.account_id


def _actor(account: Account, user: str) -> str:
    return account.users[0] if account.users else user


def _utc(at: int) -> datetime:
    return datetime.fromtimestamp(at, tz=UTC)
