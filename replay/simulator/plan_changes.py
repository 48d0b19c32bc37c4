"""Changes of plan: up at once, down at the period's end, and between month and year."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from replay.simulator import prorations
from replay.simulator.account import Account
from replay.simulator.plans import Plan
from replay.simulator.renewals import months_after
from replay.simulator.schedules import Phase, Schedule
from replay.simulator.subscriptions import Item, Subscription

_THINKS_AGAIN_PER_MILLE: Final = 250


def upgrade(account: Account, held: Subscription, at: int) -> None:
    """Change to a better plan now, within the period."""
    better = [plan for plan in _others(account, held) if plan.rank > held.plan.rank]
    if not held.healthy or not better:
        return
    account.outbox.begin(at, requested=True)
    before = prorations.snapshot(account, held, at)
    fit(account, held, account.chance.pick(better), at)
    held.covered = held.seats.quantity
    account.tell_subscription("customer.subscription.updated", held)
    if prorations.can_prorate(account, held):
        prorations.prorate(account, held, before, at)
        prorations.bill_now(account, held, at)


def downgrade(account: Account, held: Subscription, at: int) -> None:
    """Plan a lesser plan for the next period, as a schedule."""
    lesser = [plan for plan in _others(account, held) if plan.rank < held.plan.rank]
    if not held.healthy or not lesser:
        return
    chosen = account.chance.pick(lesser)
    start, end = held.period_start, held.period_end
    quantity = held.seats.quantity
    phases = [Phase(plan=held.plan, seat_quantity=quantity, start=start, end=end)]
    planned = Schedule(
        schedule_id=account.ids.dated("sub_sched", at),
        subscription_id=held.subscription_id,
        customer_id=held.customer_id,
        created=at,
        phases=phases,
    )
    account.scheduled[held.subscription_id] = planned
    held.schedule_id = planned.schedule_id
    account.outbox.begin(at, requested=True)
    account.tell_schedule("created", planned)
    account.tell_subscription("customer.subscription.updated", held)
    account.outbox.begin(at, requested=True)
    users = len(account.users)
    phase_end = months_after(end, chosen.months)
    phases.append(
        Phase(
            plan=chosen,
            seat_quantity=chosen.quantity(users),
            start=end,
            end=phase_end,
        )
    )
    account.tell_schedule("updated", planned)
    if account.chance.happens(_THINKS_AGAIN_PER_MILLE):
        again_at = account.chance.between(at + 1, end - 1)
        account.agenda.plan(again_at, partial(_stay, account, held))


def advance(account: Account, held: Subscription, at: int) -> None:
    """Do at a period's end what is scheduled; the caller has begun the events."""
    planned = account.scheduled.get(held.subscription_id)
    if planned is None:
        return
    if planned.current == 0:
        planned.current = 1
        phase = planned.phases[1]
        fit(account, held, phase.plan, at)
        # What was planned counts; the product mends it when it next writes its seats.
        held.seats.quantity = phase.seat_quantity
        account.tell_schedule("updated", planned)
    else:
        _release(account, held, planned, at)


def switch_interval(account: Account, held: Subscription, at: int) -> None:
    """Change between month and year; a new period begins, and is billed, at once."""
    if not held.healthy:
        return
    other = next(
        plan
        for plan in account.plans
        if plan.name == held.plan.name
        and plan.currency == held.plan.currency
        and plan.months != held.plan.months
    )
    account.outbox.begin(at, requested=True)
    fit(account, held, other, at)
    account.restart(held, at)


def fit(account: Account, held: Subscription, plan: Plan, at: int) -> None:
    """Give the subscription the items of *plan*; an item that fits keeps its id."""
    *bases, seat = held.items
    quantity = plan.quantity(len(account.users))
    new = Item(
        item_id=seat.item_id,
        price=plan.seat,
        quantity=quantity,
        created=seat.created,
        discounts=seat.discounts,
    )
    held.items = (new,)
    if plan.base is not None:
        made = account.ids.short("si")
        item_id, created = (bases[0].item_id, bases[0].created) if bases else (made, at)
        base = Item(item_id=item_id, price=plan.base, quantity=1, created=created)
        base.discounts = bases[0].discounts if bases else []
        held.items = (base, new)
    held.plan = plan
    held.included_seats = plan.included_seats
    if held is account.subscription:
        account.plan = plan


def raise_terms(account: Account, raised: Mapping[Plan, Plan], _at: int) -> None:
    """Let the prices of this moment have other terms; it is no change of plan."""
    account.plans = tuple(raised.get(plan, plan) for plan in account.plans)
    account.plan = raised.get(account.plan, account.plan)
    for held in account.live:
        held.plan = raised.get(held.plan, held.plan)
        for item, price in zip(held.items, held.plan.prices, strict=True):
            item.price = price
    for planned in account.scheduled.values():
        planned.take_over(raised)


def _stay(account: Account, held: Subscription, at: int) -> None:
    """Let the customer stay with the plan after all."""
    planned = account.scheduled.get(held.subscription_id)
    if planned is None or planned.current != 0:
        return
    account.outbox.begin(at, requested=True)
    _release(account, held, planned, at)
    account.tell_subscription("customer.subscription.updated", held)


def _release(account: Account, held: Subscription, planned: Schedule, at: int) -> None:
    planned.released_at = at
    held.schedule_id = None
    del account.scheduled[held.subscription_id]
    account.tell_schedule("released", planned)
    account.outbox.forget(planned.schedule_id)


def _others(account: Account, held: Subscription) -> list[Plan]:
    """Return the other plans for the same currency and interval."""
    return [
        plan
        for plan in account.plans
        if plan.counts_seats
        and plan.name != held.plan.name
        and plan.currency == held.plan.currency
        and plan.months == held.plan.months
    ]
