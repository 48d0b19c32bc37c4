"""Payments: the intent to collect an invoice, its attempts, and why they fail."""

from __future__ import annotations

from typing import Final

import attrs

from replay.simulator.methods import Method


@attrs.frozen(kw_only=True)
class Decline:
    """A bank's refusal, in the words Stripe has for it."""

    decline_code: str
    message: str
    network_code: str | None
    advice: str | None
    code: str = "card_declined"


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


RETURNED: Final = Decline(
    decline_code="insufficient_funds",
    message="The customer's account has insufficient funds to cover this payment.",
    network_code=None,
    advice=None,
    code="insufficient_funds",
)


@attrs.frozen(kw_only=True)
class Attempt:
    """One charge; it failed when there is a decline.

    Attributes:
        pending: A debit whose bank has not answered yet.
    """

    charge_id: str
    created: int
    method: Method
    balance_transaction: str
    authorization: str
    network_transaction: str
    risk_score: int
    decline: Decline | None
    pending: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether the money has come."""
        return self.decline is None and not self.pending


@attrs.frozen(kw_only=True)
class Refund:
    """What went back of a charge, in minor units."""

    refund_id: str
    created: int
    amount: int
    balance_transaction: str


@attrs.define(kw_only=True)
class Payment:
    """A payment intent: it stays the same through all attempts on an invoice.

    Attributes:
        amount: Minor units.
        latest: The last attempt; None before the first.
        asks: The method whose bank asks the customer to confirm; None when none does.
        refunds: What went back of the latest charge.
        disputed: Whether the bank took it back.
    """

    intent_id: str
    invoice_id: str
    customer_id: str
    created: int
    amount: int
    currency: str
    description: str
    latest: Attempt | None = None
    asks: Method | None = None
    refunds: list[Refund] = attrs.field(factory=list)
    disputed: bool = False
