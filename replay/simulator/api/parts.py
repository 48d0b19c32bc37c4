"""What stands within an object, and what is kept apart until it is asked for."""

from __future__ import annotations

from typing import Final

# What an object carries within, and what is listed on its own, too.
CARRIED: Final = {"subscription": ("items", "subscription_item")}
# What an answer holds only when it is asked to expand it.
HIDDEN: Final = {
    "price": frozenset({"tiers", "currency_options"}),
    "plan": frozenset({"tiers"}),
    "coupon": frozenset({"applies_to", "currency_options"}),
    "promotion_code": frozenset({"currency_options"}),
}
# Lists that an answer holds only when asked to: the objects of a kind that name it.
GATHERED: Final = {
    ("invoice", "payments"): ("invoice_payment", "invoice"),
    ("customer", "subscriptions"): ("subscription", "customer"),
    ("customer", "tax_ids"): ("tax_id", "customer"),
    ("charge", "refunds"): ("refund", "charge"),
}
# Lists within an object are cut to so many; the rest is at an address of its own.
CUT: Final = {("invoice", "lines"): 10, ("credit_note", "lines"): 10}
# A reference to a deleted one still expands to all of it.
WHOLE_WHEN_DELETED: Final = frozenset({"discount"})
