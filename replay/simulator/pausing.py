"""Collection paused for a while: invoices stay drafts, the status stays active."""

from __future__ import annotations

from functools import partial
from typing import Final

from replay.simulator.account import Account
from replay.simulator.subscriptions import Subscription

_PAUSE_DAYS: Final = (5, 40)


def pause(account: Account, held: Subscription, at: int) -> None:
    """Pause collection until a set day."""
    if not held.healthy:
        return
    held.paused = True
    held.resumes_at = account.later(at, _PAUSE_DAYS)
    account.outbox.begin(at, requested=True)
    account.tell_subscription("customer.subscription.updated", held)
    account.agenda.plan(held.resumes_at, partial(resume, account, held))


def resume(account: Account, held: Subscription, at: int) -> None:
    """Collect again; drafts made meanwhile stay drafts."""
    if held.ended:
        return
    held.paused = False
    held.resumes_at = None
    account.outbox.begin(at, requested=False)
    account.tell_subscription("customer.subscription.updated", held)
