"""What the ledger holds of the objects that are compared with Stripe's.

A discount is part of what it is on, also where only an event of its own told of it: one
that ended unheard is found so, and mended by showing what it was on.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import attrs

from projections.discount_ends import listed
from projections.history import History, told
from projections.holdings import holdings
from projections.models.catalogue import CATALOGUE, Entry
from projections.models.charged import Discounting
from projections.models.customers import CUSTOMERS
from projections.models.declaration import Projection
from projections.models.discounts import DISCOUNTS
from projections.models.invoices import INVOICES
from projections.models.subscriptions import SUBSCRIPTIONS
from projections.objects import Customer, Invoice, Subscription
from projections.wares import Coupon
from webhooks.comparing import (
    Fields,
    Holding,
    of_coupon,
    of_customer,
    of_invoice,
    of_subscription,
)

Held = dict[tuple[str, str], Holding]
COMPARED: tuple[Projection[Any], ...] = (
    CUSTOMERS,
    SUBSCRIPTIONS,
    INVOICES,
    DISCOUNTS,
    CATALOGUE,
)
DISCOUNT: Final = "discount"


async def held(conninfo: str) -> Held:
    """Return what is kept, by kind and id.

    Raises:
        UnavailableError: The read models cannot be read now.
    """
    found: Held = {}
    for projection in COMPARED:
        async for account, name, state in holdings(conninfo, projection):
            keep(found, account, name, state)
    return found


def keep(found: Held, account: str, name: str, state: Any) -> None:  # noqa: ANN401
    """Add to *found* what a row tells, if it is of what is compared."""
    for each in _holdings(account, name, state):
        found[each.key] = each


def with_discounts(found: Held) -> Held:
    """Move the discounts that events of their own told of into what they are on."""
    for key in [key for key in found if key[0] == DISCOUNT]:
        told = found.pop(key)
        on = told.fields["subscription"]
        whose = ("customer", str(told.account)) if on is None else ("subscription", str(on))
        holder = found.get(whose)
        if holder is not None and holder.live and not _lacks(holder, told):
            found[whose] = attrs.evolve(holder, fields=_adding(holder.fields, told))
    return found


def _lacks(holder: Holding, told: Holding) -> bool:
    told_at = told.fields["told_at"]
    return (
        holder.listed is not None
        and isinstance(told_at, datetime)
        and holder.listed.lacks(told.id, told_at)
    )


def _adding(fields: Fields, told: Holding) -> Fields:
    item = told.fields["item"]
    place = "discounts" if item is None else f"{item}.discounts"
    on = {name: str(fields[name]).split() for name in fields if name.endswith("discounts")}
    # Older versions do not say of which item it is, and what is shown does.
    if place not in on or any(told.id in ids for ids in on.values()):
        return fields
    return {**fields, place: " ".join(sorted({*on[place], told.id}))}


def _holdings(account: str, name: str, state: Any) -> Iterable[Holding]:  # noqa: ANN401
    if isinstance(state, Entry):
        yield from _coupon(name, state)
        return
    says = told(state)
    if says is None:
        return
    current, value = says.current, says.current.value
    # A subscription's deletion is its end, and it stays; of the others nothing does.
    if isinstance(value, Subscription):
        yield attrs.evolve(of_subscription(name, account, value), listed=listed(current))
    elif current.deleted:
        return
    elif isinstance(value, Invoice):
        yield of_invoice(name, account, value)
    elif isinstance(value, Customer):
        yield attrs.evolve(of_customer(name, value), listed=listed(current))
    elif isinstance(value, Discounting) and value.invoice is None:
        yield _discount(account, name, state, value)


def _discount(
    account: str, name: str, state: History[Any, Any], value: Discounting
) -> Holding:
    told_at = max((each.occurred_at for each in state.recent), default=None)
    fields = {"subscription": value.subscription, "item": value.item, "told_at": told_at}
    return Holding(kind=DISCOUNT, id=name, account=account, fields=fields)


def _coupon(name: str, entry: Entry) -> Iterable[Holding]:
    kind, _, coupon = name.partition(":")
    if kind != "coupon" or not entry.sightings:
        return
    own = [each for each in entry.sightings if each.own]
    last = (own or entry.sightings)[-1]
    if isinstance(last.ware, Coupon):
        yield of_coupon(coupon, last.ware, own=bool(own))
