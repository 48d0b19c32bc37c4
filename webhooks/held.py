"""What the ledger holds of the objects that are compared with Stripe's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from projections.history import told
from projections.holdings import holdings
from projections.models.catalogue import CATALOGUE, Entry
from projections.models.customers import CUSTOMERS
from projections.models.declaration import Projection
from projections.models.invoices import INVOICES
from projections.models.subscriptions import SUBSCRIPTIONS
from projections.objects import Customer, Invoice, Subscription
from projections.wares import Coupon
from webhooks.comparing import (
    Holding,
    of_coupon,
    of_customer,
    of_invoice,
    of_subscription,
)

Held = dict[tuple[str, str], Holding]
COMPARED: tuple[Projection[Any], ...] = (CUSTOMERS, SUBSCRIPTIONS, INVOICES, CATALOGUE)


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


def _holdings(account: str, name: str, state: Any) -> Iterable[Holding]:  # noqa: ANN401
    if isinstance(state, Entry):
        yield from _coupon(name, state)
        return
    says = told(state)
    if says is None:
        return
    value = says.current.value
    # A subscription's deletion is its end, and it stays; of the others nothing does.
    if isinstance(value, Subscription):
        yield of_subscription(name, account, value)
    elif isinstance(value, Invoice) and not says.current.deleted:
        yield of_invoice(name, account, value)
    elif isinstance(value, Customer) and not says.current.deleted:
        yield of_customer(name, value)


def _coupon(name: str, entry: Entry) -> Iterable[Holding]:
    kind, _, coupon = name.partition(":")
    if kind != "coupon" or not entry.sightings:
        return
    own = [each for each in entry.sightings if each.own]
    last = (own or entry.sightings)[-1]
    if isinstance(last.ware, Coupon):
        yield of_coupon(coupon, last.ware, own=bool(own))
