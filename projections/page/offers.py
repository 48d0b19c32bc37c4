"""Plans that an account may start with: prices on offer, as the page names them."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Offer:
    """A price that may be subscribed to.

    Attributes:
        unit_amount: In decimals of minor units; None where it depends on the quantity.
    """

    price: str
    name: str
    unit_amount: str | None
    currency: str | None
    interval: str | None
