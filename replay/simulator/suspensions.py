"""Stripe's own pause: the status is paused, and no invoices are made until it is over."""

from __future__ import annotations

from functools import partial
from typing import Final

from replay.simulator.account import Account
from replay.simulator.subscriptions import Pause, Status, Subscription

_PAUSE_DAYS: Final = (4, 50)


def pause(account: Account, held: Subscription, at: int, why: Pause) -> None:
    """Pause the subscription; the caller has begun the events."""
    held.status = Status.PAUSED
    held.paused_for = why
    held.paused_at = at
    account.tell_subscription("customer.subscription.updated", held)
    account.tell_subscription("customer.subscription.paused", held)


def ask(account: Account, held: Subscription, at: int) -> None:
    """Let the customer pause for a while."""
    _for_a_while(account, held, at, Pause.REQUESTED)


def by_itself(account: Account, held: Subscription, at: int) -> None:
    """Let Stripe pause for a reason of its own."""
    _for_a_while(account, held, at, Pause.SYSTEM)


def _for_a_while(account: Account, held: Subscription, at: int, why: Pause) -> None:
    if not held.healthy:
        return
    account.outbox.begin(at, requested=why is Pause.REQUESTED)
    pause(account, held, at, why)
    resumes_at = account.later(at, _PAUSE_DAYS)
    account.agenda.plan(resumes_at, partial(resume_by_request, account, held))


def resume_by_request(account: Account, held: Subscription, at: int) -> None:
    """Let the customer go on, if there is a way to pay."""
    if held.status is Status.PAUSED and account.customer.method is not None:
        account.outbox.begin(at, requested=True)
        resume(account, held, at)


def resume(account: Account, held: Subscription, at: int) -> None:
    """Go on; a period that ran out meanwhile begins anew, from now.

    The caller has begun the events.
    """
    held.status = Status.ACTIVE
    held.paused_for = None
    held.paused_at = None
    if at < held.period_end:
        account.tell_subscription("customer.subscription.updated", held)
        account.tell_subscription("customer.subscription.resumed", held)
        return
    account.restart(held, at)
    account.tell_subscription("customer.subscription.resumed", held)
