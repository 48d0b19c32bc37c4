"""Open invoices the seller voids, or writes off, while they are being collected."""

from __future__ import annotations

from replay.simulator import billing, standing
from replay.simulator.account import Account
from replay.simulator.invoices import Invoice
from replay.simulator.subscriptions import Status, Subscription


def void(account: Account, held: Subscription, at: int) -> None:
    """Make a failing invoice as if it had never been; the subscription goes on."""
    billed = _failing(account, held)
    if billed is not None:
        account.outbox.begin(at, requested=True)
        billing.void(account, billed, at)
        _go_on(account, held)


def write_off(account: Account, held: Subscription, at: int) -> None:
    """Take a failing invoice as never to be paid; the subscription goes on."""
    billed = _failing(account, held)
    if billed is not None:
        account.outbox.begin(at, requested=True)
        billing.write_off(account, billed, at, "user_forgiven")
        _go_on(account, held)


def _failing(account: Account, held: Subscription) -> Invoice | None:
    if held.status is not Status.PAST_DUE:
        return None
    for billed in account.books.periods.get(held.subscription_id, []):
        tried = billed.payment.latest if billed.payment else None
        if billed.open and not (tried is not None and tried.pending):
            return billed
    return None


def _go_on(account: Account, held: Subscription) -> None:
    standing.show(account, held, Status.ACTIVE, delinquent=False)
