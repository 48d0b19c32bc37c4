"""What a subscription's changes are called."""

from __future__ import annotations

import pytest

from projections.objects import Discount, Subscription
from projections.story.subscription_story import _discounts

KNOWN = Discount(id="di_1", coupon="LAUNCH20")
REFERENCE = Discount(id="di_2")


def _with(*discounts: Discount) -> Subscription:
    return Subscription(status="active", discounts=discounts)


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ((), (KNOWN,), "discount: LAUNCH20"),
        ((KNOWN,), (KNOWN,), None),
        ((KNOWN,), (), "discount: none any more"),
        ((), (REFERENCE,), "a discount applies"),
        ((KNOWN,), (KNOWN, REFERENCE), "2 discounts apply"),
    ],
)
def test_discounts_are_called_by_their_coupons_never_by_a_bare_id(
    before: tuple[Discount, ...], now: tuple[Discount, ...], said: str | None
) -> None:
    assert _discounts(_with(*before), _with(*now)) == said
