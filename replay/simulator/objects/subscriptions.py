"""Subscriptions and their items."""

from __future__ import annotations

from replay.simulator.keys import of_version
from replay.simulator.objects.catalogue import legacy_plan, price
from replay.simulator.objects.reductions import discount
from replay.simulator.objects.taxes import tax_rates
from replay.simulator.shapes import Shape
from replay.simulator.subscriptions import Item, Subscription

_BY_ITSELF = "charge_automatically"


def subscription(held: Subscription, shape: Shape) -> dict[str, object]:
    """Render a subscription with all its items."""
    # Stripe repeats price and quantity at the top only where one item leaves no doubt.
    only = held.items[0] if len(held.items) == 1 else None
    on_all = held.discounts[0] if len(held.discounts) == 1 else None
    rendered: dict[str, object] = {
        "id": held.subscription_id,
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": held.anchor,
        "billing_cycle_anchor_config": None,
        "billing_mode": billing_mode(held.created),
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": held.cancel_at,
        "cancel_at_period_end": held.cancel_at_period_end,
        "canceled_at": held.canceled_at,
        "cancellation_details": {
            "comment": None,
            "feedback": held.cancel_feedback,
            "reason": held.cancel_reason,
        },
        "collection_method": "send_invoice" if held.mail_days else _BY_ITSELF,
        "created": held.created,
        "currency": held.plan.currency,
        **_period(held),
        "customer": held.customer_id,
        "customer_account": None,
        "days_until_due": held.mail_days,
        "default_payment_method": held.method_id,
        "default_source": None,
        "default_tax_rates": tax_rates(held.rates, shape),
        "description": None,
        "discount": discount(on_all, shape) if on_all else None,
        "discounts": [each.discount_id for each in held.discounts],
        "ended_at": held.ended_at,
        "invoice_settings": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": None,
            "footer": None,
            "issuer": {"type": "self"},
        },
        "items": {
            "object": "list",
            "data": [_item(item, held, shape) for item in held.items],
            "has_more": False,
            "total_count": len(held.items),
            "url": f"/v1/subscription_items?subscription={held.subscription_id}",
        },
        "latest_invoice": held.latest_invoice,
        "livemode": False,
        "managed_payments": None,
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
        "schedule": held.schedule_id,
        "start_date": held.created,
        "status": held.status.value,
        "status_details": _status_details(held),
        "test_clock": None,
        "transfer_data": None,
        "trial_end": held.trial_end,
        "trial_settings": {
            "end_behavior": {"missing_payment_method": held.trial_ends_in.value}
        },
        "trial_start": held.created if held.trial_end else None,
    }
    return of_version(rendered, shape)


def billing_mode(since: int) -> dict[str, object]:
    """Render flexible billing, as every new subscription has it by now."""
    return {
        "flexible": {"proration_discounts": "included"},
        "type": "flexible",
        "updated_at": since,
    }


def _item(item: Item, held: Subscription, shape: Shape) -> dict[str, object]:
    rendered: dict[str, object] = {
        "id": item.item_id,
        "object": "subscription_item",
        "billed_until": held.period_end,
        "billing_thresholds": None,
        "created": item.created,
        **(_period(held) if shape.traits.parents else {}),
        "discounts": [each.discount_id for each in item.discounts],
        "metadata": {},
        "plan": legacy_plan(item.price, shape),
        "price": price(item.price, shape),
        "quantity": item.quantity,
        "subscription": held.subscription_id,
        "tax_rates": [],
    }
    return of_version(rendered, shape)


def _period(held: Subscription) -> dict[str, object]:
    return {
        "current_period_end": held.period_end,
        "current_period_start": held.period_start,
    }


def _pause(held: Subscription) -> dict[str, object] | None:
    if held.collection is None:
        return None
    return {"behavior": held.collection.value, "resumes_at": held.resumes_at}


def _status_details(held: Subscription) -> dict[str, object] | None:
    if held.paused_for is None:
        return None
    return {
        "paused": {
            "subscription": {"type": held.paused_for.value},
            "transitioned_at": held.paused_at,
            "type": "subscription",
        }
    }
