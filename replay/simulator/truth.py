"""What is true of an account, in the words that a ledger can be held to."""

from __future__ import annotations

from datetime import UTC, datetime

from replay.simulator.account import Account
from replay.simulator.habits import Telling
from replay.simulator.money_truth import invoices, period
from replay.simulator.occurrences import Expectation, SubscriptionExpectation
from replay.simulator.subscriptions import Subscription


def expected(account: Account) -> Expectation:
    """Return what is true of *account* now."""
    known, held = account.customer, _primary(account)
    named = account.linked and account.habits.telling is not Telling.COUNTS
    return Expectation(
        account=known.customer_id,
        shape=account.shape,
        subscription=held.subscription_id if held else None,
        status=held.status.value if held else None,
        quantity=held.seats.quantity if held else None,
        active_users=frozenset(account.users if named else ()),
        period_start=_utc(held.period_start) if held else None,
        period_end=_utc(held.period_end) if held else None,
        active=len(account.users),
        linked=account.linked,
        included_seats=held.included_seats if held else None,
        cancel_at_period_end=held.cancel_at_period_end if held else False,
        default_method=known.method.method_id if known.method else None,
        method_expiry=known.method.expiry if known.method else None,
        email=known.email,
        currency=known.currency,
        deleted=known.deleted,
        subscriptions={each.subscription_id: _each(each) for each in account.subscriptions},
        invoices=invoices(account.books),
        period=period(account, held) if held else None,
        balance=known.balance,
    )


def _primary(account: Account) -> Subscription | None:
    standing = account.standings.primary()
    if standing is None:
        return None
    return next(
        held
        for held in account.subscriptions
        if held.subscription_id == standing.subscription_id
    )


def _each(held: Subscription) -> SubscriptionExpectation:
    return SubscriptionExpectation(
        status=held.status.value,
        quantity=held.seats.quantity,
        period_start=_utc(held.period_start),
        period_end=_utc(held.period_end),
        cancel_at_period_end=held.cancel_at_period_end,
    )


def _utc(at: int) -> datetime:
    return datetime.fromtimestamp(at, tz=UTC)
