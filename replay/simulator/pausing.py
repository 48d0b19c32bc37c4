"""Collection paused for a while: what becomes of invoices; the status stays active."""

from __future__ import annotations

from functools import partial
from typing import Final

from replay.simulator.account import Account
from replay.simulator.subscriptions import Collection, Subscription

_PAUSE_DAYS: Final = (5, 40)
_OPEN_ENDED_PER_MILLE: Final = 250


def pause(account: Account, held: Subscription, at: int) -> None:
    """Pause collection, until a set day or until somebody ends it."""
    if not held.healthy:
        return
    held.collection = Collection.KEEP_AS_DRAFT
    held.resumes_at = ends_at = account.later(at, _PAUSE_DAYS)
    if account.habits.whole:
        held.collection = account.chance.pick(tuple(Collection))
        if account.chance.happens(_OPEN_ENDED_PER_MILLE):
            held.resumes_at = None
    account.outbox.begin(at, requested=True)
    account.tell_subscription("customer.subscription.updated", held)
    account.agenda.plan(ends_at, partial(resume, account, held))


def resume(account: Account, held: Subscription, at: int) -> None:
    """Collect again; drafts made meanwhile stay drafts."""
    if held.ended:
        return
    account.outbox.begin(at, requested=held.resumes_at is None)
    held.collection = None
    held.resumes_at = None
    account.tell_subscription("customer.subscription.updated", held)
