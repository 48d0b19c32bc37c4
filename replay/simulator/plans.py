"""What the simulated company sells, and the terms written into its prices.

offer        base    seat   included  quantity counts
Solo            -   12.00          0  all
Team        49.00    9.00          3  extra
Business   199.00   15.00         10  extra
Enterprise 499.00   19.00          0  all
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import attrs

from replay.simulator.identities import Identities


class SeatQuantity(StrEnum):
    """What Stripe's quantity of the seat item counts."""

    ALL = "all"
    EXTRA = "extra"


@attrs.frozen(kw_only=True)
class Price:
    """A recurring monthly price.

    Attributes:
        unit_amount: Minor units for one unit and month.
        created: Whole seconds since 1970.
        metadata: Terms the ledger reads.
    """

    price_id: str
    product_id: str
    nickname: str
    unit_amount: int
    currency: str
    created: int
    metadata: dict[str, str]


@attrs.frozen(kw_only=True)
class Plan:
    """An offer: a price per seat, and mostly a base price beside it."""

    name: str
    product_id: str
    created: int
    base: Price | None
    seat: Price
    included_seats: int
    seat_quantity: SeatQuantity

    def quantity(self, active_users: int) -> int:
        """Return Stripe's quantity of the seat item for so many active users."""
        if self.seat_quantity is SeatQuantity.ALL:
            return active_users
        return max(0, active_users - self.included_seats)

    @property
    def prices(self) -> tuple[Price, ...]:
        """The prices of a subscription's items, in their order; the seat price is last."""
        return (self.seat,) if self.base is None else (self.base, self.seat)


@attrs.frozen
class _Offer:
    """A row of the price list, in minor units; no base when it is 0."""

    name: str
    base: int
    seat: int
    included_seats: int
    seat_quantity: SeatQuantity


_OFFERS: Final = (
    _Offer("Solo", 0, 1200, 0, SeatQuantity.ALL),
    _Offer("Team", 4900, 900, 3, SeatQuantity.EXTRA),
    _Offer("Business", 19900, 1500, 10, SeatQuantity.EXTRA),
    _Offer("Enterprise", 49900, 1900, 0, SeatQuantity.ALL),
)


def price_list(ids: Identities, at: int) -> tuple[Plan, ...]:
    """Return every plan, its product and prices made at *at*."""
    return tuple(_plan(offer, ids, at) for offer in _OFFERS)


def _plan(offer: _Offer, ids: Identities, at: int) -> Plan:
    """Return *offer* with ids; changes of seats are billed from the next period."""
    product_id = ids.short("prod")

    def price(nickname: str, unit_amount: int, metadata: dict[str, str]) -> Price:
        return Price(
            price_id=ids.dated("price", at),
            product_id=product_id,
            nickname=nickname,
            unit_amount=unit_amount,
            currency="usd",
            created=at,
            metadata=dict(sorted(metadata.items())),
        )

    base_terms = {"billing_role": "base"}
    seat_terms = {
        "billing_role": "seat",
        "seat_increase": "next_cycle",
        "seat_quantity": offer.seat_quantity.value,
    }
    # Both places are allowed, so both are used.
    included_on = base_terms if offer.name == "Team" else seat_terms
    included_on["included_seats"] = str(offer.included_seats)
    base = price(f"{offer.name} base", offer.base, base_terms) if offer.base else None
    return Plan(
        name=offer.name,
        product_id=product_id,
        created=at,
        base=base,
        seat=price(f"{offer.name} seat", offer.seat, seat_terms),
        included_seats=offer.included_seats,
        seat_quantity=offer.seat_quantity,
    )
