"""Cards that customers enter."""

from __future__ import annotations

from replay.simulator.account import Account
from replay.simulator.customers import new_card
from replay.simulator.objects.customers import payment_method


def attach(account: Account, at: int) -> None:
    """Attach a new card and make it the one that pays, in one request."""
    customer = account.customer
    card = new_card(account.ids, account.chance, at)
    account.outbox.begin(at, requested=True)
    account.outbox.tell("payment_method.attached", payment_method(card, customer))
    customer.card = card
    account.tell_customer("customer.updated")
    held = account.subscription
    if held is not None and not held.ended:
        held.method_id = card.method_id
        account.tell_subscription("customer.subscription.updated", held)
