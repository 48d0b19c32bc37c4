"""What may happen to a company within a period, and how often."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from replay.simulator import (
    cancellation,
    company,
    crediting,
    discounting,
    disputes,
    forgiving,
    pausing,
    paying,
    plan_changes,
    refunds,
    sales,
    suspensions,
)
from replay.simulator.account import Account
from replay.simulator.agenda import Action
from replay.simulator.plans import ADD_ON, Plan
from replay.simulator.subscriptions import Subscription

_OfSubscription = Callable[[Account, Subscription, int], None]
_OfCompany = Callable[[Account, int], None]
_Begin = Callable[[Plan, int], Subscription | None]

# Per mille and period.
_PLAIN: Final[tuple[tuple[int, _OfSubscription], ...]] = (
    (18, cancellation.ask),
    (15, pausing.pause),
)
_TO_SUBSCRIPTIONS: Final[tuple[tuple[int, _OfSubscription], ...]] = (
    (30, plan_changes.upgrade),
    (35, plan_changes.downgrade),
    (15, plan_changes.switch_interval),
    (14, suspensions.ask),
    (6, suspensions.by_itself),
    (20, pausing.pause),
)
_TO_COMPANIES: Final[tuple[tuple[int, _OfCompany], ...]] = (
    (20, paying.attach),
    (14, paying.attach_debit),
    (14, paying.correct),
    (15, company.change_mail),
    (10, company.rename),
    (12, company.move),
    (12, company.enter_tax_id),
    (5, company.delete),
)
_TO_MONEY: Final[tuple[tuple[int, _OfSubscription], ...]] = (
    (45, discounting.redeem),
    (20, discounting.be_generous),
    (20, discounting.take_back),
    (40, sales.sell_with_next),
    (20, sales.sell_alone),
    (25, refunds.refund),
    (40, crediting.credit),
    (20, crediting.adjust),
    (12, disputes.dispute),
    (60, forgiving.void),
    (60, forgiving.write_off),
)
_ADD_ON_PER_MILLE: Final = 90
_TWICE_PER_MILLE: Final = 25
_BESIDE_DAYS: Final = (1, 40)
_MISTAKE_DAYS: Final = (1, 20)


def plan_period(account: Account, held: Subscription) -> None:
    """Draw what happens in the subscription's period, and when."""
    if held.renewals > 0 or account.habits.whole:
        for per_mille, of_subscription in _PLAIN:
            _maybe(account, held, per_mille, partial(of_subscription, account, held))
    if not account.habits.whole:
        return
    for per_mille, of_subscription in _TO_SUBSCRIPTIONS:
        _maybe(account, held, per_mille, partial(of_subscription, account, held))
    for per_mille, of_company in _TO_COMPANIES:
        _maybe(account, held, per_mille, partial(of_company, account))
    _plan_money(account, held)


def _plan_money(account: Account, held: Subscription) -> None:
    """Draw what becomes of money in the period; from luck, so that life stays the same."""
    for per_mille, action in _TO_MONEY:
        often = per_mille * account.habits.money.eventful * held.plan.months
        if account.luck.happens(often):
            at = account.luck.between(held.period_start + 1, held.period_end - 1)
            account.agenda.plan(at, partial(action, account, held))


def plan_neighbours(account: Account, at: int, begin: _Begin) -> None:
    """Let a few companies subscribe to a second thing, or twice by mistake."""
    plan = account.plan
    if account.chance.happens(_ADD_ON_PER_MILLE):
        add_on = next(
            each
            for each in account.plans
            if (each.name, each.currency, each.months) == (ADD_ON, plan.currency, 1)
        )
        _plan_second(account, at, partial(begin, add_on))
    if account.chance.happens(_TWICE_PER_MILLE):
        _plan_second(account, at, partial(_twice, account, begin))


def _plan_second(account: Account, at: int, action: Callable[[int], object]) -> None:
    def second(moment: int) -> None:
        action(moment)

    account.agenda.plan(account.later(at, _BESIDE_DAYS), second)


def _twice(account: Account, begin: _Begin, at: int) -> None:
    """Subscribe to the same plan again; the mistake ends some days later."""
    mistake = begin(account.plan, at)
    if mistake is None:
        return

    def mend(moment: int) -> None:
        if not mistake.ended:
            account.outbox.begin(moment, requested=True)
            cancellation.end(account, mistake, moment, "cancellation_requested")

    account.agenda.plan(account.later(at, _MISTAKE_DAYS), mend)


def _maybe(account: Account, held: Subscription, per_mille: int, action: Action) -> None:
    if account.chance.happens(per_mille * held.plan.months):
        at = account.chance.between(held.period_start + 1, held.period_end - 1)
        account.agenda.plan(at, action)
