"""Payments: the intent to collect an invoice, its attempts, and why they fail."""

from __future__ import annotations

from typing import Final

import attrs

from replay.simulator.customers import Card


@attrs.frozen(kw_only=True)
class Decline:
    """A bank's refusal, in the words Stripe has for it."""

    decline_code: str
    message: str
    network_code: str
    advice: str | None


DECLINES: Final = (
    Decline(
        decline_code="insufficient_funds",
        message="Your card has insufficient funds.",
        network_code="51",
        advice="try_again_later",
    ),
    Decline(
        decline_code="generic_decline",
        message="Your card was declined.",
        network_code="05",
        advice="try_again_later",
    ),
    Decline(
        decline_code="do_not_honor",
        message="Your card was declined.",
        network_code="05",
        advice=None,
    ),
)


@attrs.frozen(kw_only=True)
class Attempt:
    """One charge; it succeeded when there is no decline."""

    charge_id: str
    created: int
    card: Card
    balance_transaction: str
    authorization: str
    network_transaction: str
    risk_score: int
    decline: Decline | None


@attrs.define(kw_only=True)
class Payment:
    """A payment intent: it stays the same through all attempts on an invoice.

    Attributes:
        amount: Minor units.
        latest: The last attempt; None before the first.
    """

    intent_id: str
    invoice_id: str
    customer_id: str
    created: int
    amount: int
    currency: str
    description: str
    latest: Attempt | None = None
