"""Subscriptions and their items."""

from __future__ import annotations

from replay.simulator.objects.catalogue import legacy_plan, price
from replay.simulator.shapes import TRAITS, Shape
from replay.simulator.subscriptions import Item, Subscription


def subscription(held: Subscription, shape: Shape) -> dict[str, object]:
    """Render a subscription with all its items."""
    traits = TRAITS[shape]
    # Stripe repeats price and quantity at the top only where one item leaves no doubt.
    only = held.items[0] if len(held.items) == 1 else None
    return {
        "id": held.subscription_id,
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": held.anchor,
        "billing_cycle_anchor_config": None,
        **(_billing_mode(held) if traits.billing_modes else {}),
        "billing_thresholds": None,
        "cancel_at": held.cancel_at,
        "cancel_at_period_end": held.cancel_at_period_end,
        "canceled_at": held.canceled_at,
        "cancellation_details": {
            "comment": None,
            "feedback": held.cancel_feedback,
            "reason": held.cancel_reason,
        },
        "collection_method": "charge_automatically",
        "created": held.anchor,
        "currency": held.items[0].price.currency,
        **({} if traits.period_on_items else _period(held)),
        "customer": held.customer_id,
        "days_until_due": None,
        "default_payment_method": held.method_id,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        **({"discount": None} if traits.single_discount else {}),
        "discounts": [],
        "ended_at": held.ended_at,
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
        "items": {
            "object": "list",
            "data": [_item(item, held, shape) for item in held.items],
            "has_more": False,
            "total_count": len(held.items),
            "url": f"/v1/subscription_items?subscription={held.subscription_id}",
        },
        "latest_invoice": held.latest_invoice,
        "livemode": False,
        "metadata": {},
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": _pause(held),
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "plan": legacy_plan(only.price, shape) if only else None,
        "quantity": only.quantity if only else None,
        "schedule": None,
        "start_date": held.anchor,
        "status": held.status.value,
        "test_clock": None,
        "transfer_data": None,
        "trial_end": None,
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "trial_start": None,
    }


def _item(item: Item, held: Subscription, shape: Shape) -> dict[str, object]:
    return {
        "id": item.item_id,
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": held.anchor,
        **(_period(held) if TRAITS[shape].period_on_items else {}),
        "discounts": [],
        "metadata": {},
        "plan": legacy_plan(item.price, shape),
        "price": price(item.price, shape),
        "quantity": item.quantity,
        "subscription": held.subscription_id,
        "tax_rates": [],
    }


def _period(held: Subscription) -> dict[str, object]:
    return {
        "current_period_end": held.period_end,
        "current_period_start": held.period_start,
    }


def _pause(held: Subscription) -> dict[str, object] | None:
    if not held.paused:
        return None
    return {"behavior": "keep_as_draft", "resumes_at": held.resumes_at}


def _billing_mode(held: Subscription) -> dict[str, object]:
    return {
        "billing_mode": {
            "flexible": {"proration_discounts": "included"},
            "type": "flexible",
            "updated_at": held.anchor,
        }
    }
