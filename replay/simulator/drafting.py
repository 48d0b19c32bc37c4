"""A new invoice: which lines it has, what is taken off them, and their taxes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from replay.simulator.account import Account
from replay.simulator.coupons import Discount, reduced
from replay.simulator.identities import Identities
from replay.simulator.invoice_items import InvoiceItem
from replay.simulator.invoices import Invoice
from replay.simulator.lines import Line
from replay.simulator.renewals import DAY_S, HOUR_S
from replay.simulator.subscriptions import Status, Subscription
from replay.simulator.taxes import taxed


@attrs.frozen(kw_only=True)
class Occasion:
    """Why an invoice is made, and when.

    Attributes:
        reason: Stripe's billing reason.
        since: Start of the period behind it; *at* where there is none.
        collect: Whether Stripe will finalize it by itself.
    """

    at: int
    reason: str
    since: int
    collect: bool = True


def for_period(account: Account, held: Subscription, why: Occasion) -> Invoice:
    """Return the draft for the subscription's current period, with what waits for it."""
    billed = _empty(account, held, why)
    lines = list(_lines(held, account.ids, why.at))
    return _filled(account, held, billed, [*lines, *_waiting(account, held, billed)])


def for_changes(account: Account, held: Subscription, at: int) -> Invoice:
    """Return a draft within a period, for nothing but what waits for it."""
    why = Occasion(at=at, reason="subscription_update", since=at)
    billed = _empty(account, held, why)
    return _filled(account, held, billed, _waiting(account, held, billed))


def for_sale(account: Account, item: InvoiceItem, at: int) -> Invoice:
    """Return a draft made by hand for a thing sold once; it is of no subscription."""
    billed = _empty(account, None, Occasion(at=at, reason="manual", since=at))
    item.invoice_id = billed.invoice_id
    return _filled(account, None, billed, [item.line(account.ids, at)])


def net_amounts(account: Account, held: Subscription, at: int) -> dict[str, int]:
    """Return what a whole period costs now, less discounts, by subscription item."""
    lines = [
        Line(
            line_id="",
            item_id=item.item_id,
            price=item.price,
            quantity=item.quantity,
            unit_amount=None,
            amount=sum(part.amount for part in item.price.charged(item.quantity)),
            start=held.period_start,
            end=held.period_end,
        )
        for item in held.items
    ]
    on_all = _discounts_on_all(account, held, at)
    discounts = [*_discounts_on_items(held, at), *on_all]
    lines = list(reduced(lines, discounts, held.plan.currency))
    return {line.item_id: line.net for line in lines if line.item_id is not None}


def _empty(account: Account, held: Subscription | None, why: Occasion) -> Invoice:
    payer, at = account.customer, why.at
    mail_days = account.habits.money.mail_days if held is None else held.mail_days
    charged = why.collect and mail_days is None
    return Invoice(
        invoice_id=account.ids.dated("in", at),
        customer_id=payer.customer_id,
        subscription_id=held.subscription_id if held else None,
        currency=held.plan.currency if held else payer.currency or account.plan.currency,
        created=at,
        billing_reason=why.reason,
        period_start=why.since,
        period_end=at,
        lines=(),
        rates=held.rates if held else account.rates,
        auto_advance=why.collect,
        next_attempt=at + HOUR_S if charged else None,
        due_date=None if mail_days is None else at + mail_days * DAY_S,
        balance_start=payer.balance,
    )


def _filled(
    account: Account, held: Subscription | None, billed: Invoice, lines: Sequence[Line]
) -> Invoice:
    """Return *billed* with *lines*, what is taken off them, and their taxes."""
    at, currency = billed.created, billed.currency
    on_all = _discounts_on_all(account, held, at)
    on_items = _discounts_on_items(held, at) if held else []
    off = reduced(lines, [*on_items, *on_all], currency)
    billed.lines = taxed(off, billed.rates, account.customer.tax_exempt, currency)
    billed.discounts = tuple(on_all)
    taken = {each for line in off for each, amount in line.taken if amount}
    for discount in (*on_items, *on_all):
        discount.used = discount.used or discount.discount_id in taken
    return billed


def _discounts_on_all(
    account: Account, held: Subscription | None, at: int
) -> list[Discount]:
    """Return the discounts of the subscription, or, if it has none, of the customer."""
    own = [each for each in held.discounts if each.takes(at)] if held else []
    general = account.customer.discount
    return own or ([general] if general is not None and general.takes(at) else [])


def _discounts_on_items(held: Subscription, at: int) -> list[Discount]:
    return [each for item in held.items for each in item.discounts if each.takes(at)]


def _waiting(account: Account, held: Subscription, billed: Invoice) -> list[Line]:
    """Take what waits for the subscription, or for any invoice, as lines."""
    mine: list[InvoiceItem] = []
    others: list[InvoiceItem] = []
    for item in account.waiting:
        fits = item.subscription_id in {None, held.subscription_id}
        (mine if fits and item.price.currency == billed.currency else others).append(item)
    account.waiting = others
    account.billed += mine
    for item in mine:
        item.invoice_id = billed.invoice_id
    return [item.line(account.ids, billed.created) for item in mine]


def _lines(held: Subscription, ids: Identities, at: int) -> Iterator[Line]:
    trial = held.status is Status.TRIALING
    for item in held.items:
        discounts = tuple(each.discount_id for each in item.discounts if each.takes(at))
        for part in item.price.charged(item.quantity):
            yield Line(
                line_id=ids.dated("il", at),
                item_id=item.item_id,
                subscription_id=held.subscription_id,
                price=item.price,
                quantity=part.quantity,
                unit_amount=part.unit_amount,
                amount=0 if trial else part.amount,
                start=held.period_start,
                end=held.period_end,
                trial=trial,
                discounts=discounts,
            )
