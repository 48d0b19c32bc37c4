"""Signatures as Stripe makes them, made here without Stripe's own code."""

from __future__ import annotations

import hmac


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """Return the hexadecimal HMAC-SHA256 of timestamp, dot and body."""
    signed = b"%d." % timestamp + body
    return hmac.new(secret.encode(), signed, "sha256").hexdigest()


def header(*, secret: str, timestamp: int, body: bytes) -> str:
    """Return a ``Stripe-Signature`` of test mode: time, signature, and an old-scheme part.

    Only ``v1`` proves anything; ``v0`` is there because Stripe sends it in test mode.
    """
    genuine = signature(secret, timestamp, body)
    old = signature(f"v0:{secret}", timestamp, body)
    return f"t={timestamp},v1={genuine},v0={old}"
