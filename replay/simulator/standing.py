"""How the outcome of a payment shows on a subscription and on its customer."""

from __future__ import annotations

from replay.simulator.account import Account
from replay.simulator.subscriptions import Status, Subscription


def show(account: Account, held: Subscription, status: Status, *, delinquent: bool) -> None:
    """Let the outcome show on both; the caller has begun the events."""
    held.status = status
    account.tell_subscription("customer.subscription.updated", held)
    show_delinquency(account, delinquent=delinquent)


def show_delinquency(account: Account, *, delinquent: bool) -> None:
    """Let the outcome show on the customer alone."""
    if account.customer.delinquent is not delinquent:
        account.customer.delinquent = delinquent
        account.tell_customer("customer.updated")
