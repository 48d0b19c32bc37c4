"""Changes within a period: unused time given back, the remaining time charged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction

import attrs

from replay.simulator import billing, collection, drafting
from replay.simulator.account import Account
from replay.simulator.invoice_items import InvoiceItem
from replay.simulator.money import rounded
from replay.simulator.objects.invoice_items import invoice_item
from replay.simulator.prices import Price
from replay.simulator.subscriptions import Status, Subscription

_TIMES = "\u00d7"


@attrs.frozen(kw_only=True)
class Snapshot:
    """What a subscription was before it changed: price, quantity, cost of a period.

    The cost is by subscription item, in minor units, less discounts.
    """

    items: Mapping[str, tuple[Price, int]]
    costs: Mapping[str, int]


def snapshot(account: Account, held: Subscription, at: int) -> Snapshot:
    """Return what the subscription is now."""
    return Snapshot(
        items={item.item_id: (item.price, item.quantity) for item in held.items},
        costs=drafting.net_amounts(account, held, at),
    )


def prorate(account: Account, held: Subscription, before: Snapshot, at: int) -> None:
    """Have the change since *before* billed with the next invoice, in two items for each.

    The caller has begun the events.
    """
    after = snapshot(account, held, at)
    length = held.period_end - held.period_start
    share = Fraction(held.period_end - at, length)
    for item_id in dict.fromkeys([*before.items, *after.items]):
        if before.items.get(item_id) == after.items.get(item_id):
            continue
        for known, sign in ((before, -1), (after, 1)):
            if item_id in known.items:
                cost = sign * share * known.costs[item_id]
                _wait(account, held, item_id, known.items[item_id], cost, at)


def bill_now(account: Account, held: Subscription, at: int) -> None:
    """Bill what waits for the subscription at once; the caller has begun the events."""
    if not any(each.subscription_id == held.subscription_id for each in account.waiting):
        return
    billed = drafting.for_changes(account, held, at)
    held.latest_invoice = billed.invoice_id
    account.books.open(billed, period=False)
    billing.tell_items(account, billed)
    billing.tell(account, "created", billed)
    account.tell_subscription("customer.subscription.updated", held)
    billing.finalize(account, billed, at)
    collection.pay_first(account, held, billed, at)


def can_prorate(account: Account, held: Subscription) -> bool:
    """Tell whether a change within the period is charged for at all."""
    return bool(account.habits.money.eventful) and held.status is Status.ACTIVE


def _wait(
    account: Account,
    held: Subscription,
    item_id: str,
    sold: tuple[Price, int],
    cost: Fraction,
    at: int,
) -> None:
    price, quantity = sold
    unused = cost < 0
    item = InvoiceItem(
        invoice_item_id=account.ids.dated("ii", at),
        customer_id=held.customer_id,
        created=at,
        price=price,
        quantity=quantity,
        amount=rounded(cost, price.currency),
        description=_description(price, quantity, at, unused=unused),
        start=at,
        end=held.period_end,
        subscription_id=held.subscription_id,
        item_id=item_id,
        proration=True,
        credited=_credited(account, held, item_id) if unused else None,
    )
    account.waiting.append(item)
    account.outbox.tell("invoiceitem.created", invoice_item(item, account.shape))


def _description(price: Price, quantity: int, at: int, *, unused: bool) -> str:
    day = datetime.fromtimestamp(at, tz=UTC).strftime("%d %b %Y")
    what = "Unused time on" if unused else "Remaining time on"
    return f"{what} {quantity} {_TIMES} {price.nickname} after {day}"


def _credited(
    account: Account, held: Subscription, item_id: str
) -> tuple[str, tuple[str, ...]] | None:
    """Return the latest invoice on which the item's time was charged, and its lines."""
    for billed in reversed(account.books.periods.get(held.subscription_id, [])):
        lines = tuple(
            line.line_id
            for line in billed.lines
            if line.item_id == item_id and line.amount > 0
        )
        if lines:
            return billed.invoice_id, lines
    return None
