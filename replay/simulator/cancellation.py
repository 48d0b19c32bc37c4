"""Subscriptions that end, or are about to."""

from __future__ import annotations

from functools import partial
from typing import Final

from replay.simulator.account import Account
from replay.simulator.objects.invoice_items import invoice_item
from replay.simulator.subscriptions import Status, Subscription

_AT_ONCE_PER_MILLE: Final = 350
_CHANGED_MIND_PER_MILLE: Final = 250
_GIVEN_UP_PER_MILLE: Final = 500
_GIVEN_UP_DAYS: Final = (20, 60)
_HOPELESS: Final = frozenset({Status.UNPAID, Status.PAUSED})
_FEEDBACK: Final = (None, None, "too_expensive", "missing_features", "unused")


def end(account: Account, held: Subscription, at: int, reason: str) -> None:
    """End the subscription; the caller has begun the events."""
    held.end(at, reason)
    planned = account.scheduled.pop(held.subscription_id, None)
    if planned is not None:
        planned.canceled_at = at
        account.tell_schedule("canceled", planned)
        account.outbox.forget(planned.schedule_id)
    _forget_changes(account, held)
    account.tell_subscription("customer.subscription.deleted", held)
    account.outbox.forget(held.subscription_id)
    if held is account.subscription:
        account.when_ended(at)


def _forget_changes(account: Account, held: Subscription) -> None:
    """Delete what waits for the subscription's next invoice, which will not come."""
    mine = held.subscription_id
    for item in account.waiting:
        if item.subscription_id == mine:
            rendered = invoice_item(item, account.shape)
            account.outbox.tell("invoiceitem.deleted", rendered)
            account.outbox.forget(item.invoice_item_id)
    account.waiting = [each for each in account.waiting if each.subscription_id != mine]


def ask(account: Account, held: Subscription, at: int) -> None:
    """Let the customer cancel, at once or at the end of the period."""
    if not held.healthy and not _trying(held):
        return
    held.cancel_feedback = account.chance.pick(_FEEDBACK)
    account.outbox.begin(at, requested=True)
    if account.chance.happens(_AT_ONCE_PER_MILLE):
        end(account, held, at, "cancellation_requested")
        return
    held.cancel_at_period_end = True
    held.canceled_at = at
    held.cancel_reason = "cancellation_requested"
    account.tell_subscription("customer.subscription.updated", held)
    if account.chance.happens(_CHANGED_MIND_PER_MILLE):
        undo_at = account.chance.between(at + 1, held.period_end)
        account.agenda.plan(undo_at, partial(undo, account, held))


def _trying(held: Subscription) -> bool:
    return held.status is Status.TRIALING and not held.cancel_at_period_end


def undo(account: Account, held: Subscription, at: int) -> None:
    """Let the customer stay after all, if there is still time."""
    if held.ended or not held.cancel_at_period_end:
        return
    held.cancel_at_period_end = False
    held.canceled_at = None
    held.cancel_reason = None
    held.cancel_feedback = None
    account.outbox.begin(at, requested=True)
    account.tell_subscription("customer.subscription.updated", held)


def plan_giving_up(account: Account, held: Subscription, at: int) -> None:
    """Let the seller end some hopeless subscriptions by hand; the others stay."""
    if account.chance.happens(_GIVEN_UP_PER_MILLE):
        end_at = account.later(at, _GIVEN_UP_DAYS)
        account.agenda.plan(end_at, partial(_give_up, account, held))


def _give_up(account: Account, held: Subscription, at: int) -> None:
    if held.ended or held.status not in _HOPELESS:
        return
    account.outbox.begin(at, requested=True)
    end(account, held, at, "cancellation_requested")
