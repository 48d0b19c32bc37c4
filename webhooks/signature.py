"""Who signed a delivery: Stripe's header, checked over the raw bytes of the body.

Stripe-Signature: t=1793523600,v1=5257a869…,v1=b0d1f3c2…,v0=6ffbb59b…
                  │            │                          └ other schemes are ignored
                  │            └ HMAC-SHA256 over "t.body", once for each secret in use
                  └ when it was signed, in epoch seconds
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import attrs

from ledger.settings import WebhookSecret

HEADER_CHARS_MAX: Final = 8192
TIME_DIGITS_MAX: Final = 12


@attrs.frozen(kw_only=True)
class Endpoint:
    """A signing secret in use, and whose events come with it.

    Attributes:
        name: A digest that names the secret without giving it away.
        key: The secret's bytes; never shown.
        valid_to: Epoch seconds from which on it signs nothing; None is for good.
        account: The connected Stripe account it brings; None is our own.
        livemode: The mode it is meant for; None is not said.
    """

    name: str
    key: bytes = attrs.field(repr=False)
    valid_to: float | None = None
    account: str | None = None
    livemode: bool | None = None


@attrs.frozen
class Signed:
    """A signature that holds: by which endpoint's secret, and when it was made."""

    endpoint: Endpoint
    at: datetime


def endpoints(secrets: Iterable[WebhookSecret]) -> tuple[Endpoint, ...]:
    """Return *secrets* as the endpoints they stand for, in order."""
    return tuple(
        Endpoint(
            name=_name(entry.secret.reveal()),
            key=entry.secret.reveal().encode("ascii"),
            valid_to=None if entry.valid_to is None else entry.valid_to.timestamp(),
            account=entry.account,
            livemode=entry.livemode,
        )
        for entry in secrets
    )


def check(
    headers: Sequence[str],
    body: bytes,
    candidates: Sequence[Endpoint],
    *,
    now: float,
    tolerance_s: float,
) -> Signed | None:
    """Return who signed *body*, or None, whatever the reason; never raises.

    Every secret in use is tried against every signature given, so that the time taken
    tells neither which one matched nor how much of it.

    Args:
        headers: Every ``Stripe-Signature`` header of the request; one is right.
        now: Epoch seconds.
    """
    if len(headers) != 1:
        return None
    read = _read(headers[0])
    if read is None:
        return None
    time, signatures = read
    signed_at = int(time)
    message = b"%b.%b" % (time.encode("ascii"), body)
    matched = None
    for endpoint in candidates:
        if endpoint.valid_to is not None and now >= endpoint.valid_to:
            continue
        expected = hmac.digest(endpoint.key, message, "sha256").hex().encode("ascii")
        for given in signatures:
            if hmac.compare_digest(expected, given):
                matched = endpoint
    if matched is None or abs(now - signed_at) > tolerance_s:
        return None
    return Signed(matched, datetime.fromtimestamp(signed_at, UTC))


def _read(header: str) -> tuple[str, list[bytes]] | None:
    """Return the time as written and every v1 signature; None for any other form."""
    if len(header) > HEADER_CHARS_MAX or not header.isascii():
        return None
    times, signatures = [], []
    for item in header.split(","):
        scheme, _, value = item.partition("=")
        if scheme == "v1":
            signatures.append(value.encode("ascii"))
        elif scheme == "t":
            times.append(value)
        elif not scheme or not value:
            return None
    if len(times) != 1 or not signatures:
        return None
    time = times[0]
    if not time.isdigit() or len(time) > TIME_DIGITS_MAX:
        return None
    return time, signatures


def _name(secret: str) -> str:
    return hashlib.sha256(b"billing-ledger endpoint\0" + secret.encode()).hexdigest()[:12]
