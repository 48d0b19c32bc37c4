"""Subscription schedules: what a subscription will become, and when."""

from __future__ import annotations

from replay.simulator.keys import of_version
from replay.simulator.objects.subscriptions import billing_mode
from replay.simulator.prices import Price
from replay.simulator.schedules import Phase, Schedule
from replay.simulator.shapes import Shape


def schedule(planned: Schedule, shape: Shape) -> dict[str, object]:
    """Render a schedule with its phases."""
    released = planned.released_at is not None
    running = planned.status == "active"
    current = planned.phases[planned.current] if running else None
    subscription_id = planned.subscription_id
    rendered: dict[str, object] = {
        "id": planned.schedule_id,
        "object": "subscription_schedule",
        "application": None,
        "billing_mode": billing_mode(planned.created),
        "canceled_at": planned.canceled_at,
        "completed_at": None,
        "created": planned.created,
        "current_phase": {"end_date": current.end, "start_date": current.start}
        if current
        else None,
        "customer": planned.customer_id,
        "customer_account": None,
        "default_settings": _defaults(shape),
        "end_behavior": "release",
        "livemode": False,
        "metadata": {},
        "pause_schedules": [],
        "phases": [_phase(phase, shape) for phase in planned.phases],
        "released_at": planned.released_at,
        "released_subscription": subscription_id if released else None,
        "renewal_interval": None,
        "status": planned.status,
        "subscription": None if released else subscription_id,
        "test_clock": None,
    }
    return of_version(rendered, shape)


def _defaults(shape: Shape) -> dict[str, object]:
    older: dict[str, object] = {
        "automatic_tax": {"enabled": False},
        "default_source": None,
        "invoice_settings": {"days_until_due": None},
    }
    newer: dict[str, object] = {
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "description": None,
        "invoice_settings": {
            "account_tax_ids": None,
            "custom_fields": None,
            "days_until_due": None,
            "description": None,
            "footer": None,
            "issuer": {"type": "self"},
        },
        "on_behalf_of": None,
    }
    keys: dict[str, object] = {
        "application_fee_percent": None,
        "billing_cycle_anchor": "automatic",
        "billing_thresholds": None,
        "collection_method": "charge_automatically",
        "default_payment_method": None,
        "transfer_data": None,
        **(newer if _is_newer(shape) else older),
    }
    return dict(sorted(keys.items()))


def _phase(phase: Phase, shape: Shape) -> dict[str, object]:
    older: dict[str, object] = {"coupon": None}
    newer: dict[str, object] = {
        "currency": phase.plan.currency,
        "description": None,
        "discounts": [],
        "metadata": {},
        "on_behalf_of": None,
    }
    keys: dict[str, object] = {
        "add_invoice_items": [],
        "application_fee_percent": None,
        "billing_cycle_anchor": None,
        "billing_thresholds": None,
        "collection_method": None,
        "default_payment_method": None,
        "default_tax_rates": [],
        "end_date": phase.end,
        "invoice_settings": None,
        "items": [_item(sold, quantity, shape) for sold, quantity in phase.items],
        "proration_behavior": "none",
        "start_date": phase.start,
        "transfer_data": None,
        "trial_end": None,
        **(newer if _is_newer(shape) else older),
    }
    return dict(sorted(keys.items()))


def _item(sold: Price, quantity: int, shape: Shape) -> dict[str, object]:
    keys: dict[str, object] = {
        "billing_thresholds": None,
        "plan": sold.price_id,
        "price": sold.price_id,
        "quantity": quantity,
        "tax_rates": [],
    }
    if _is_newer(shape):
        keys |= {"discounts": [], "metadata": {}}
    return dict(sorted(keys.items()))


def _is_newer(shape: Shape) -> bool:
    """Tell the schedules of 2024 from those of 2020; between them none is recorded."""
    return shape.age >= Shape.Y2024.age
