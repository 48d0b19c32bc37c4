"""What a subscription is called: by the product of its base, else by whatever is known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from projections.facts import Item
from projections.models.catalogue import Catalogue


def plan_name(
    items: Sequence[Item], base: Item | None, catalogue: Catalogue, moment: datetime
) -> str | None:
    """Return the name of what is sold; ids where the catalogue knows no name.

    Args:
        base: The item that is the plan, where the terms tell; else the first is.
    """
    item = base or next(iter(items), None)
    if item is None:
        return None
    price = None if item.price is None else catalogue.price(item.price, moment)
    sold = item.product or (None if price is None else price.product)
    product = None if sold is None else catalogue.product(sold, moment)
    names = (
        None if product is None else product.name,
        None if price is None else price.nickname,
        item.price,
    )
    return next((name for name in names if name), None)
