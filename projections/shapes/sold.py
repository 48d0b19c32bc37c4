"""What a subscription sells, read with it: the same few prices, known by their bytes.

    items.data[].price    {"id": "price_1", …}    the same bytes in event after event

Each is decoded when it is met anew, both for what the subscription needs of it and as
the catalogue's. Wherever anything is not as expected nothing is read here, and the
subscription and its prices are read apart, one field after another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ledger.log import Recorded
from projections.facts import Fact
from projections.shapes import known_parts
from projections.shapes import subscriptions as shapes
from projections.shapes.customers import StripeCustomer
from projections.shapes.fields import Listed
from projections.shapes.wares import StripePlan, StripePrice, plan, price
from projections.translation.from_catalogue import (
    ware_within,
    wares_billed,
    wares_listed,
    wares_within,
)
from projections.translation.from_references import claim_beside
from projections.wares import Ware

Sold = tuple[Any, str, str, Ware]
"""A price or plan as it is shown, and its kind, id and value in the catalogue."""

_SwiftItem = msgspec.defstruct(
    "_SwiftItem",
    [
        ("price", msgspec.Raw, None),
        ("plan", msgspec.Raw, None),
        ("sold", Any, None),  # whatever is shown there is written over
    ],
    bases=(shapes.StripeItem,),
)
SwiftSubscription: Final[Any] = msgspec.defstruct(
    "SwiftSubscription",
    [("items", Listed[_SwiftItem] | None, None)],  # type: ignore[valid-type]
    bases=(shapes.StripeSubscription,),
)
_PRICES: Final = msgspec.json.Decoder(StripePrice)
_PLANS: Final = msgspec.json.Decoder(StripePlan)


def fill(shown: Any) -> None:  # noqa: ANN401 - a sparse one is of a type made for it
    """Decode the prices of a `SwiftSubscription`, or of what one was before.

    Raises:
        msgspec.MsgspecError: One is not what it should be.
        UnreadableError: Likewise.
    """
    if not shown.items:  # null, or left out where only what changed is shown
        return
    for item in shown.items.data:
        priced, planned = _price(item.price), _plan(item.plan)
        item.price, item.plan = priced and priced[0], planned and planned[0]
        item.sold = priced or planned


def wares_beside(recorded: Recorded, shown: Any | None) -> Sequence[Fact]:  # noqa: ANN401
    """Return what the catalogue learns of a subscription's event.

    Args:
        shown: What `fill` completed; None where that could not be done.
    """
    if shown is None or shown.discount is not None or shown.discounts:
        return wares_within(recorded)
    items = () if shown.items is None else shown.items.data
    return [ware_within(recorded, *item.sold[1:]) for item in items if item.sold]


def billed_beside(recorded: Recorded, shown: Any | None) -> Sequence[Fact]:  # noqa: ANN401
    """Return what the catalogue learns of an invoice's event.

    Args:
        shown: A `SwiftInvoice` whose lines are read; None where that could not be done.
    """
    if shown is None or shown.discount is not None or shown.discounts:
        return wares_billed(recorded)
    if not shown.lines:
        return ()
    lines = shown.lines
    if lines.sold is None:
        lines.sold = wares_listed(lines.raw)
    return [
        ware_within(recorded, kind, name, ware) for (kind, name), ware in lines.sold.items()
    ]


def beside_customer(recorded: Recorded, shown: StripeCustomer | None) -> Sequence[Fact]:
    """Return what a customer claims to be, and what the catalogue learns of it."""
    claim = claim_beside(recorded, shown)
    if shown is not None and shown.discount is None:
        return claim
    return (*claim, *wares_within(recorded))


def _read_price(raw: bytes) -> Sold:
    shown = _PRICES.decode(raw)
    return shown, "price", shown.id, price(shown)


def _read_plan(raw: bytes) -> Sold:
    shown = _PLANS.decode(raw)
    return shown, "plan", shown.id, plan(shown)


_price: Final = known_parts.Known(_read_price)
_plan: Final = known_parts.Known(_read_plan)
