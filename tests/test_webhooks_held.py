"""Discounts that events of their own told of, as part of what they are on."""

from __future__ import annotations

import pytest

from webhooks.comparing import Holding
from webhooks.held import with_discounts


@pytest.mark.parametrize(
    ("name", "item", "own", "of_item"),
    [
        ("di_new", None, "di_new", "di_1"),
        ("di_new", "si_1", "", "di_1 di_new"),
        ("di_new", "si_gone", "", "di_1"),
        ("di_1", None, "", "di_1"),
    ],
)
def test_a_discount_is_on_what_it_was_told_of_unless_it_is_shown_there(
    name: str, item: str | None, own: str, of_item: str
) -> None:
    """Older versions tell of an item's discount as if it were the subscription's."""
    fields = {"discounts": "", "si_1.discounts": "di_1"}
    held = Holding(kind="subscription", id="sub_1", account="cus_1", fields=fields)
    on = {"subscription": "sub_1", "item": item, "told_at": None}
    told = Holding(kind="discount", id=name, account="cus_1", fields=on)

    found = with_discounts({each.key: each for each in (held, told)})

    assert found.keys() == {held.key}
    assert dict(found[held.key].fields) == {"discounts": own, "si_1.discounts": of_item}
