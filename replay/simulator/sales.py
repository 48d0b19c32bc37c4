"""Things sold once: billed with the next invoice, or on an invoice of their own."""

from __future__ import annotations

from replay.simulator import billing, collection, drafting
from replay.simulator.account import Account
from replay.simulator.invoice_items import InvoiceItem
from replay.simulator.objects.invoice_items import invoice_item
from replay.simulator.subscriptions import Subscription


def sell_with_next(account: Account, held: Subscription, at: int) -> None:
    """Add something to the subscription's next invoice."""
    if not held.healthy:
        return
    account.outbox.begin(at, requested=True)
    item = _sold(account, held, at)
    if item is None:
        return
    item.subscription_id = held.subscription_id
    account.waiting.append(item)
    account.outbox.tell("invoiceitem.created", invoice_item(item, account.shape))


def sell_alone(account: Account, held: Subscription, at: int) -> None:
    """Bill something by hand, and have it paid at once or by mail."""
    if not held.healthy or account.customer.method is None:
        return
    account.outbox.begin(at, requested=True)
    item = _sold(account, held, at)
    if item is None:
        return
    account.outbox.tell("invoiceitem.created", invoice_item(item, account.shape))
    billed = drafting.for_sale(account, item, at)
    account.books.open(billed, period=False)
    account.outbox.tell("invoiceitem.updated", invoice_item(item, account.shape))
    account.outbox.forget(item.invoice_item_id)
    billing.tell(account, "created", billed)
    billing.finalize(account, billed, at)
    collection.pay_first(account, None, billed, at)


def _sold(account: Account, held: Subscription, at: int) -> InvoiceItem | None:
    price = account.offers.things.get(held.plan.currency)
    if price is None or price.unit_amount is None:
        return None
    quantity = account.luck.between(1, 3)
    return InvoiceItem(
        invoice_item_id=account.ids.dated("ii", at),
        customer_id=held.customer_id,
        created=at,
        price=price,
        quantity=quantity,
        amount=price.unit_amount * quantity,
        description=price.nickname or "",
        start=at,
        end=at,
    )
