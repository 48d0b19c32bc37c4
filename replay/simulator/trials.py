"""Trials: three days' notice, and what they end in."""

from __future__ import annotations

from functools import partial
from typing import Final

from replay.simulator import cancellation, paying, suspensions
from replay.simulator.account import Account
from replay.simulator.habits import Trial
from replay.simulator.renewals import DAY_S, HOUR_S
from replay.simulator.subscriptions import Pause, Status, Subscription, TrialEnd

_NOTICE_S: Final = 3 * DAY_S
_COMES_BACK_PER_MILLE: Final = 600
_COMES_BACK_DAYS: Final = (2, 40)


def plan(account: Account, held: Subscription, trial: Trial) -> None:
    """Plan the notice, and the card that comes in time, if one does."""
    if held.trial_end is None:
        return
    notice_at = held.trial_end - _NOTICE_S
    account.agenda.plan(notice_at, partial(_give_notice, account, held))
    if trial.adds_method and not trial.has_method:
        added_at = account.chance.between(held.created + HOUR_S, held.trial_end - HOUR_S)
        account.agenda.plan(added_at, partial(paying.attach, account))


def goes_on(account: Account, held: Subscription, at: int) -> bool:
    """End the trial; tell whether an ordinary period begins.

    The caller has begun the events.
    """
    if account.customer.method is not None:
        held.status = Status.ACTIVE
        return True
    if held.trial_ends_in is TrialEnd.CANCEL:
        cancellation.end(account, held, at, "cancellation_requested")
        return False
    suspensions.pause(account, held, at, Pause.TRIAL_END)
    if account.chance.happens(_COMES_BACK_PER_MILLE):
        back_at = account.later(at, _COMES_BACK_DAYS)
        account.agenda.plan(back_at, partial(_come_back, account, held))
    return False


def _give_notice(account: Account, held: Subscription, at: int) -> None:
    if held.status is Status.TRIALING:
        account.outbox.begin(at, requested=False)
        account.tell_subscription("customer.subscription.trial_will_end", held)


def _come_back(account: Account, held: Subscription, at: int) -> None:
    """Let the customer enter a card, and go on as a payer."""
    if held.status is not Status.PAUSED:
        return
    paying.attach(account, at)
    suspensions.resume_by_request(account, held, at)
