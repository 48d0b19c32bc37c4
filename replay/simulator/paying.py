"""What customers do with their ways to pay: enter, replace, refresh and remove them."""

from __future__ import annotations

from functools import partial
from typing import Final

import attrs

from replay.simulator import methods
from replay.simulator.account import Account
from replay.simulator.methods import Method, MethodType
from replay.simulator.objects.methods import mandate, payment_method, setup_intent
from replay.simulator.renewals import DAY_S, month_start

_SOON_PER_MILLE: Final = 300
_REFRESHED_PER_MILLE: Final = 550
_REFRESH_DAYS: Final = (5, 40)
_REMOVED_PER_MILLE: Final = 500
_MANDATE_DAYS: Final = (1, 4)


def attach(account: Account, at: int) -> None:
    """Attach a new card and make it the one that pays, in one request."""
    whole = account.habits.whole
    card = methods.new_card(account.ids, account.chance, at, whole=whole)
    if whole and account.chance.happens(_SOON_PER_MILLE):
        card = methods.soon_expiring(card, account.chance, at)
        _plan_refresh(account, card, at)
    _attach(account, card, at)


def attach_debit(account: Account, at: int) -> None:
    """Attach an account to debit; its mandate becomes active some days later."""
    kinds = methods.DEBITS.get(account.plan.currency)
    if kinds is None:
        return
    kind = account.chance.pick(kinds)
    debit = methods.new_debit(kind, account.ids, at)
    account.outbox.remember(mandate(debit, status="pending"))
    _attach(account, debit, at)
    agreed_at = account.later(at, _MANDATE_DAYS)
    account.agenda.plan(agreed_at, partial(_agree, account, debit))


def correct(account: Account, at: int) -> None:
    """Let the customer correct the name on a card."""
    paying = account.customer.method
    if paying is None or paying.type is not MethodType.CARD:
        return
    changed = attrs.evolve(paying, name=f"{account.customer.name}, accounts")
    account.outbox.begin(at, requested=True)
    _tell(account, "updated", changed)
    _replace(account, changed)


def _attach(account: Account, method: Method, at: int) -> None:
    """Attach *method* and make it the one that pays, everywhere."""
    customer, outbox = account.customer, account.outbox
    method = attrs.evolve(method, email=customer.email, name=customer.name)
    outbox.begin(at, requested=True)
    if account.habits.whole:
        setup_id = account.ids.dated("seti", at)
        shape = account.shape
        made = setup_intent(setup_id, method, customer.customer_id, shape)
        outbox.tell("setup_intent.succeeded", made)
    _tell(account, "attached", method)
    old, customer.method = customer.method, method
    customer.methods.append(method)
    account.tell_customer("customer.updated")
    for held in account.live:
        held.method_id = method.method_id
        account.tell_subscription("customer.subscription.updated", held)
    if old is not None and account.habits.whole:
        _let_go(account, old)


def _let_go(account: Account, old: Method) -> None:
    """Remove the old way to pay, if the customer cares."""
    if not account.chance.happens(_REMOVED_PER_MILLE):
        return
    account.customer.methods.remove(old)
    previous: dict[str, object] = {"customer": account.customer.customer_id}
    rendered = payment_method(old, None, account.shape)
    account.outbox.tell("payment_method.detached", rendered, previous=previous)
    account.outbox.forget(old.method_id)


def _plan_refresh(account: Account, card: Method, at: int) -> None:
    """Let the card's network renew some cards before they expire."""
    if account.chance.happens(_REFRESHED_PER_MILLE):
        expires_at = month_start(card.exp_year, card.exp_month)
        days = account.chance.between(*_REFRESH_DAYS)
        refresh_at = max(at + DAY_S, expires_at - days * DAY_S)
        account.agenda.plan(refresh_at, partial(_refresh, account, card.method_id))


def _refresh(account: Account, method_id: str, at: int) -> None:
    card = next(
        (each for each in account.customer.methods if each.method_id == method_id), None
    )
    if card is None:
        return
    renewed = methods.renewed(card, at)
    account.outbox.begin(at, requested=False)
    _tell(account, "automatically_updated", renewed)
    _replace(account, renewed)


def _agree(account: Account, debit: Method, at: int) -> None:
    """Let the bank accept the mandate."""
    account.outbox.begin(at, requested=False)
    account.outbox.tell("mandate.updated", mandate(debit, status="active"))
    account.outbox.forget(debit.mandate_id)


def _replace(account: Account, changed: Method) -> None:
    """Put *changed* where the method of the same id was."""
    known = account.customer
    known.methods = [
        changed if each.method_id == changed.method_id else each for each in known.methods
    ]
    if known.method is not None and known.method.method_id == changed.method_id:
        known.method = changed


def _tell(account: Account, what: str, method: Method) -> None:
    rendered = payment_method(method, account.customer.customer_id, account.shape)
    account.outbox.tell(f"payment_method.{what}", rendered)
