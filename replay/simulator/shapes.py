"""The API versions the simulator can speak, and where they differ in form.

A renderer asks the traits, never the version, so that another version is another row;
single keys that came or left with a version are in `replay.simulator.keys`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import attrs


class Shape(StrEnum):
    """An API version, spelled as in an event's `api_version`; the oldest first."""

    Y2020 = "2020-08-27"
    Y2023 = "2023-10-16"
    Y2024 = "2024-06-20"
    ACACIA = "2025-02-24.acacia"
    BASIL = "2025-03-31.basil"
    CLOVER = "2025-10-29.clover"
    DAHLIA = "2026-03-25.dahlia"
    ENDIVE = "2026-10-28.endive"

    @property
    def age(self) -> int:
        """Its place among all versions; the oldest has 0."""
        return _AGES[self]

    @property
    def traits(self) -> Traits:
        """Where it differs in form."""
        return TRAITS[self]


@attrs.frozen(kw_only=True)
class Traits:
    """What a renderer must know of an API version.

    Attributes:
        parents: Invoices and lines name their origin in `parent`, prices in `pricing`;
            a subscription's period stands on its items.
        payments_apart: Charges and intents no longer name their invoice, nor it them.
        inlined_charges: Intents hold their charges, charges their refunds.
        coupon_sources: A promotion code names its coupon instead of holding it.
        order_reference_chars: How much of the invoice id an intent repeats; 0 is nothing,
            None is that it has no such place.
        unsent: Event types this version does not know.
    """

    parents: bool = True
    payments_apart: bool = True
    inlined_charges: bool = False
    coupon_sources: bool = True
    order_reference_chars: int | None = None
    unsent: frozenset[str] = frozenset()


_JOINS: Final = frozenset({"invoice_payment.paid"})
_REFUNDS: Final = frozenset({"refund.created"})
_ITEMS: Final = frozenset({"invoiceitem.updated"})
_CLASSIC: Final = Traits(
    parents=False,
    payments_apart=False,
    coupon_sources=False,
    unsent=_JOINS | _REFUNDS,
)
_WHOLE_ID: Final = 64

TRAITS: Final[dict[Shape, Traits]] = {
    Shape.Y2020: attrs.evolve(_CLASSIC, inlined_charges=True),
    Shape.Y2023: _CLASSIC,
    Shape.Y2024: attrs.evolve(_CLASSIC, unsent=_JOINS | _REFUNDS | _ITEMS),
    Shape.ACACIA: attrs.evolve(_CLASSIC, unsent=_JOINS | _ITEMS),
    Shape.BASIL: Traits(coupon_sources=False, order_reference_chars=0, unsent=_ITEMS),
    Shape.CLOVER: Traits(order_reference_chars=25, unsent=_ITEMS),
    Shape.DAHLIA: Traits(order_reference_chars=_WHOLE_ID, unsent=_ITEMS),
    Shape.ENDIVE: Traits(order_reference_chars=_WHOLE_ID, unsent=_ITEMS),
}

_AGES: Final = {shape: age for age, shape in enumerate(Shape)}
