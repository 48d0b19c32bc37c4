"""Stripe's event types that are read, by what they show.

Source: `Event.type` and `stripe.events` of the SDK 16.1.0; types that have left it since
are read as well, since a log keeps them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final


def _types(prefix: str, *changes: str) -> frozenset[str]:
    return frozenset(f"{prefix}.{change}" for change in changes)


SUBSCRIPTIONS: Final = _types(
    "customer.subscription",
    "created",
    "updated",
    "deleted",
    "paused",
    "resumed",
    "trial_will_end",
    "pending_update_applied",
    "pending_update_expired",
)
CUSTOMERS: Final = _types("customer", "created", "updated", "deleted")
TAX_IDS: Final = _types("customer.tax_id", "created", "updated", "deleted")
DISCOUNTS: Final = _types("customer.discount", "created", "updated", "deleted")
PAYMENT_METHODS: Final = _types(
    "payment_method",
    "attached",
    "detached",
    "updated",
    "automatically_updated",
    "card_automatically_updated",
) | _types("customer.source", "created", "updated", "deleted", "expiring")
MANDATES: Final = _types("mandate", "updated")
INVOICES: Final = _types(
    "invoice",
    "created",
    "updated",
    "finalized",
    "finalization_failed",
    "sent",
    "paid",
    "payment_succeeded",
    "payment_failed",
    "payment_action_required",
    "payment_attempt_required",
    "overdue",
    "overpaid",
    "will_be_due",
    "marked_uncollectible",
    "voided",
    "deleted",
)
SCHEDULES: Final = _types(
    "subscription_schedule",
    "created",
    "updated",
    "canceled",
    "completed",
    "released",
    "aborted",
    "expiring",
)
WARES: Final = (
    _types("price", "created", "updated", "deleted")
    | _types("plan", "created", "updated", "deleted")
    | _types("product", "created", "updated", "deleted")
    | _types("coupon", "created", "updated", "deleted")
    | _types("promotion_code", "created", "updated")
    | _types("tax_rate", "created", "updated")
)
INVOICE_ITEMS: Final = _types("invoiceitem", "created", "updated", "deleted")
CREDIT_NOTES: Final = _types("credit_note", "created", "updated", "voided")
PAYMENTS: Final = _types(
    "charge",
    "captured",
    "expired",
    "failed",
    "pending",
    "refunded",
    "succeeded",
    "updated",
) | _types(
    "payment_intent",
    "amount_capturable_updated",
    "canceled",
    "created",
    "partially_funded",
    "payment_failed",
    "processing",
    "requires_action",
    "succeeded",
)
TIES: Final = (
    _types(
        "charge.dispute",
        "created",
        "updated",
        "closed",
        "funds_withdrawn",
        "funds_reinstated",
    )
    | _types("charge.refund", "updated")
    | _types("refund", "created", "updated", "failed")
    | _types("invoice_payment", "paid")
)
# These, too, name no customer.
LOOSE: Final = _types("radar.early_fraud_warning", "created", "updated")


def _thin(snapshots: Iterable[str]) -> frozenset[str]:
    return frozenset(f"v1.{name}" for name in snapshots)


# Thin events come for each of the above, and for finer changes of their own.
THIN: Final = (
    _thin(SUBSCRIPTIONS | CUSTOMERS | TAX_IDS | DISCOUNTS | PAYMENT_METHODS | MANDATES)
    | _thin(INVOICE_ITEMS | CREDIT_NOTES)
    | _thin(INVOICES | SCHEDULES | WARES | PAYMENTS | TIES | LOOSE)
    | _types(
        "v1.customer.subscription",
        "active",
        "past_due",
        "unpaid",
        "incomplete",
        "incomplete_expired",
        "trialing",
        "cancel_at_changed",
        "default_payment_method_changed",
        "item_added",
        "item_removed",
        "item_price_changed",
        "item_quantity_changed",
        "item_tax_rates_changed",
    )
    | _types(
        "v1.invoice",
        "discount_added",
        "discount_removed",
        "line_item_added",
        "line_item_removed",
        "line_item_quantity_changed",
        "line_item_pricing_changed",
    )
    | _types("v1.invoice_payment", "open", "paid", "canceled")
    | _types("v1.customer.discount", "source_changed")
    | _types("v1.promotion_code", "fully_redeemed")
)
