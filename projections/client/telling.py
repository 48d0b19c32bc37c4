"""What the ledger is told, and asked to open, as requests that may be sent again."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Any, TypedDict
from urllib.parse import quote

import attrs
import msgspec

from projections.client.asking import written
from projections.client.calls import Call
from projections.openapi.list_answers import PageAnswer


class AppendedAnswer(TypedDict):
    """Where a write stands in the log."""

    position: int


@attrs.frozen(kw_only=True)
class Seat:
    """What is told of a change of a seat beside who and whether.

    Attributes:
        effective_at: When it takes effect; None is when it is told.
        key: What makes it one and the same when it is sent again; None makes one.
    """

    actor: str | None = None
    effective_at: datetime | None = None
    key: str | None = None


@attrs.frozen(kw_only=True)
class Checkout:
    """What is to be subscribed to, and where Stripe's page leads back to.

    Attributes:
        country: Where the account signs up, ISO 3166 alpha-2; it decides the currency.
    """

    price: str
    success_url: str
    cancel_url: str
    quantity: int = 1
    country: str | None = None


def seat(account: str, user: str, told: Seat, *, active: bool) -> Call[AppendedAnswer]:
    """Tell that *user* came or went."""
    effective = None if told.effective_at is None else written(told.effective_at)
    body = {"user": user, "active": active, "actor": told.actor, "effective_at": effective}
    given = {name: value for name, value in body.items() if value is not None}
    return _write("POST", account, "seat-changes", given, told.key)


def users(
    account: str, given: Collection[str] | int, key: str | None
) -> Call[AppendedAnswer]:
    """Tell who is active, all of them, or how many."""
    body = {"count": given} if isinstance(given, int) else {"users": sorted(given)}
    return _write("PUT", account, "seats", body, key)


def link(account: str, customer: str, key: str | None) -> Call[AppendedAnswer]:
    """Tell that the product's *account* is *customer* of Stripe."""
    return _write("POST", account, "link", {"customer": customer}, key)


def page_session(account: str, admin: str) -> Call[PageAnswer]:
    """Ask for a link to the billing page."""
    return _write("POST", account, "page-sessions", {"admin": admin}, None)


def portal_session(
    account: str, admin: str, return_url: str, key: str | None
) -> Call[PageAnswer]:
    """Ask for Stripe's portal."""
    body = {"admin": admin, "return_url": return_url}
    return _write("POST", account, "portal-sessions", body, key)


def checkout_session(
    account: str, admin: str, wanted: Checkout, key: str | None
) -> Call[PageAnswer]:
    """Ask for Stripe's checkout."""
    body = {"admin": admin, **attrs.asdict(wanted)}
    return _write("POST", account, "checkout-sessions", body, key)


def _write(
    method: str, account: str, what: str, body: object, key: str | None
) -> Call[Any]:
    """Return the request that tells *body*, one and the same when it is sent again."""
    return Call(
        method=method,
        path=f"/v1/accounts/{quote(account, safe='')}/{what}",
        headers={
            "Idempotency-Key": key or secrets.token_hex(16),
            "Content-Type": "application/json",
        },
        body=msgspec.json.encode(body),
    )
