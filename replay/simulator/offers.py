"""What a seller takes off for campaigns, and the taxes it must add."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import attrs

from replay.simulator.coupons import Code, Coupon, Duration
from replay.simulator.identities import Identities
from replay.simulator.prices import Price
from replay.simulator.taxes import TaxRate


@attrs.frozen(kw_only=True, eq=False)
class Offers:
    """Coupons and codes for everybody, and tax rates by country and inclusion.

    There is a thing sold once, too, by currency. What is meant for one customer is made
    when it is needed.
    """

    coupons: tuple[Coupon, ...] = ()
    codes: tuple[Code, ...] = ()
    rates: Mapping[tuple[str, bool], TaxRate] = attrs.field(factory=dict)
    things: Mapping[str, Price] = attrs.field(factory=dict)


NO_OFFERS: Final = Offers()


@attrs.frozen
class _Campaign:
    """A row of the coupons on offer; *off* is a percentage, or an amount of a currency."""

    name: str
    off: str
    duration: Duration
    months: int | None = None
    currency: str | None = None
    product: str | None = None
    code: str | None = None


_ONCE, _REPEATING, _FOREVER = Duration
_CAMPAIGNS: Final = (
    _Campaign("Welcome", "25", _ONCE, code="WELCOME"),
    _Campaign("First month free", "100", _ONCE),
    _Campaign("A third", "33.3", _FOREVER),
    _Campaign("Half for three months", "50", _REPEATING, 3, code="HALF"),
    _Campaign("Half a year", "12.5", _REPEATING, 6),
    _Campaign("Loyal", "7.25", _FOREVER),
    _Campaign("Ten dollars", "1000", _ONCE, currency="usd", code="TEN"),
    _Campaign("Five euros a month", "500", _FOREVER, currency="eur"),
    _Campaign("Twenty dollars for two months", "2000", _REPEATING, 2, "usd"),
    _Campaign("A thousand yen", "1000", _FOREVER, currency="jpy"),
    _Campaign("Three dinars", "3000", _REPEATING, 4, "kwd"),
    _Campaign("Team for less", "20", _FOREVER, product="Team"),
    _Campaign("Scale for less", "15", _REPEATING, 5, product="Scale"),
)

_SET_UP: Final = (("usd", 4900), ("eur", 4900), ("jpy", 7350), ("kwd", 14700))

# Country, display name, Stripe's tax type, percentage.
_TAXES: Final = (
    ("DE", "VAT", "vat", "19"),
    ("FR", "TVA", "vat", "20"),
    ("US", "Sales tax", "sales_tax", "8.25"),
    ("JP", "Consumption tax", "jct", "10"),
)


def seller_offers(ids: Identities, at: int, products: Mapping[str, str]) -> Offers:
    """Return all that is on offer from *at* on.

    Args:
        ids: A source of its own: what else is made stays the same.
        at: Whole seconds since 1970.
        products: Product ids, by the name of the offer.
    """
    coupons, codes = [], []
    for campaign in _CAMPAIGNS:
        coupon = _coupon(campaign, ids, at, products)
        coupons.append(coupon)
        if campaign.code is not None:
            code_id = ids.dated("promo", at)
            codes.append(
                Code(code_id=code_id, code=campaign.code, coupon=coupon, created=at)
            )
    return Offers(
        coupons=tuple(coupons),
        codes=tuple(codes),
        rates=_rates(ids, at),
        things=_things(ids, at),
    )


def _coupon(
    row: _Campaign, ids: Identities, at: int, products: Mapping[str, str]
) -> Coupon:
    fixed = row.currency is not None
    return Coupon(
        coupon_id=ids.capitals(8),
        created=at,
        name=row.name,
        duration=row.duration,
        percent_off=None if fixed else Decimal(row.off),
        amount_off=int(row.off) if fixed else None,
        currency=row.currency,
        months=row.months,
        products=frozenset({products[row.product]} if row.product else ()),
    )


def _things(ids: Identities, at: int) -> dict[str, Price]:
    product_id = ids.short("prod")
    return {
        currency: Price(
            price_id=ids.dated("price", at),
            product_id=product_id,
            nickname="Set-up",
            unit_amount=amount,
            currency=currency,
            created=at,
            metadata={"billing_role": "other"},
            months=0,
        )
        for currency, amount in _SET_UP
    }


def _rates(ids: Identities, at: int) -> dict[tuple[str, bool], TaxRate]:
    return {
        (country, inclusive): TaxRate(
            rate_id=ids.dated("txr", at),
            created=at,
            country=country,
            display_name=name,
            tax_type=kind,
            percentage=Decimal(percentage),
            inclusive=inclusive,
        )
        for country, name, kind, percentage in _TAXES
        for inclusive in (False, True)
    }
