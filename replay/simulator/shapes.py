"""The API versions the simulator can speak, and where they differ.

A renderer asks the traits, never the version, so that another version is another row.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import attrs


class Shape(StrEnum):
    """An API version, spelled as in an event's `api_version`."""

    ACACIA = "2025-02-24.acacia"
    CLOVER = "2025-10-29.clover"


@attrs.frozen(kw_only=True)
class Traits:
    """What a renderer must know of an API version.

    Attributes:
        period_on_items: Each subscription item has its period; else the subscription has.
        parents: Invoices and lines name their origin in `parent`, prices in `pricing`.
        payments_apart: Charges and intents no longer name their invoice, nor it them.
        single_discount: The old `discount` stands beside `discounts`.
        aggregate_usage: Recurring prices still carry `aggregate_usage`.
        billing_modes: Subscriptions carry `billing_mode`.
        order_reference_chars: How much of the invoice id an intent repeats; 0 is nothing.
    """

    period_on_items: bool
    parents: bool
    payments_apart: bool
    single_discount: bool
    aggregate_usage: bool
    billing_modes: bool
    order_reference_chars: int


TRAITS: Final[dict[Shape, Traits]] = {
    Shape.ACACIA: Traits(
        period_on_items=False,
        parents=False,
        payments_apart=False,
        single_discount=True,
        aggregate_usage=True,
        billing_modes=False,
        order_reference_chars=0,
    ),
    Shape.CLOVER: Traits(
        period_on_items=True,
        parents=True,
        payments_apart=True,
        single_discount=False,
        aggregate_usage=False,
        billing_modes=True,
        order_reference_chars=25,
    ),
}
