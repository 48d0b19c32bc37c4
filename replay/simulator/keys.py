"""Single keys of Stripe's objects that came, or left, with an API version.

Renderers write every key there ever was; `of_version` takes away those a version has not.
Read from recordings of each version, and from the SDK's types where none is recorded.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from replay.simulator.shapes import Shape

_Path = tuple[str, ...]

# The first of our versions that has the key; a dot leads into an object.
_CAME: Final[dict[str, dict[Shape, str]]] = {
    "subscription": {
        Shape.Y2023: "application cancellation_details currency description "
        "on_behalf_of payment_settings.save_default_payment_method trial_settings",
        Shape.Y2024: "billing_cycle_anchor_config discounts invoice_settings "
        "automatic_tax.liability",
        Shape.ACACIA: "automatic_tax.disabled_reason",
        Shape.CLOVER: "billing_mode",
        Shape.DAHLIA: "customer_account",
        Shape.ENDIVE: "billing_schedules invoice_settings.custom_fields "
        "invoice_settings.description invoice_settings.footer managed_payments "
        "status_details",
    },
    "subscription_item": {
        Shape.Y2024: "discounts",
        Shape.ENDIVE: "billed_until",
    },
    "invoice": {
        Shape.Y2023: "amount_shipping application automatically_finalizes_at effective_at "
        "from_invoice latest_revision rendering shipping_cost shipping_details "
        "subscription_details subtotal_excluding_tax test_clock total_excluding_tax "
        "paid_out_of_band payment_settings.default_mandate",
        Shape.Y2024: "automatic_tax.liability issuer",
        Shape.ACACIA: "amount_overpaid automatic_tax.disabled_reason "
        "total_pretax_credit_amounts",
        Shape.DAHLIA: "amount_paid_off_stripe customer_account",
        Shape.ENDIVE: "status_details",
    },
    "line_item": {
        Shape.Y2023: "amount_excluding_tax unit_amount_excluding_tax proration_details",
        Shape.Y2024: "invoice",
        Shape.ACACIA: "pretax_credit_amounts",
        Shape.DAHLIA: "quantity_decimal subtotal",
    },
    "price": {
        Shape.Y2023: "custom_unit_amount",
        Shape.ACACIA: "recurring.meter",
    },
    "plan": {Shape.ACACIA: "meter"},
    "payment_intent": {
        Shape.Y2023: "amount_details latest_charge payment_method_configuration_details",
        Shape.CLOVER: "excluded_payment_method_types",
        Shape.DAHLIA: "customer_account",
        Shape.ENDIVE: "managed_payments",
    },
    "charge": {
        Shape.Y2023: "failure_balance_transaction",
        Shape.Y2024: "radar_options",
        Shape.ACACIA: "billing_details.tax_id outcome.advice_code "
        "outcome.network_advice_code outcome.network_decline_code",
    },
    "customer": {
        Shape.Y2023: "test_clock",
        Shape.Y2024: "invoice_settings.rendering_options",
    },
    "payment_method": {
        Shape.Y2024: "allow_redisplay",
        Shape.ACACIA: "billing_details.tax_id",
        Shape.DAHLIA: "customer_account",
    },
    "setup_intent": {
        Shape.Y2023: "automatic_payment_methods flow_directions "
        "payment_method_configuration_details",
        Shape.CLOVER: "excluded_payment_method_types",
    },
    "tax_id": {
        Shape.Y2024: "owner",
        Shape.DAHLIA: "customer_account",
    },
    "subscription_schedule": {
        Shape.Y2023: "application",
        Shape.CLOVER: "billing_mode",
        Shape.DAHLIA: "customer_account",
        Shape.ENDIVE: "pause_schedules",
    },
    "product": {
        Shape.Y2023: "default_price",
        Shape.Y2024: "marketing_features",
    },
    "promotion_code": {Shape.DAHLIA: "customer_account"},
    "refund": {
        Shape.Y2023: "destination_details",
        Shape.DAHLIA: "customer customer_account payment_method",
    },
    "dispute": {
        Shape.Y2024: "payment_method_details",
        Shape.DAHLIA: "enhanced_eligibility_types",
    },
    "credit_note": {
        Shape.Y2023: "amount_shipping effective_at shipping_cost",
        Shape.ACACIA: "pretax_credit_amounts",
        Shape.CLOVER: "post_payment_amount pre_payment_amount",
        Shape.DAHLIA: "customer_account",
    },
    "credit_note_line_item": {
        Shape.ACACIA: "pretax_credit_amounts",
        Shape.DAHLIA: "metadata",
    },
    "invoiceitem": {
        Shape.Y2023: "test_clock",
        Shape.CLOVER: "net_amount",
        Shape.DAHLIA: "customer_account quantity_decimal",
    },
    "discount": {Shape.Y2024: "subscription_item", Shape.DAHLIA: "customer_account"},
    "tax_rate": {
        Shape.Y2024: "flat_amount jurisdiction_level rate_type",
    },
    "event": {Shape.DAHLIA: "context"},
}

# The first of our versions that no longer has the key.
_LEFT: Final[dict[str, dict[Shape, str]]] = {
    "dispute": {Shape.BASIL: "balance_transaction"},
    "subscription": {Shape.BASIL: "discount current_period_end current_period_start"},
    "invoice": {
        Shape.BASIL: "application_fee_amount charge discount paid paid_out_of_band "
        "payment_intent quote subscription subscription_details tax total_tax_amounts "
        "transfer_data",
    },
    "price": {Shape.BASIL: "recurring.aggregate_usage"},
    "plan": {Shape.BASIL: "aggregate_usage"},
    "payment_intent": {Shape.BASIL: "invoice", Shape.Y2023: "charges"},
    "charge": {Shape.BASIL: "invoice", Shape.Y2023: "refunds"},
    "subscription_schedule": {Shape.Y2023: "renewal_interval"},
}


def of_version(rendered: dict[str, object], shape: Shape) -> dict[str, object]:
    """Return *rendered*, changed in place: without the keys its version has not."""
    for *holders, key in _absent(str(rendered["object"]), shape):
        holder: object = rendered
        for name in holders:
            holder = holder.get(name) if isinstance(holder, dict) else None
        if isinstance(holder, dict):
            holder.pop(key, None)
    return rendered


@cache
def _absent(kind: str, shape: Shape) -> tuple[_Path, ...]:
    """Return where the keys stand that objects of *kind* have in other versions only."""
    later = _paths(kind, _CAME, {each for each in Shape if each.age > shape.age})
    gone = _paths(kind, _LEFT, {each for each in Shape if each.age <= shape.age})
    return later + gone


def _paths(
    kind: str, table: dict[str, dict[Shape, str]], shapes: set[Shape]
) -> tuple[_Path, ...]:
    return tuple(
        tuple(path.split("."))
        for shape, paths in table.get(kind, {}).items()
        if shape in shapes
        for path in paths.split()
    )
