"""What a hosted page of Stripe's may be opened with: where it leads, and who pays how.

usd   card, ACH debit        and wire, for a yearly price above 5,000 dollars
eur   card, SEPA debit
gbp   card, Bacs debit
cad   card
aud   card

A way to pay that is not supported is never offered. The currency follows the country at
signup and is one of the five above.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ledger.acts import Act
from ledger.problems import Problem, bad_request

WIRE_ABOVE: Final = 500_000
QUANTITY_MAX: Final = 999_999
URL_CHARS_MAX: Final = 2000
WIRE: Final = "customer_balance"
DEFAULT_CURRENCY: Final = "usd"
METHODS: Final[Mapping[str, tuple[str, ...]]] = {
    "usd": ("card", "us_bank_account"),
    "eur": ("card", "sepa_debit"),
    "gbp": ("card", "bacs_debit"),
    "cad": ("card",),
    "aud": ("card",),
}
_EURO: Final = (
    "AT BE BG CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK AD MC SM VA ME XK"
)
CURRENCIES: Final[Mapping[str, str]] = {
    "GB": "gbp",
    "CA": "cad",
    "AU": "aud",
    **dict.fromkeys(_EURO.split(), "eur"),
}
_URL: Final = re.compile(r"(https?://[A-Za-z0-9.\-\[\]:]+)(?:[/?#][\x21-\x7e]*)?")


def currency_of(country: str | None) -> str:
    """Return the currency of somebody who signs up in *country*, ISO 3166 alpha-2."""
    return CURRENCIES.get((country or "").upper(), DEFAULT_CURRENCY)


def methods(currency: str, interval: str | None, total: int | None) -> tuple[str, ...]:
    """Return the ways to pay that are offered.

    Args:
        total: Of one invoice, in minor units; None where it is not known before.
    """
    offered = METHODS.get(currency, ("card",))
    is_large = total is not None and total > WIRE_ABOVE
    wire = currency == "usd" and interval == "year" and is_large
    return (*offered, WIRE) if wire else offered


def origin_of(url: str) -> str:
    """Return the part of *url* that says whose it is."""
    found = _URL.fullmatch(url)
    return url if found is None else found[1]


def allowed_url(name: str, url: str, origins: Sequence[str]) -> str:
    """Return *url*, which is within *origins*.

    Raises:
        Problem: It is not (400).
    """
    found = _URL.fullmatch(url) if len(url) <= URL_CHARS_MAX else None
    if found is None:
        raise bad_request(f"{name} is no address such as https://shop.example/billing")
    if found[1].lower() not in {origin.rstrip("/").lower() for origin in origins}:
        detail = f"{name} is not within LEDGER_RETURN_ORIGINS; {found[1]} must stand there"
        raise bad_request(detail, parameter=name)
    return url


def allowed_price(price: str, prices: Sequence[str]) -> str:
    """Return *price*, which is on offer.

    Raises:
        Problem: It is not (400), or nothing is (501).
    """
    if not prices:
        raise Problem(
            status=501,
            slug="not-configured",
            detail="LEDGER_CHECKOUT_PRICES is not set: no price is on offer",
        )
    if price not in prices:
        raise bad_request("price is not among LEDGER_CHECKOUT_PRICES", parameter="price")
    return price


def parameters(act: Act, asked: Mapping[str, str]) -> dict[str, Any]:
    """Return what Stripe is asked with; the same for the same wish, however often."""
    return _PARAMETERS[act](asked)


def _portal(asked: Mapping[str, str]) -> dict[str, Any]:
    return {"customer": asked["customer"], "return_url": asked["return_url"]}


def _checkout(asked: Mapping[str, str]) -> dict[str, Any]:
    account = {"account_id": asked["account"]} if "account" in asked else {}
    ways = asked["methods"].split(",")
    given: dict[str, Any] = {
        "mode": "subscription",
        "line_items": [{"price": asked["price"], "quantity": int(asked["quantity"])}],
        "success_url": asked["success_url"],
        "cancel_url": asked["cancel_url"],
        "payment_method_types": ways,
        "metadata": account,
        "subscription_data": {"metadata": account},
    }
    if WIRE in ways:
        transfer = {"type": "us_bank_transfer"}
        funding = {"funding_type": "bank_transfer", "bank_transfer": transfer}
        given["payment_method_options"] = {WIRE: funding}
    for name in ("customer", "currency"):
        if name in asked:
            given[name] = asked[name]
    return given


_PARAMETERS: Final = {Act.PORTAL_SESSION: _portal, Act.CHECKOUT_SESSION: _checkout}
