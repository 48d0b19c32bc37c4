"""What the simulated company sells, and the terms written into its prices.

offer        base    seat   included  quantity counts   stated in metadata
Solo            -   12.00          0  all               yes
Team        49.00    9.00          3  extra             yes
Business   199.00   15.00         10  extra             yes, 12 later on
Enterprise 499.00   19.00          0  all               yes
Scale       99.00   15.00          5  all               yes; tiers of one item
Growth      79.00    8.00          ?  extra             no: to be inferred
Basic           -   10.00          0  all               no
Ladder      59.00   11.00          4  all               no; tiers, known when expanded
Support     29.00       -          -  nothing           beside another subscription
Prompt      39.00   10.00          2  extra             yes; seats are charged by time
Instant     25.00    8.00          0  all               yes; the same, and billed at once
Volume          -    7.00          0  all               yes; 6.51 from the sixth on, for all
Packs           -   45.00          0  all               yes; for each five, or part of five
Fine            -   12.495         0  all               yes; parts of a cent

A year costs ten months; amounts in euros are those in dollars, half as many again in yen
and three times as many thousandths in dinars, where only some of it is sold.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction
from typing import Final

import attrs

from replay.simulator.identities import Identities
from replay.simulator.price_forms import Form, Included, written
from replay.simulator.prices import MONTHS_A_YEAR, Price

PLAIN: Final = ("Solo", "Team", "Business", "Enterprise")
ADD_ON: Final = "Support"
CURRENCIES: Final = ("usd", "eur")

# For each cent: hundreds of yen, thousandths of a dinar.
_RARE: Final = {"jpy": Fraction(3, 2), "kwd": Fraction(3)}
_SOLD_RARELY: Final = frozenset({"Team", "Scale", "Support"})

_MONTHS_PAID_A_YEAR: Final = 10


class SeatQuantity(StrEnum):
    """What Stripe's quantity of the seat item counts."""

    ALL = "all"
    EXTRA = "extra"


class SeatCharge(StrEnum):
    """When a seat added within a period is charged for, by the time that is left.

    Attributes:
        NEXT_CYCLE: Never; it costs from the next period on.
        WITH_NEXT: With the next invoice.
        AT_ONCE: On an invoice of its own.
    """

    NEXT_CYCLE = "next_cycle"
    WITH_NEXT = "with_next"
    AT_ONCE = "at_once"


@attrs.frozen(kw_only=True, eq=False)
class Plan:
    """An offer in one currency for one interval.

    Attributes:
        seat: Its price counts seats; an add-on's only price stands here, too.
        included_seats: As stated, or as one who sees all of the price infers them; None
            where nobody can.
        counts_seats: False for an add-on.
        rank: Its place among the offers, by worth.
    """

    name: str
    product_id: str
    created: int
    base: Price | None
    seat: Price
    included_seats: int | None
    seat_quantity: SeatQuantity
    seat_charge: SeatCharge = SeatCharge.NEXT_CYCLE
    counts_seats: bool = True
    rank: int = 0

    def quantity(self, active_users: int) -> int:
        """Return Stripe's quantity of the seat item for so many active users."""
        if not self.counts_seats:
            return 1
        if self.seat_quantity is SeatQuantity.ALL:
            return active_users
        return max(0, active_users - (self.included_seats or 0))

    @property
    def prices(self) -> tuple[Price, ...]:
        """The prices of a subscription's items, in their order; the seat price is last."""
        return (self.seat,) if self.base is None else (self.base, self.seat)

    @property
    def months(self) -> int:
        """The interval, 1 or 12."""
        return self.seat.months

    @property
    def currency(self) -> str:
        """The currency of all its prices."""
        return self.seat.currency


@attrs.frozen
class _Offer:
    """A row of the price list, in minor units a month; no base when it is 0."""

    name: str
    base: int
    seat: int
    included_seats: int
    seat_quantity: SeatQuantity
    stated: bool = True
    form: Form = Form.UNIT
    charge: SeatCharge = SeatCharge.NEXT_CYCLE

    @property
    def tiered(self) -> bool:
        """Whether one item holds the base, too."""
        return self.form is Form.STEPS


_OFFERS: Final = (
    _Offer("Solo", 0, 1200, 0, SeatQuantity.ALL),
    _Offer("Team", 4900, 900, 3, SeatQuantity.EXTRA),
    _Offer("Business", 19900, 1500, 10, SeatQuantity.EXTRA),
    _Offer("Enterprise", 49900, 1900, 0, SeatQuantity.ALL),
    _Offer("Scale", 9900, 1500, 5, SeatQuantity.ALL, form=Form.STEPS),
    _Offer("Growth", 7900, 800, 0, SeatQuantity.EXTRA, stated=False),
    _Offer("Ladder", 5900, 1100, 4, SeatQuantity.ALL, stated=False, form=Form.STEPS),
    _Offer("Basic", 0, 1000, 0, SeatQuantity.ALL, stated=False),
    _Offer("Support", 0, 2900, 0, SeatQuantity.ALL),
    _Offer("Prompt", 3900, 1000, 2, SeatQuantity.EXTRA, charge=SeatCharge.WITH_NEXT),
    _Offer("Instant", 2500, 800, 0, SeatQuantity.ALL, charge=SeatCharge.AT_ONCE),
    _Offer("Volume", 0, 700, 0, SeatQuantity.ALL, form=Form.VOLUME),
    _Offer("Packs", 0, 4500, 0, SeatQuantity.ALL, form=Form.PACKS),
    _Offer("Fine", 0, 1249, 0, SeatQuantity.ALL, form=Form.DECIMAL),
)
_INCREASES: Final = {
    SeatCharge.NEXT_CYCLE: "next_cycle",
    SeatCharge.WITH_NEXT: "prorated",
    SeatCharge.AT_ONCE: "prorated",
}
_RANKS: Final = {offer.name: rank for rank, offer in enumerate(_OFFERS)}
_RAISED: Final = {"Business": 12}


def price_list(ids: Identities, at: int) -> tuple[Plan, ...]:
    """Return the plain plans: by the month, in dollars, terms stated."""
    offers = [offer for offer in _OFFERS if offer.name in PLAIN]
    return tuple(_plan(offer, ids, at) for offer in offers)


def whole_price_list(plain: Sequence[Plan], ids: Identities, at: int) -> tuple[Plan, ...]:
    """Return *plain*, the other offers, and all of them by the year and in euros."""
    products = {plan.name: plan.product_id for plan in plain}
    plans = list(plain)
    for currency in (*CURRENCIES, *_RARE):
        for months in (1, MONTHS_A_YEAR):
            for offer in _OFFERS:
                if currency in _RARE and offer.name not in _SOLD_RARELY:
                    continue
                known = (currency, months) == (CURRENCIES[0], 1)
                if known and offer.name in products:
                    continue
                made = _plan(offer, ids, at, months, currency, products.get(offer.name))
                products[offer.name] = made.product_id
                plans.append(made)
    return tuple(plans)


def raised(plan: Plan) -> Plan | None:
    """Return *plan* with the seats it includes later on; None if they stay."""
    included = _RAISED.get(plan.name)
    if included is None:
        return None

    def changed(price: Price) -> Price:
        if "included_seats" not in price.metadata:
            return price
        stated = {**price.metadata, "included_seats": str(included)}
        return attrs.evolve(price, metadata=stated)

    base = changed(plan.base) if plan.base else None
    return attrs.evolve(plan, base=base, seat=changed(plan.seat), included_seats=included)


def _plan(
    offer: _Offer,
    ids: Identities,
    at: int,
    months: int = 1,
    currency: str = CURRENCIES[0],
    product_id: str | None = None,
) -> Plan:
    """Return *offer* with ids; changes of seats are billed from the next period."""
    product_id = product_id or ids.short("prod")
    offer = _in_currency(offer, currency)
    times = _MONTHS_PAID_A_YEAR if months == MONTHS_A_YEAR else 1
    base_terms, seat_terms = _terms(offer)

    def price(what: str, unit_amount: int, metadata: dict[str, str]) -> Price:
        plain = Price(
            price_id=ids.dated("price", at),
            product_id=product_id,
            nickname=f"{offer.name} {what}",
            unit_amount=unit_amount * times,
            currency=currency,
            created=at,
            metadata=dict(sorted(metadata.items())),
            months=months,
        )
        if what != "seat":
            return plain
        included = Included(seats=offer.included_seats, amount=offer.base * times)
        return written(plain, offer.form, included)

    apart = offer.base and not offer.tiered
    known = offer.stated or offer.seat_quantity is SeatQuantity.ALL
    return Plan(
        name=offer.name,
        product_id=product_id,
        created=at,
        base=price("base", offer.base, base_terms) if apart else None,
        seat=price("seat", offer.seat, seat_terms),
        included_seats=offer.included_seats if known else None,
        seat_quantity=offer.seat_quantity,
        counts_seats=offer.name != ADD_ON,
        seat_charge=offer.charge,
        rank=_RANKS[offer.name],
    )


def _terms(offer: _Offer) -> tuple[dict[str, str], dict[str, str]]:
    """Return the metadata of the base and of the seat price."""
    if not offer.stated:
        return {}, {}
    if offer.name == ADD_ON:
        return {}, {"billing_role": "other"}
    base = {"billing_role": "base"}
    seat = {
        "billing_role": "seat",
        "seat_increase": _INCREASES[offer.charge],
        "seat_quantity": offer.seat_quantity.value,
    }
    # Both places are allowed, so both are used.
    included_on = base if offer.name == "Team" else seat
    included_on["included_seats"] = str(offer.included_seats)
    return base, seat


def _in_currency(offer: _Offer, currency: str) -> _Offer:
    rate = _RARE.get(currency)
    if rate is None:
        return offer
    return attrs.evolve(offer, base=int(offer.base * rate), seat=int(offer.seat * rate))
