"""The life of a company: it signs up, subscribes, renews, leaves, and may come back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from replay.simulator import (
    billing,
    cancellation,
    collection,
    company,
    discounting,
    happenings,
    paying,
    plan_changes,
    seats,
    trials,
)
from replay.simulator.account import Account
from replay.simulator.coupons import Discount
from replay.simulator.habits import Link, Trial
from replay.simulator.invoices import Invoice
from replay.simulator.methods import MethodType
from replay.simulator.plans import Plan
from replay.simulator.renewals import DAY_S, HOUR_S, MINUTE_S
from replay.simulator.subscriptions import Collection, Item, Status, Subscription

_FIRST_USERS: Final = (2, 16)
_CONFIRMED_LATER_PER_MILLE: Final = 300
_NEVER_CONFIRMED_PER_MILLE: Final = 120
_CONFIRM_S: Final = (0, 1)
_ASKED_S: Final = 30
_EXPIRES_S: Final = 23 * HOUR_S
_FINALIZE_S: Final = (0, 900)
_RETURN_PER_MILLE: Final = 350
_RETURN_DAYS: Final = (10, 70)
_OTHER_CURRENCY_PER_MILLE: Final = 300
_LINK_DAYS: Final = (3, 60)
_SYNC_S: Final = 40


def sign_up(account: Account, at: int) -> None:
    """Make the customer; a card, the first users and a subscription follow in minutes."""
    account.when_ended = partial(_ended, account)
    account.restart = partial(restart, account)
    known, trial = account.customer, account.habits.trial
    known.created = at
    account.outbox.begin(at, requested=True)
    account.tell_customer("customer.created")
    if trial is None or trial.has_method:
        account.agenda.plan(at + MINUTE_S, partial(paying.attach, account))
    if known.tax_exempt == "reverse":
        account.agenda.plan(at + MINUTE_S, partial(company.enter_tax_id, account))
    _plan_link(account, at)
    moment = at + 2 * MINUTE_S
    for _ in range(account.chance.between(*_FIRST_USERS)):
        moment += account.chance.between(0, MINUTE_S)
        account.agenda.plan(moment, partial(seats.join, account))
    account.agenda.plan(moment, partial(seats.introduce, account))
    account.agenda.plan(moment + MINUTE_S, partial(subscribe, account))


def _plan_link(account: Account, at: int) -> None:
    """Let the product name the customer, when it does."""
    how = account.habits.link
    account.linked = how in {Link.CUSTOMER, Link.METADATA}
    if how is Link.EARLY:
        account.agenda.plan(at + MINUTE_S, partial(seats.link, account))
    elif how is Link.LATE:
        linked_at = account.later(at, _LINK_DAYS)
        account.agenda.plan(linked_at, partial(seats.link, account))


def subscribe(account: Account, at: int) -> None:
    """Start the subscription that counts the seats: a trial first, if it is one."""
    trial = account.habits.trial if account.subscription is None else None
    if trial is None and account.customer.method is None:
        return
    account.subscription = _begin(account, account.plan, at, trial)
    if account.habits.whole:
        happenings.plan_neighbours(account, at, partial(_beside, account))


def _beside(account: Account, plan: Plan, at: int) -> Subscription | None:
    """Start another subscription beside the one there is."""
    held = account.subscription
    if held is None or not held.healthy or account.customer.method is None:
        return None
    return _begin(account, plan, at, None)


def _begin(account: Account, plan: Plan, at: int, trial: Trial | None) -> Subscription:
    """Start a subscription and bill its first period at once."""
    customer, ids = account.customer, account.ids
    method = customer.method
    items = tuple(
        Item(item_id=ids.short("si"), price=price, quantity=1, created=at)
        for price in plan.prices
    )
    held = Subscription(
        subscription_id=ids.dated("sub", at),
        customer_id=customer.customer_id,
        plan=plan,
        items=items,
        created=at,
        anchor=at,
        status=Status.ACTIVE,
        method_id=method.method_id if method else None,
        rates=account.rates,
        mail_days=account.habits.money.mail_days,
    )
    if trial is not None:
        held.trial_end = held.anchor = at + trial.days * DAY_S
        held.trial_ends_in = trial.ends_in
        held.renewals = -1
        held.status = Status.TRIALING
    held.seats.quantity = held.covered = held.quantity(len(account.users))
    account.subscriptions.append(held)
    given = discounting.at_start(account, held, at)
    customer.currency = plan.currency
    _bill_first(account, held, at, given)
    _plan_period(account, held)
    if trial is not None:
        trials.plan(account, held, trial)
    return held


def _bill_first(
    account: Account, held: Subscription, at: int, given: Sequence[Discount]
) -> None:
    """Make the first invoice; it is paid now, or when the customer confirms, or never."""
    method = account.customer.method
    card = method is not None and method.type is MethodType.CARD
    later = card and account.chance.happens(_CONFIRMED_LATER_PER_MILLE)
    later = later and held.status is not Status.TRIALING and held.mail_days is None
    if later:
        held.status = Status.INCOMPLETE
    account.outbox.begin(at, requested=True)
    account.tell_customer("customer.updated")
    billed = billing.draft(account, held, at, reason="subscription_create", collect=True)
    account.tell_subscription("customer.subscription.created", held)
    for each in given:
        discounting.tell_given(account, each)
    billing.tell(account, "created", billed)
    discounting.drop_used(account, held)
    billing.finalize(account, billed, at)
    if later and account.habits.money.eventful and billed.payment is not None:
        billed.payment.asks = method
        collection.ask_to_confirm(account, billed)
    if not later:
        collection.pay_first(account, held, billed, at)
    elif account.habits.whole and account.chance.happens(_NEVER_CONFIRMED_PER_MILLE):
        account.agenda.plan(at + _EXPIRES_S, partial(_expire, account, held, billed))
    else:
        confirmed_at = at + account.chance.between(*_CONFIRM_S)
        if billed.payment is not None and billed.payment.asks is not None:
            # Nobody confirms within the second in which the bank asks.
            confirmed_at += _ASKED_S
        account.agenda.plan(confirmed_at, partial(_confirm, account, held, billed))


def _confirm(account: Account, held: Subscription, billed: Invoice, at: int) -> None:
    if held.status is not Status.INCOMPLETE:
        return
    account.outbox.begin(at, requested=True)
    billed.attempts = 1
    collection.pay(account, held, billed, at)


def _expire(account: Account, held: Subscription, billed: Invoice, at: int) -> None:
    """End a subscription whose first invoice nobody paid within 23 hours."""
    if held.status is not Status.INCOMPLETE:
        return
    account.outbox.begin(at, requested=False)
    held.status = Status.INCOMPLETE_EXPIRED
    held.ended_at = at
    billing.void(account, billed, at)
    account.tell_subscription("customer.subscription.updated", held)
    account.outbox.forget(held.subscription_id)
    if held is account.subscription:
        _ended(account, at)


def renew(account: Account, held: Subscription, at: int) -> None:
    """Begin the next period, or end where the customer asked for the end."""
    if held.ended or held.status is Status.PAUSED or at != held.period_end:
        return
    account.outbox.begin(at, requested=False)
    if held.cancel_at_period_end:
        cancellation.end(account, held, at, "cancellation_requested")
        return
    if held.status is Status.TRIALING and not trials.goes_on(account, held, at):
        return
    terms = held.plan, held.included_seats
    held.begin_period()
    plan_changes.advance(account, held, at)
    held.covered = held.seats.quantity
    changed = (held.plan, held.included_seats) != terms
    if changed and held is account.subscription:
        account.agenda.plan(at + _SYNC_S, partial(seats.sync, account, held))
    collects = held.collects
    billed = billing.draft(account, held, at, reason="subscription_cycle", collect=collects)
    billing.tell(account, "created", billed)
    discounting.drop_used(account, held)
    account.tell_subscription("customer.subscription.updated", held)
    finalize_at = at + HOUR_S + account.chance.between(*_FINALIZE_S)
    if collects:
        action = partial(collection.collect, account, held, billed)
        account.agenda.plan(finalize_at, action)
    elif held.collection in {Collection.VOID, Collection.MARK_UNCOLLECTIBLE}:
        aside = partial(billing.put_aside, account, held, billed, held.collection)
        account.agenda.plan(finalize_at, aside)
    else:
        account.outbox.forget(billed.invoice_id)
    _plan_period(account, held)


def restart(account: Account, held: Subscription, at: int) -> None:
    """Begin a period now and collect for it in the same request.

    The caller has begun the events.
    """
    held.restart(at)
    held.covered = held.seats.quantity
    billed = billing.draft(account, held, at, reason="subscription_update", collect=True)
    account.tell_subscription("customer.subscription.updated", held)
    billing.tell(account, "created", billed)
    discounting.drop_used(account, held)
    billing.finalize(account, billed, at)
    collection.pay_first(account, held, billed, at)
    _plan_period(account, held)


def _plan_period(account: Account, held: Subscription) -> None:
    """Decide what will happen in the period that begins."""
    if held.plan.counts_seats:
        seats.plan_changes(account, held)
        happenings.plan_period(account, held)
    account.agenda.plan(held.period_end, partial(renew, account, held))


def _ended(account: Account, at: int) -> None:
    """Let some companies come back, with a subscription of its own."""
    if not account.chance.happens(_RETURN_PER_MILLE):
        return
    back_at = account.later(at, _RETURN_DAYS)
    account.agenda.plan(back_at, partial(_come_back, account))


def _come_back(account: Account, at: int) -> None:
    """Subscribe anew; where nothing is live, another currency may be chosen."""
    if account.live and account.live[-1].plan.counts_seats:
        return
    other = account.habits.whole and account.chance.happens(_OTHER_CURRENCY_PER_MILLE)
    if other and not account.live:
        account.plan = next(
            plan
            for plan in account.plans
            if (plan.name, plan.months) == (account.plan.name, account.plan.months)
            and plan.currency != account.plan.currency
        )
    subscribe(account, at)
