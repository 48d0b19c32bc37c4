"""What an admin may want of Stripe: read, checked, and put so that it can be kept.

{"return_url": "https://shop.example/billing", "admin": "u_1"}                   portal
{"price": "price_1", "quantity": 3, "success_url": "…", "cancel_url": "…", …}    checkout
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import msgspec

from ledger.acts import Act
from ledger.problems import Problem, bad_request
from projections.openapi.parts import Name
from webhooks.commands import convert, readable_id
from webhooks.hosted_terms import QUANTITY_MAX, allowed_price, allowed_url
from webhooks.standing import Standing


class Portal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the portal leads back to, and who asks."""

    return_url: str
    admin: Name


class Checkout(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is to be subscribed to, and who asks.

    Attributes:
        country: Where the account signs up, ISO 3166 alpha-2; it decides the currency.
    """

    price: str
    success_url: str
    cancel_url: str
    admin: Name
    quantity: int = 1
    country: str | None = None


@attrs.frozen(kw_only=True)
class Offered:
    """What may be asked for.

    Attributes:
        origins: Where a hosted page may lead back to.
        prices: What may be subscribed to.
    """

    origins: tuple[str, ...]
    prices: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Wish:
    """What an admin wants of Stripe, checked."""

    account: str
    act: Act
    asked: Mapping[str, str]
    admin: str


def wish_of(standing: Standing, act: Act, body: object, offered: Offered) -> Wish:
    """Read what is wanted.

    Raises:
        Problem: It cannot be (400, 409, 501).
    """
    if act is Act.PORTAL_SESSION:
        portal = convert(body, Portal)
        readable_id("admin", portal.admin)
        return _portal(standing, portal, offered)
    checkout = convert(body, Checkout)
    readable_id("admin", checkout.admin)
    return _checkout(standing, checkout, offered)


def _portal(standing: Standing, asked: Portal, offered: Offered) -> Wish:
    return_url = allowed_url("return_url", asked.return_url, offered.origins)
    if standing.customer is None:
        raise Problem(
            status=409,
            slug="no-customer",
            detail="the account has no Stripe customer yet; begin with a checkout",
        )
    given = {"customer": standing.customer, "return_url": return_url}
    return Wish(
        account=standing.account,
        act=Act.PORTAL_SESSION,
        asked=given,
        admin=asked.admin,
    )


def _checkout(standing: Standing, asked: Checkout, offered: Offered) -> Wish:
    price = allowed_price(asked.price, offered.prices)
    if not 1 <= asked.quantity <= QUANTITY_MAX:
        raise bad_request(f"quantity is a whole number from 1 to {QUANTITY_MAX}")
    given = {
        "price": price,
        "quantity": str(asked.quantity),
        "success_url": allowed_url("success_url", asked.success_url, offered.origins),
        "cancel_url": allowed_url("cancel_url", asked.cancel_url, offered.origins),
    }
    if standing.live:
        raise Problem(
            status=409,
            slug="subscription-live",
            detail="the account has a live subscription; change it in the portal",
        )
    terms = standing.terms(price, asked.quantity, asked.country)
    return Wish(
        account=standing.account,
        act=Act.CHECKOUT_SESSION,
        asked={**given, **terms},
        admin=asked.admin,
    )
