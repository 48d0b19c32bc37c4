"""The life of a company: it signs up, subscribes, renews, leaves, and may come back."""

from __future__ import annotations

from functools import partial
from typing import Final

from replay.simulator import cancellation, cards, collection, pausing, seats
from replay.simulator.account import Account
from replay.simulator.invoices import new_invoice
from replay.simulator.objects.invoices import invoice
from replay.simulator.renewals import HOUR_S, MINUTE_S
from replay.simulator.subscriptions import Item, Status, Subscription

_FIRST_USERS: Final = (2, 16)
_CONFIRMED_LATER_PER_MILLE: Final = 300
_CONFIRM_S: Final = (0, 1)
_FINALIZE_S: Final = (0, 900)
_CANCEL_PER_MILLE: Final = 18
_PAUSE_PER_MILLE: Final = 15
_RETURN_PER_MILLE: Final = 350
_RETURN_DAYS: Final = (10, 70)


def sign_up(account: Account, at: int) -> None:
    """Make the customer; a card, the first users and a subscription follow in minutes."""
    account.when_ended = partial(_ended, account)
    account.outbox.begin(at, requested=True)
    account.tell_customer("customer.created")
    account.agenda.plan(at + MINUTE_S, partial(cards.attach, account))
    moment = at + 2 * MINUTE_S
    for _ in range(account.chance.between(*_FIRST_USERS)):
        moment += account.chance.between(0, MINUTE_S)
        account.agenda.plan(moment, partial(seats.assign, account))
    account.agenda.plan(moment + MINUTE_S, partial(subscribe, account))


def subscribe(account: Account, at: int) -> None:
    """Start a subscription and bill its first period at once."""
    card, plan = account.customer.card, account.plan
    if card is None:
        return
    later = account.chance.happens(_CONFIRMED_LATER_PER_MILLE)
    held = Subscription(
        subscription_id=account.ids.dated("sub", at),
        customer_id=account.customer.customer_id,
        plan=plan,
        items=tuple(
            Item(item_id=account.ids.short("si"), price=price, quantity=1)
            for price in plan.prices
        ),
        anchor=at,
        status=Status.INCOMPLETE if later else Status.ACTIVE,
        method_id=card.method_id,
    )
    held.seats.quantity = plan.quantity(len(account.users))
    account.subscription = held
    account.customer.currency = plan.seat.currency
    _bill_first(account, held, at, later=later)
    seats.plan_changes(account, held)
    account.agenda.plan(held.period_end, partial(renew, account, held))


def _bill_first(account: Account, held: Subscription, at: int, *, later: bool) -> None:
    """Make the first invoice; it is paid now, or when the customer confirms."""
    account.outbox.begin(at, requested=True)
    account.tell_customer("customer.updated")
    billed = new_invoice(held, account.ids, at, collect=True)
    held.latest_invoice = billed.invoice_id
    account.tell_subscription("customer.subscription.created", held)
    rendered = invoice(billed, account.customer, account.shape)
    account.outbox.tell("invoice.created", rendered)
    collection.finalize(account, held, billed, at)

    def confirm(moment: int) -> None:
        account.outbox.begin(moment, requested=True)
        billed.attempts = 1
        collection.pay(account, held, billed, moment)

    if later:
        account.agenda.plan(at + account.chance.between(*_CONFIRM_S), confirm)
    else:
        billed.attempts = 1
        collection.pay(account, held, billed, at)


def renew(account: Account, held: Subscription, at: int) -> None:
    """Begin the next period, or end where the customer asked for the end."""
    if held.ended:
        return
    account.outbox.begin(at, requested=False)
    if held.cancel_at_period_end:
        cancellation.end(account, held, at, "cancellation_requested")
        return
    held.renewals += 1
    account.outbox.forget(held.latest_invoice)
    collects = not held.paused and held.status is not Status.UNPAID
    billed = new_invoice(held, account.ids, at, collect=collects)
    held.latest_invoice = billed.invoice_id
    rendered = invoice(billed, account.customer, account.shape)
    account.outbox.tell("invoice.created", rendered)
    account.tell_subscription("customer.subscription.updated", held)
    if collects:
        finalize_at = at + HOUR_S + account.chance.between(*_FINALIZE_S)
        action = partial(collection.collect, account, held, billed)
        account.agenda.plan(finalize_at, action)
    _plan_period(account, held)


def _plan_period(account: Account, held: Subscription) -> None:
    """Decide what will happen in the period that begins."""
    seats.plan_changes(account, held)
    if account.chance.happens(_CANCEL_PER_MILLE):
        at = account.chance.between(held.period_start + 1, held.period_end - 1)
        account.agenda.plan(at, partial(cancellation.ask, account, held))
    if account.chance.happens(_PAUSE_PER_MILLE):
        at = account.chance.between(held.period_start + 1, held.period_end - 1)
        account.agenda.plan(at, partial(pausing.pause, account, held))
    account.agenda.plan(held.period_end, partial(renew, account, held))


def _ended(account: Account, at: int) -> None:
    """Let some companies come back, with a subscription of its own."""
    if account.chance.happens(_RETURN_PER_MILLE):
        back_at = account.later(at, _RETURN_DAYS)
        account.agenda.plan(back_at, partial(subscribe, account))
