"""Collecting an invoice: charge the way to pay, try again when that fails.

day 0 the first attempt, an hour after the invoice was made
day 3, 5, 7 the retries; after the last one the subscription is unpaid, paused or canceled
"""

from __future__ import annotations

from functools import partial
from typing import Final

import attrs

from replay.simulator import (
    billing,
    cancellation,
    mailing,
    paying,
    standing,
    suspensions,
)
from replay.simulator.account import Account
from replay.simulator.fates import ATTEMPTS_MAX, RETRY_DAYS, Ending, Fate, choose_fate
from replay.simulator.invoices import Invoice
from replay.simulator.methods import MethodType
from replay.simulator.objects.charges import charge
from replay.simulator.objects.intents import intent
from replay.simulator.payments import DECLINES, RETURNED, Attempt, Payment
from replay.simulator.renewals import DAY_S
from replay.simulator.subscriptions import Pause, Status, Subscription

_DEBIT_DAYS: Final = (3, 5)
_WRITTEN_OFF_PER_MILLE: Final = 400


def collect(account: Account, held: Subscription, billed: Invoice, at: int) -> None:
    """Finalize a renewal's draft and make the first attempt."""
    account.outbox.begin(at, requested=False)
    if held.ended or not held.collects or held.status is Status.PAUSED:
        return
    billing.finalize(account, billed, at)
    if billed.by_mail and billed.amount_due:
        mailing.send(account, held, billed, at)
        return
    fate = choose_fate(account)
    _attempt(account, held, billed, fate, at)
    if fate.new_card_after is not None:
        day = at + fate.new_card_after * DAY_S
        account.agenda.plan(day, partial(_pay_with_new_card, account, held, billed))


def pay_first(
    account: Account, held: Subscription | None, billed: Invoice, at: int
) -> None:
    """Collect an invoice finalized in the request that made it, or send it by mail.

    The caller has begun the events.
    """
    if billed.by_mail and billed.amount_due:
        mailing.send(account, held, billed, at)
        return
    billed.attempts = 1
    pay(account, held, billed, at)


def pay(account: Account, held: Subscription | None, billed: Invoice, at: int) -> None:
    """Charge with success, at once or in days; the caller has begun the events."""
    method = account.customer.method
    if billed.payment is None:
        _paid(account, held, billed, at)
    elif method is None or method.type is MethodType.CARD:
        _charge(account, billed.payment, at)
        _paid(account, held, billed, at)
    else:
        _charge(account, billed.payment, at, pending=True)
        settled_at = account.later(at, _DEBIT_DAYS)
        account.agenda.plan(settled_at, partial(_clear, account, held, billed))


def _clear(account: Account, held: Subscription | None, billed: Invoice, at: int) -> None:
    """Let the bank say yes to a debit."""
    payment = billed.payment
    if payment is None or payment.latest is None or not billed.open:
        return
    account.outbox.begin(at, requested=False)
    payment.latest = attrs.evolve(payment.latest, pending=False)
    _tell_charge(account, payment, "succeeded", "succeeded")
    _paid(account, held, billed, at)


def _paid(account: Account, held: Subscription | None, billed: Invoice, at: int) -> None:
    """Take the invoice as paid, and let that show."""
    billing.settle(account, billed, at)
    if held is None:
        return
    if held.status is Status.PAUSED:
        suspensions.resume(account, held, at)
        standing.show_delinquency(account, delinquent=False)
    elif held.status is not Status.TRIALING and not held.ended:
        standing.show(account, held, Status.ACTIVE, delinquent=False)


def _attempt(
    account: Account, held: Subscription, billed: Invoice, fate: Fate, at: int
) -> None:
    """Charge as fate has it."""
    billed.attempts += 1
    billed.attempted = True
    if billed.attempts > fate.failures:
        pay(account, held, billed, at)
    else:
        _fail(account, held, billed, fate, at)


def _retry(
    account: Account, held: Subscription, billed: Invoice, fate: Fate, at: int
) -> None:
    """Try again, unless the invoice was paid or its subscription ended meanwhile."""
    if not billed.open or held.ended:
        return
    account.outbox.begin(at, requested=False)
    _attempt(account, held, billed, fate, at)


def _fail(
    account: Account, held: Subscription, billed: Invoice, fate: Fate, at: int
) -> None:
    """Be declined: at once, or, as a debit, when the bank sends it back in days."""
    method = account.customer.method
    if billed.payment is None or method is None:
        return
    billed.next_attempt = None
    if method.type is MethodType.CARD and fate.confirms_after is not None:
        _ask(account, held, billed, fate, at)
        return
    if method.type is MethodType.CARD:
        _charge(account, billed.payment, at, failed=True)
        _go_on(account, held, billed, fate, at)
        return
    _charge(account, billed.payment, at, pending=True)
    bounced_at = account.later(at, _DEBIT_DAYS)
    account.agenda.plan(bounced_at, partial(_bounce, account, held, billed, fate))


def _ask(
    account: Account, held: Subscription, billed: Invoice, fate: Fate, at: int
) -> None:
    """Let the bank ask the customer to confirm, who does so in some days, or never."""
    payment = billed.payment
    if payment is None or fate.confirms_after is None:
        return
    payment.asks = account.customer.method
    ask_to_confirm(account, billed)
    confirmed_at = at + fate.confirms_after * DAY_S
    confirm = partial(_confirm, account, held, billed)
    account.agenda.plan(confirmed_at, confirm)
    _go_on(account, held, billed, fate, at)


def ask_to_confirm(account: Account, billed: Invoice) -> None:
    """Tell that the customer has to confirm; the caller has begun the events."""
    if billed.payment is not None:
        rendered = intent(billed.payment, account.shape)
        account.outbox.tell("payment_intent.requires_action", rendered)
        billing.tell(account, "payment_action_required", billed)


def _confirm(account: Account, held: Subscription, billed: Invoice, at: int) -> None:
    """Let the customer confirm, if the bank still asks."""
    if not billed.open or held.ended or billed.payment is None or not billed.payment.asks:
        return
    account.outbox.begin(at, requested=True)
    pay(account, held, billed, at)


def _bounce(
    account: Account, held: Subscription, billed: Invoice, fate: Fate, at: int
) -> None:
    """Let the bank send a debit back."""
    payment = billed.payment
    if payment is None or payment.latest is None or not billed.open:
        return
    account.outbox.begin(at, requested=False)
    payment.latest = attrs.evolve(payment.latest, pending=False, decline=RETURNED)
    _tell_charge(account, payment, "failed", "payment_failed")
    _go_on(account, held, billed, fate, at)


def _go_on(
    account: Account, held: Subscription, billed: Invoice, fate: Fate, at: int
) -> None:
    """Plan the next attempt after one that failed, or come to the ending."""
    if billed.attempts < fate.tries and not held.ended:
        planned = (billed.finalized_at or at) + RETRY_DAYS[billed.attempts - 1] * DAY_S
        # A debit may come back after the day of the next attempt.
        billed.next_attempt = max(planned, at + DAY_S)
        retry = partial(_retry, account, held, billed, fate)
        account.agenda.plan(billed.next_attempt, retry)
    billed.fail(at)
    billing.tell(account, "payment_failed", billed)
    billing.tell(account, "updated", billed)
    if billed.next_attempt is not None:
        standing.show(account, held, Status.PAST_DUE, delinquent=True)
        return
    _maybe_write_off(account, billed, fate, at)
    if fate.new_card_after is None:
        account.outbox.forget(billed.invoice_id)
    if not held.ended:
        _come_to_the_ending(account, held, fate, at)


def _maybe_write_off(account: Account, billed: Invoice, fate: Fate, at: int) -> None:
    """Let some sellers have Stripe write off what no attempt could collect."""
    money = account.habits.money
    if fate.new_card_after is not None or not money.eventful:
        return
    if account.luck.happens(_WRITTEN_OFF_PER_MILLE):
        billing.write_off(account, billed, at, "max_payment_attempts")


def _come_to_the_ending(account: Account, held: Subscription, fate: Fate, at: int) -> None:
    if fate.ending is Ending.CANCELED:
        cancellation.end(account, held, at, "payment_failed")
        return
    if fate.ending is Ending.UNPAID:
        standing.show(account, held, Status.UNPAID, delinquent=True)
    else:
        final = fate.tries == ATTEMPTS_MAX
        why = Pause.FINAL_FAILURE if final else Pause.FIRST_FAILURE
        suspensions.pause(account, held, at, why)
        standing.show_delinquency(account, delinquent=True)
    if fate.new_card_after is None:
        cancellation.plan_giving_up(account, held, at)


def _pay_with_new_card(
    account: Account, held: Subscription, billed: Invoice, at: int
) -> None:
    """Let the customer enter another card and pay the open invoice with it."""
    tried = billed.payment.latest if billed.payment else None
    if not billed.open or held.ended or (tried is not None and tried.pending):
        return
    paying.attach(account, at)
    pay(account, held, billed, at)


def _charge(
    account: Account,
    payment: Payment,
    at: int,
    *,
    failed: bool = False,
    pending: bool = False,
) -> None:
    """Charge the customer's way to pay, and tell of charge and intent."""
    method, ids = account.customer.method, account.ids
    if method is None:
        return
    payment.asks = None
    payment.latest = Attempt(
        charge_id=ids.dated("ch", at),
        created=at,
        method=method,
        balance_transaction=ids.dated("txn", at),
        authorization=ids.number(6),
        network_transaction=ids.number(15),
        risk_score=account.chance.between(0, 64),
        decline=account.chance.pick(DECLINES) if failed else None,
        pending=pending,
    )
    if pending:
        _tell_charge(account, payment, "pending", "processing")
    elif failed:
        _tell_charge(account, payment, "failed", "payment_failed")
    else:
        _tell_charge(account, payment, "succeeded", "succeeded")


def _tell_charge(account: Account, payment: Payment, word: str, result: str) -> None:
    if payment.latest is not None:
        rendered = charge(payment.latest, payment, account.shape)
        account.outbox.tell(f"charge.{word}", rendered)
    account.outbox.tell(f"payment_intent.{result}", intent(payment, account.shape))
